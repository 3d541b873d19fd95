"""Writes a generated market to a price file, to be imported like any other."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from marketdata.queries.market_calendar import get_sessions
from marketdata.sources.demo import market

MARKET = "kr"


def write_demo_prices(*, output: Path, instruments: int, sessions: int, end: date, seed: int = market.SEED) -> int:
    """Write `instruments` generated instruments over the last `sessions` sessions up to `end` as tidy Parquet, a block
    at a time; returns the number of rows. ValueError where there are not that many sessions, or too few."""
    calendar = get_sessions(MARKET)
    until = calendar[calendar <= np.datetime64(end)]
    if not 2 <= sessions <= len(until):
        raise ValueError(
            f"The calendar has {len(until):,} sessions up to {end}: ask for 2 to {len(until):,} of them, "
            f"not {sessions:,}."
        )
    if instruments < 1:
        raise ValueError(f"Ask for at least 1 instrument, not {instruments}.")
    output.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    with pq.ParquetWriter(output, market.SCHEMA, compression="zstd") as writer:
        for batch in market.batches(instruments=instruments, sessions=until[-sessions:], seed=seed):
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows
