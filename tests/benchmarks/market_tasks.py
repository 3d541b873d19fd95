"""Inside a process of its own: generated markets, as a lake or as a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from django.utils import timezone

from marketdata.lake import writer
from marketdata.models import LakePartition
from marketdata.operations.projection import break_table, index_table
from marketdata.queries.market_calendar import get_sessions
from marketdata.queries.records import get_lake
from marketdata.record import Days
from tests.benchmarks import measurement
from tests.benchmarks.generator import SEGMENTS, Generated

Answer = dict[str, Any]


def calendar(*, market: str) -> Answer:
    """Build and keep the market's calendar, as the first command of an installation does."""
    began = time.perf_counter()
    get_sessions(market)
    return {"seconds": time.perf_counter() - began}


def lake(*, market: str, instruments: int, sessions: int, seed: int) -> Answer:
    """Generate a market and write it as lake partitions, with the rows that vouch for them and the market's index."""
    with measurement.Memory() as memory:
        made = _lake(market, instruments, sessions, seed)
    return made | {"peak_mb": memory.own}


def _lake(market: str, instruments: int, sessions: int, seed: int) -> Answer:
    began = time.perf_counter()
    made = Generated(seed, instruments, _latest(market, sessions))
    LakePartition.objects.filter(market=market).delete()
    rows = size = 0
    for month in made.months():
        written = writer.write(get_lake(), market, month.first, made.bars(month), generation=1)
        LakePartition.objects.create(
            market=market,
            month=month.first,
            wanted=1,
            written=1,
            rows=written.rows,
            bytes=written.bytes,
            digest=written.digest,
            sessions=written.sessions,
            written_at=timezone.now(),
        )
        rows, size = rows + written.rows, size + written.bytes
    generated = time.perf_counter()
    index_table.refresh(get_lake(), market, break_table.refresh(get_lake(), market))
    return {
        "rows": rows,
        "bytes": size,
        "seed": seed,
        "seconds": generated - began,
        "index_seconds": time.perf_counter() - generated,
    }


def tidy(*, file: str, instruments: int, sessions: int, seed: int) -> Answer:
    """Generate a market as a tidy Parquet file."""
    made = Generated(seed, instruments, _latest("kr", sessions))
    names = [
        "open",
        "high",
        "low",
        "close",
        "volume",
        "amount",
        "base_price",
        "market_cap",
        "shares",
    ]
    scratch, output, rows = Path(f"{file}.tmp"), None, 0
    for month in made.months():
        bars = made.bars(month)
        columns: dict[str, Any] = {
            "date": pa.array(bars.date, pa.date32()),
            "code": pa.array(bars.codes[bars.code].tolist()),
            "segment": pa.array(np.array(SEGMENTS)[bars.segment].tolist()),
            **{name: pa.array(bars.values[name]) for name in names},
        }
        table = pa.table(columns)
        output = output or pq.ParquetWriter(scratch, table.schema, compression="zstd")
        output.write_table(table)
        rows += table.num_rows
    if output:
        output.close()
        scratch.replace(file)
    return {"rows": rows}


def _latest(market: str, count: int) -> Days:
    """The last `count` sessions of the market's calendar up to 2026-08-21."""
    days = get_sessions(market)
    return days[days <= np.datetime64("2026-08-21")][-count:]
