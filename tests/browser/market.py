"""The small market that the browser looks at."""

from __future__ import annotations

import numpy as np
import pandas as pd

DAYS = [str(day) for day in pd.bdate_range("2025-02-03", "2025-02-28").date]
CODES = [f"{n:06d}" for n in range(100, 2500, 200)]
PASSWORD = "an operator's password"  # noqa: S105 - of a server that lives for one test

SETTING_UP = """
from datetime import datetime, timezone
from pathlib import Path
from django.contrib.auth.models import User
from marketdata.operations.imports.prices import import_prices
from marketdata.operations.projection import project
from scans.operations import versions

now = datetime.now(timezone.utc)
import_prices(files=[Path("{folder}") / "prices.csv"], market="kr", as_of=now)
project.project_bars("kr")
settings = {{"match": "volume > 0", "score": "volume / sma(volume, 5)", "min_bars": 2}}
versions.create_version(slug="busiest", engine="formula", settings=settings, who="setup", at=now, title="Most traded")
User.objects.create_superuser("operator", password="an operator's password")
"""

WIDE_ROWS = """
from datetime import date, datetime, timezone
from marketdata.candles.models import CandleChunk, CandleCollection, CandleSeries
from marketdata.models import InstitutionalFlow
from marketdata.panel import FLOW_FIELDS

now = datetime.now(timezone.utc)
InstitutionalFlow.objects.create(
    market="kr", stock_code="000100", date=date(2025, 2, 28), source="korea-investment", created_at=now, updated_at=now,
    **{name: -123_456_789_012.0 if name.endswith("value") else -12_345_678.0 for name in FLOW_FIELDS},
)
series = CandleSeries.objects.create(exchange="bithumb", market="KRW-PENDLE", timeframe="240m")
collection = CandleCollection.objects.create(
    series=series, start=1_400_000_000, end=1_730_000_000, closed_until=1_730_000_000, by_count=False,
    status="running", reason="history_start", started_at=now,
)
CandleChunk.objects.create(
    collection=collection, number=1, start=1_400_000_000, end=1_720_000_000, label="no overlap",
    stored_at=1_740_000_000, slots_asked=123_456, slots_answered=123_456,
    rows=12_345_678, calls=123_456, retries=12, bytes=123_456_789,
    cache_hits=0, seconds_overlap=0.1, seconds_api=1000.0, seconds_store=10.0,
)
"""
"""Rows of the two widest lists: investor flow of all kinds of investors, a long collection of candles."""


def prices() -> pd.DataFrame:
    """Twelve instruments over the sessions of a month."""
    rng = np.random.default_rng(20250203)
    rows = []
    for n, code in enumerate(CODES):
        price = 5_000 * (n + 1)
        for day in DAYS:
            price = round(price * float(rng.uniform(0.98, 1.02)))
            volume = int(rng.integers(10_000, 900_000))
            rows.append((day, code, f"No. {n}", price, price + 9, price - 9, price, volume, "KOSPI"))
    columns = ["date", "code", "name", "open", "high", "low", "close", "volume", "segment"]
    return pd.DataFrame(rows, columns=columns)
