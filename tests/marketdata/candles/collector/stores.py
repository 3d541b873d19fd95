"""Stores and a source for the collector's tests: a record in memory, one in SQLite, an exchange
without a network.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np
import numpy.typing as npt

from marketdata.candles.collector import coverage as covered
from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.collections import (
    ChunkState,
    ChunkWrite,
    Collection,
    CollectionStatus,
    History,
    StopReason,
)
from marketdata.candles.collector.coverage import Coverage
from marketdata.candles.collector.planner import ResolvedRequest
from marketdata.candles.collector.timeframes import TIMEFRAMES, Grid, Interval
from marketdata.sources.base import CandlePage, Candles, Capability, SourceCalendar

Row = tuple[int, float, float, float, float, float, float, int]


class MemoryStore:
    """The record as dictionaries; `broken` makes the next read or write fail."""

    def __init__(self) -> None:
        self.rows: dict[Series, dict[int, Row]] = {}
        self.covered: dict[Series, Coverage] = {}
        self.begins: dict[Series, History] = {}
        self.collections: dict[int, tuple[CollectionStatus, str, str]] = {}
        self.chunks: list[ChunkState] = []
        self.lost_calls = 0
        self.broken: Exception | None = None

    def open(self, series: Series, wanted: ResolvedRequest) -> Collection:
        number = len(self.collections) + 1
        self.collections[number] = (CollectionStatus.RUNNING, "", "")
        return Collection(number, series, wanted)

    def coverage(self, series: Series, window: Interval) -> Coverage:
        self._check()
        return tuple(
            each for each in self.covered.get(series, ()) if each.start <= window.end and each.end >= window.start
        )

    @property
    def first(self) -> dict[Series, int]:
        """The first candle of each series, if recorded."""
        return {series: one.first for series, one in self.begins.items() if one.first is not None}

    def history(self, series: Series) -> History:
        return self.begins.get(series, History())

    def oldest(self, series: Series) -> int | None:
        return min(self.rows.get(series, {}), default=None)

    def candles(self, series: Series, interval: Interval) -> Candles:
        rows = self.rows.get(series, {}).values()
        return Candles.of_rows(row for row in rows if interval.start <= row[0] < interval.end)

    def close_before(self, series: Series, when: int) -> float | None:
        older = [opened for opened in self.rows.get(series, {}) if opened < when]
        return self.rows[series][max(older)][4] if older else None

    def store_chunk(self, write: ChunkWrite) -> None:
        self._check()
        series = write.collection.series
        self.rows.setdefault(series, {}).update({row[0]: row for row in rows_of(write.candles)})
        if write.withdrawn is not None:
            kept = Interval(write.withdrawn, 1 << 62)
            self.covered[series] = covered.clip(self.covered.get(series, ()), kept)
        if write.verified is not None:
            self.covered[series] = covered.add(self.covered.get(series, ()), write.verified)
        if write.history is not None:
            self.begins[series] = write.history
        self.chunks.append(write.state)

    def close(
        self,
        collection: Collection,
        status: CollectionStatus,
        reason: StopReason,
        error: str = "",
        *,
        calls: int = 0,
    ) -> None:
        self.lost_calls += calls
        self.collections[collection.number] = (status, reason, error)

    def discard(self, collection: Collection) -> bool:
        del self.collections[collection.number]
        return True

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken


def rows_of(candles: Candles) -> list[Row]:
    return list(zip(*(column.tolist() for column in candles.columns), strict=True))


SCHEMA = """
create table if not exists candle (
  series text, opened integer, open real, high real, low real, close real, volume real, amount real,
  ticked integer, primary key (series, opened)) without rowid;
create table if not exists verified (series text, start integer, end integer, primary key (series, start));
create table if not exists market (
  series text primary key, listed integer, claimed_at integer, confirmed integer, empty_before integer);
create table if not exists collection (
  number integer primary key, series text, start integer, end integer, closed_until integer, by_count integer,
  status text, reason text, error text);
