"""What is measured: markets, versions and sessions."""

from __future__ import annotations

BARS, EVENTS = "krx_raw_2023_2026.parquet", "krx_events_2023_2025.parquet"
ADJUSTED, ADJUSTED_MARKET = "krx_adj_2019_2025.parquet", "kr-adj"

SEED = 20_260_821
BIG_MARKET = "kr-big"
BIG = {"instruments": 20_000, "sessions": 1_250, "seed": SEED}
LIKE_KRX = {"instruments": 2_537, "sessions": 760, "seed": SEED}

VERSION = "v2"
VERSIONS = ("v1", "v2", "v3", "seismograph", "vcp")
JUDGED = ("v1", "v2", "v3")
RANGE = ("2024-07-01", "2026-08-21")
LAST_SESSIONS = 60
"""Among so many last sessions the one to scan is chosen."""

NO_LIMIT = {"KOSPI": 1_000_000}
"""A scan's limit that leaves out no instrument: the same ranks from other parameters, published again."""
