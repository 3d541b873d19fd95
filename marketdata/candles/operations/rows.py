"""Writes the rows of a chunk, with as few and as short statements as each database allows.

The cost of a chunk, of two hundred candles or five, is its statements. There are four at most (candles, coverage, start
of history, state), all with bound values.
"""

from __future__ import annotations

from itertools import repeat

from django.db import connection

from marketdata.candles.collector.collections import ChunkState, History
from marketdata.candles.collector.timeframes import Interval
from marketdata.candles.models import CandleChunk, CandleSeries
from marketdata.candles.record import CANDLES, COLUMNS, COVERAGE, fetch, touching
from marketdata.sources.base import Candles

CHUNKS = CandleChunk._meta.db_table
SERIES = CandleSeries._meta.db_table
STATE = (
    "number", "start", "end", "label", "slots_asked", "slots_answered", "rows", "calls", "retries",
    "seconds_create", "seconds_overlap", "seconds_api", "seconds_process", "seconds_store", "bytes", "cache_hits",
    "memory", "memory_peak",
)  # fmt: skip

_HEAD = f"INSERT INTO {CANDLES} (series_id, {', '.join(COLUMNS)}) "
_REPLACE = " ON CONFLICT (series_id, opened) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in COLUMNS[1:]
)
_ONE_BY_ONE = f"{_HEAD}VALUES ({', '.join('?' * 9)}){_REPLACE}"
_ARRAYS = ", ".join(f"%s::{'bigint' if name in ('opened', 'ticked_ms') else 'float8'}[]" for name in COLUMNS)
_AT_ONCE = f"{_HEAD}SELECT %s, * FROM unnest({_ARRAYS}){_REPLACE}"  # noqa: S608

_COVER = f'INSERT INTO {COVERAGE} (series_id, start, "end") VALUES (%s, %s, %s)'  # noqa: S608
_WIDEN = f'UPDATE {COVERAGE} SET start = %s, "end" = %s WHERE id = %s'  # noqa: S608
_SWALLOW = f"DELETE FROM {COVERAGE} WHERE id = %s"  # noqa: S608
_CUT = f'UPDATE {COVERAGE} SET start = %s WHERE series_id = %s AND start < %s AND "end" > %s'  # noqa: S608
_WITHDRAW = f'DELETE FROM {COVERAGE} WHERE series_id = %s AND "end" <= %s'  # noqa: S608
_HISTORY = (
    f"UPDATE {SERIES} SET listed = %s, history_claimed_at = %s, history_confirmed = %s, "  # noqa: S608
    "empty_before = %s WHERE id = %s"
)
_LOCK = f"SELECT id FROM {SERIES} WHERE id = %s FOR UPDATE"  # noqa: S608
_STATE_NAMES = ", ".join(f'"{name}"' for name in ("collection_id", "stored_at", *STATE))
_STATE = f"INSERT INTO {CHUNKS} ({_STATE_NAMES}) VALUES ({', '.join(['%s'] * (len(STATE) + 2))})"  # noqa: S608


def lock(key: int) -> None:
    """Lock the series to the end of the transaction. SQLite has one writer at a time anyway: its transactions begin
    IMMEDIATE."""
    if connection.vendor == "postgresql":
        fetch(_LOCK, [key])


def upsert_candles(key: int, candles: Candles) -> None:
    """Write candles of a series; one that is recorded is replaced."""
    if not len(candles):
        return
    columns = [column.tolist() for column in candles.columns]
    if connection.vendor == "postgresql":
        fetch(_AT_ONCE, [key, *columns])
        return
    with connection.wrap_database_errors:
        connection.connection.executemany(_ONE_BY_ONE, zip(repeat(key), *columns))


def verify(key: int, verified: Interval) -> None:
    """Add a verified interval of a series, merged with the recorded ones that it overlaps or touches."""
    recorded = touching(key, verified)
    if not recorded:
        fetch(_COVER, [key, *verified])
        return
    row, first, _ = recorded[0]
    start, end = min(first, verified.start), max(recorded[-1][2], verified.end)
    for merged, _, _ in recorded[1:]:
        fetch(_SWALLOW, [merged])
    if (start, end) != recorded[0][1:]:
        fetch(_WIDEN, [start, end, row])


def withdraw(key: int, before: int) -> None:
    """Remove the slots before a moment from the verified intervals of a series."""
    fetch(_WITHDRAW, [key, before])
    fetch(_CUT, [before, key, before, before])


def write_history(key: int, history: History) -> None:
    """Record the start of the history of a series."""
    row = (history.first, history.claimed_at, history.confirmed, history.empty_before)
    fetch(_HISTORY, [*row, key])


def insert_state(collection: int, state: ChunkState, stored_at: int) -> None:
    """Write the state of a chunk."""
    fetch(_STATE, [collection, stored_at, *(getattr(state, name) for name in STATE)])