create table if not exists chunk (
  collection integer, number integer, start integer, end integer, label text, slots_asked integer,
  slots_answered integer, rows integer, calls integer, retries integer, seconds_create real, seconds_overlap real,
  seconds_api real, seconds_process real, seconds_store real, bytes integer, cache_hits integer, memory integer,
  memory_peak integer, primary key (collection, number));
"""


class SqliteStore:
    """The record in a SQLite file. `step` is called before each statement of a chunk's transaction."""

    def __init__(self, path: Path, step: Callable[[str], None] = lambda name: None) -> None:
        self.db = sqlite3.connect(path, timeout=30, isolation_level=None)
        self.db.executescript(SCHEMA)
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = normal")
        self._step = step

    @staticmethod
    def key(series: Series) -> str:
        return f"{series.source} {series.market} {series.grid.timeframe.name}"

    def open(self, series: Series, wanted: ResolvedRequest) -> Collection:
        key = (self.key(series), *wanted.interval)
        row = self.db.execute(
            "select collection.number, "
            "(select count(*) from chunk where chunk.collection = collection.number) from collection "
            "where series = ? and start = ? and end = ? and status != 'done'",
            key,
        ).fetchone()
        if row:
            return Collection(row[0], series, wanted, row[1])
        made = self.db.execute(
            "insert into collection (series, start, end, closed_until, by_count, status) "
            "values (?, ?, ?, ?, ?, 'running')",
            (*key, wanted.closed_until, wanted.by_count),
        )
        return Collection(made.lastrowid or 0, series, wanted)

    def coverage(self, series: Series, window: Interval) -> Coverage:
        rows = self.db.execute(
            "select start, end from verified where series = ? and start <= ? and end >= ? order by start",
            (self.key(series), window.end, window.start),
        )
        return tuple(Interval(*row) for row in rows)

    def history(self, series: Series) -> History:
        query = "select listed, claimed_at, confirmed, empty_before from market where series = ?"
        row = self.db.execute(query, (self.key(series),)).fetchone()
        return History(row[0], row[1], bool(row[2]), row[3]) if row else History()

    def oldest(self, series: Series) -> int | None:
        query = "select min(opened) from candle where series = ?"
        candles: int | None = self.db.execute(query, (self.key(series),)).fetchone()[0]
        return candles

    def candles(self, series: Series, interval: Interval) -> Candles:
        return Candles.of_rows(
            self.db.execute(
                "select opened, open, high, low, close, volume, amount, ticked from candle "
                "where series = ? and opened >= ? and opened < ?",
                (self.key(series), *interval),
            )
        )

    def close_before(self, series: Series, when: int) -> float | None:
        row = self.db.execute(
            "select close from candle where series = ? and opened < ? order by opened desc limit 1",
            (self.key(series), when),
        ).fetchone()
        return row[0] if row else None

    def store_chunk(self, write: ChunkWrite) -> None:
        began, key = time.perf_counter(), self.key(write.collection.series)
        self.db.execute("begin immediate")
        try:
            self._step("candles")
            self.db.executemany(
                "insert into candle values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set "
                "open = excluded.open, high = excluded.high, low = excluded.low, "
                "close = excluded.close, volume = excluded.volume, amount = excluded.amount, "
                "ticked = excluded.ticked",
                ((key, *row) for row in rows_of(write.candles)),
            )
            self._step("coverage")
            if write.withdrawn is not None:
                before = (key, write.withdrawn)
                self.db.execute("delete from verified where series = ? and end <= ?", before)
                self.db.execute(
                    "update verified set start = ? where series = ? and start < ?",
                    (write.withdrawn, *before),
                )
            if write.verified is not None:
                self._verify(write.collection.series, key, write.verified)
            self._step("listed")
            if write.history is not None:
                self.db.execute(
                    "insert or replace into market values (?, ?, ?, ?, ?)",
                    (key, *astuple(write.history)),
                )
            self._step("state")
            write.state.seconds_store = time.perf_counter() - began
            values = (write.collection.number, *astuple(write.state))
            marks = ", ".join("?" * len(values))
            self.db.execute(f"insert into chunk values ({marks})", values)  # noqa: S608
            self._step("commit")
            self.db.execute("commit")
        except BaseException:
            self.db.execute("rollback")
            raise
        self._step("committed")

    def _verify(self, series: Series, key: str, verified: Interval) -> None:
        touching = self.coverage(series, verified)
        merged = covered.merge([*touching, verified])
        for old in touching:
            self.db.execute("delete from verified where series = ? and start = ?", (key, old.start))
        self.db.executemany("insert into verified values (?, ?, ?)", ((key, *new) for new in merged))

    def close(
        self,
        collection: Collection,
        status: CollectionStatus,
        reason: StopReason,
        error: str = "",
        *,
        calls: int = 0,
    ) -> None:
        self.db.execute(
            "update collection set status = ?, reason = ?, error = ? where number = ?",
            (status, reason, error, collection.number),
        )

    def discard(self, collection: Collection) -> bool:
        done = self.db.execute(
            "delete from collection where number = ? and not exists (select 1 from chunk where collection = ?)",
            (collection.number, collection.number),
        )
        return done.rowcount == 1

    def content(self) -> dict[str, list[tuple[object, ...]]]:
        """All that a person could tell two records apart by."""
        return {
            table: self.db.execute(f"select * from {table} order by 1, 2").fetchall()  # noqa: S608
            for table in ("candle", "verified", "market")
        }


