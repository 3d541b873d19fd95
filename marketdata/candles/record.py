"""Reads of recorded candles, for readers and the collector.

They are plain SQL: a collector makes several for each chunk, and the ORM takes longer to build one than the database to
answer it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import DEFAULT_DB_ALIAS, connections

from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.collections import History
from marketdata.candles.collector.coverage import Coverage
from marketdata.candles.collector.timeframes import Interval
from marketdata.candles.models import Candle, CandleCoverage, CandleSeries
from marketdata.sources.base import Candles

CANDLES = Candle._meta.db_table
COVERAGE = CandleCoverage._meta.db_table
COLUMNS = ("opened", "open", "high", "low", "close", "volume", "amount", "ticked_ms")

_TOUCHING = (
    f'SELECT id, start, "end" FROM {COVERAGE} WHERE series_id = %s AND start <= %s AND start >= '  # noqa: S608
    f"COALESCE((SELECT max(start) FROM {COVERAGE} WHERE series_id = %s AND start <= %s), %s) ORDER BY start"
)
_OF_SERIES = f"FROM {CANDLES} WHERE series_id = %s"


class RecordedCandles:
    """The recorded candles; caches the keys of series. One thread at a time."""

    def __init__(self) -> None:
        self._keys: dict[Series, int] = {}

    def key(self, series: Series) -> int | None:
        """The primary key of the series; None where nothing of it is recorded."""
        key = self._keys.get(series)
        if key is None:
            rows = CandleSeries.objects.filter(
                exchange=series.source, market=series.market, timeframe=series.grid.timeframe.name
            )
            key = rows.values_list("pk", flat=True).first()
            if key is not None:
                self._keys[series] = key
        return key

    def coverage(self, series: Series, window: Interval) -> Coverage:
        """Verified intervals that overlap or touch `window`, whole, ascending."""
        key = self.key(series)
        return () if key is None else tuple(Interval(s, e) for _, s, e in touching(key, window))

    def listed(self, series: Series) -> int | None:
        """Opening of the market's first candle; None while it is unknown."""
        key = self.key(series)
        if key is None:
            return None
        return CandleSeries.objects.values_list("listed", flat=True).get(pk=key)

    def history(self, series: Series) -> History:
        """The start of the series' history."""
        key = self.key(series)
        if key is None:
            return History()
        names = ("listed", "history_claimed_at", "history_confirmed", "empty_before")
        return History(*CandleSeries.objects.values_list(*names).get(pk=key))

    def extent(self, series: Series) -> Interval | None:
        """From the first verified or recorded slot to the last; None where there is neither."""
        sql = (
            f'SELECT min(start), max("end"), (SELECT min(opened) {_OF_SERIES}), (SELECT max(opened) {_OF_SERIES}) '  # noqa: S608
            f"FROM {COVERAGE} WHERE series_id = %s"
        )
        key = self.key(series)
        if key is None:
            return None
        ((start, end, oldest, newest),) = fetch(sql, (key,) * 3)
        starts = [each for each in (start, oldest) if each is not None]
        after = None if newest is None else series.grid.opening(series.grid.index(newest) + 1)
        ends = [each for each in (end, after) if each is not None]
        return Interval(min(starts), max(ends)) if starts else None

    def oldest(self, series: Series) -> int | None:
        """Opening of the oldest recorded candle."""
        rows = self._rows(f"SELECT min(opened) {_OF_SERIES}", series)
        return rows[0][0] if rows else None

    def candles(self, series: Series, interval: Interval) -> Candles:
        """Recorded candles that open in the interval, ascending."""
        sql = f"SELECT {', '.join(COLUMNS)} {_OF_SERIES} AND opened >= %s AND opened < %s"
        return Candles.of_rows(self._rows(f"{sql} ORDER BY opened", series, *interval))

    def openings(self, series: Series, interval: Interval) -> npt.NDArray[np.int64]:
        """Open times of the recorded candles in the interval, ascending."""
        sql = f"SELECT opened {_OF_SERIES} AND opened >= %s AND opened < %s ORDER BY opened"
        return np.array([row[0] for row in self._rows(sql, series, *interval)], np.int64)

    def close_before(self, series: Series, when: int) -> float | None:
        """Close of the newest candle that opens before `when`; None where there is none."""
        sql = f"SELECT close {_OF_SERIES} AND opened < %s ORDER BY opened DESC LIMIT 1"
        rows = self._rows(sql, series, when)
        return rows[0][0] if rows else None

    def _rows(self, sql: str, series: Series, *params: int) -> list[tuple[Any, ...]]:
        key = self.key(series)
        if key is None:
            return []
        return fetch(sql, (key, *params))


def touching(key: int, window: Interval) -> list[tuple[int, int, int]]:
    """(row, start, end) of the verified intervals of a series that overlap or touch `window`, ascending.

    They are disjoint, so the last one that starts before the window is the oldest that can reach into it.
    """
    rows = fetch(_TOUCHING, (key, window.end, key, window.start, window.start))
    return [row for row in rows if row[2] >= window.start]


def fetch(sql: str, params: Sequence[Any]) -> list[Any]:
    """The rows of one statement. SQLite's driver is called directly: Django's cursor rewrites the SQL at each call."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall()) if cursor.description else []
    database.ensure_connection()
    with database.wrap_database_errors:
        return list(database.connection.execute(sql.replace("%s", "?"), params))