class ListSource:
    """An exchange without a network: candles with the given open times, newest pages first, as the
    real one answers.

    `now` is its clock; the candle that is open at `now` has the close `now`. `spoil` may change a page.
    """

    name = "upbit"
    title = "Upbit"
    capabilities = frozenset({Capability.CANDLES})
    page_limit = 200
    usual_pace = 10.0
    timeframes = frozenset(TIMEFRAMES)

    def close(self) -> None: ...

    def __init__(
        self,
        opened: list[int],
        *,
        now: int,
        calendar: SourceCalendar | None = None,
        slot: int = 60,
        spoil: Callable[[int, CandlePage], CandlePage] = lambda number, page: page,
    ) -> None:
        self._opened = np.array(sorted(opened), np.int64)
        self.now = now
        self.calendar = calendar or SourceCalendar()
        self._slot = slot
        self._spoil = spoil
        self.requests: list[tuple[int | None, int]] = []

    def _openings(self, grid: Grid) -> npt.NDArray[np.int64]:
        """Those of the longer candles that these make."""
        return np.unique([grid.floor(opened) for opened in self._opened.tolist()]).astype(np.int64)

    def missing_settings(self) -> tuple[str, ...]:
        return ()

    def markets(self) -> frozenset[str]:
        return frozenset({"KRW-BTC"})

    def candles(self, *, market: str, timeframe: str, to: int | None, count: int) -> CandlePage:
        assert 1 <= count <= self.page_limit
        self.requests.append((to, count))
        before = min(self.now + 1, to if to is not None else self.now + 1)
        grid = Grid.of(timeframe, self.calendar)
        all_opened = self._opened if grid.timeframe.seconds in (None, self._slot) else self._openings(grid)
        last = int(np.searchsorted(all_opened, before))
        opened = all_opened[max(0, last - count) : last]
        price = (opened % 997 + 1).astype(np.float64)
        forming = (opened <= self.now) & (opened + self._slot > self.now)
        close = np.where(forming, float(self.now % 997 + 1), price)
        high = np.maximum(price, close)
        low = np.minimum(price, close)
        candles = Candles(opened, price, high, low, close, np.ones(len(opened)), close, opened * 0)
        page = CandlePage(candles, len(opened), 0, float(self.now), seconds=0.001, bytes=100)
        return self._spoil(len(self.requests), page)
