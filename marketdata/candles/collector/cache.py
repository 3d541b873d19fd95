"""Cache of recently read or collected candles, several chunks per market and timeframe.

1. `put` stores a chunk: an interval and *all* candles recorded in it, so that an empty slot inside had no trades.
   Chunks may touch, overlap and nest; one that contains older ones replaces them.
2. `coverage` is the part of a range that the chunks cover together.
3. `get` joins the chunks, sorted and without duplicates; the newest copy of a candle counts.

Bounded by the bytes of the chunks, least recently used first; a chunk expires after its time to live. A chunk with a
candle that is still forming lives `forming_ttl` seconds at most. One `get` is one hit or one miss.

The chunks of a series are sorted by start, and the length of the longest one ever bounds how far before a range a chunk
may start that reaches into it: a lookup among ten thousand small chunks costs no more than among ten.
"""

from __future__ import annotations

import heapq
import sys
import threading
import time
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from marketdata.candles.collector.coverage import Coverage, covered_slots, merge, subtract
from marketdata.candles.collector.timeframes import Grid, Interval
from marketdata.sources.base import Candles

_FEW = 64  # expiry times of dropped chunks that are not worth a search


class Series(NamedTuple):
    """The key of a series of candles: source (or exchange), market such as KRW-BTC, and grid of slots."""

    source: str
    market: str
    grid: Grid


class Strategy(StrEnum):
    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


class CacheCoverage(NamedTuple):
    """`ratio` of cached slots (0..1), the missing intervals, the intervals of the chunks that serve the rest."""

    ratio: float
    missing: Coverage
    chunks: tuple[Interval, ...]
    strategy: Strategy


@dataclass(frozen=True, slots=True)
class CacheStats:
    chunks: int
    bytes: int
    hits: int
    misses: int
    evicted: int
    expired: int

    @property
    def hit_ratio(self) -> float:
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else 0.0


@dataclass(frozen=True, slots=True)
class _Chunk:
    series: Series
    interval: Interval
    candles: Candles
    bytes: int


@dataclass(slots=True)
class _Shelf:
    """The chunks of one series: (start, number) ascending, and the length of the longest one ever."""

    starts: list[tuple[int, int]] = field(default_factory=list)
    longest: int = 0

    def add(self, interval: Interval, number: int) -> None:
        insort(self.starts, (interval.start, number))
        self.longest = max(self.longest, interval.end - interval.start)

    def remove(self, interval: Interval, number: int) -> None:
        del self.starts[bisect_left(self.starts, (interval.start, number))]

    def starting(self, start: int, end: int) -> list[int]:
        """Numbers of the chunks that start in [start, end), in the order of their `put`."""
        first = bisect_left(self.starts, (start, -1))
        return sorted(number for _, number in self.starts[first : bisect_left(self.starts, (end, -1))])


class CandleCache:
    """A cache of candles, safe to share between threads. `max_bytes` bounds its size for all markets together."""

    def __init__(
        self,
        max_bytes: int,
        *,
        ttl: float = 300.0,
        forming_ttl: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if max_bytes < 1:
            raise ValueError(f"The cache is bounded to {max_bytes} bytes: give it at least 1.")
        self._max_bytes = max_bytes
        self._ttl = ttl
        self._forming_ttl = min(forming_ttl, ttl)
        self._clock = clock
        self._lock = threading.Lock()
        self._chunks: OrderedDict[int, _Chunk] = OrderedDict()  # least recently used first
        self._shelves: dict[Series, _Shelf] = {}
        self._ends: list[tuple[float, int]] = []  # a heap of (expiry time, number of the chunk)
        self._next_id = 0
        self._bytes = 0
        self._hits = self._misses = self._evicted = self._expired = 0

    def put(self, series: Series, interval: Interval, candles: Candles, *, forming: bool = False) -> bool:
        """Store the candles of `interval`; False where they alone would not fit.

        The columns are copied, for a slice would keep the page that it was cut from in memory.
        """
        if interval.end <= interval.start:
            return False
        copy = Candles(*(column.copy() for column in candles.between(*interval).columns))  # type: ignore[arg-type]
        size = _size_of(series, interval, copy)
        if size > self._max_bytes:
            return False
        with self._lock:
            now = self._clock()
            self._expire(now)
            shelf = self._shelves.get(series) or _Shelf()
            for number in shelf.starting(*interval):
                if self._chunks[number].interval.end <= interval.end:
                    self._drop(number)
            ttl = self._forming_ttl if forming else self._ttl
            number = self._next_id
            self._next_id += 1
            self._chunks[number] = _Chunk(series, interval, copy, size)
            self._shelves.setdefault(series, shelf).add(interval, number)
            heapq.heappush(self._ends, (now + ttl, number))
            self._bytes += size
            while self._bytes > self._max_bytes:
                self._drop(next(iter(self._chunks)))
                self._evicted += 1
            if len(self._ends) > 2 * len(self._chunks) + _FEW:
                self._forget_ends()
        return True

    def coverage(self, series: Series, start: int, end: int) -> CacheCoverage:
        """The coverage of [start, end) now, without an effect on counters or the order of use."""
        with self._lock:
            return self._coverage(series, Interval(start, end))[0]

    def get(self, series: Series, start: int, end: int) -> Candles | None:
        """The candles of [start, end) if all of it is cached, else None. One hit or one miss."""
        with self._lock:
            coverage, numbers = self._coverage(series, Interval(start, end))
            if coverage.strategy is not Strategy.FULL:
                self._misses += 1
                return None
            self._hits += 1
            blocks = []
            for number in numbers:
                self._chunks.move_to_end(number)
                blocks.append(self._chunks[number].candles.between(start, end))
        return Candles.join(blocks)

    def get_partial(self, series: Series, start: int, end: int) -> tuple[Candles, CacheCoverage]:
        """The cached candles of [start, end) and their coverage, for a reader that adds the rest itself.

        One hit where no slot is missing, else one miss.
        """
        with self._lock:
            coverage, numbers = self._coverage(series, Interval(start, end))
            if coverage.strategy is Strategy.FULL:
                self._hits += 1
            else:
                self._misses += 1
            for number in numbers:
                self._chunks.move_to_end(number)
            blocks = [self._chunks[number].candles.between(start, end) for number in numbers]
        return Candles.join(blocks), coverage

    def forget(self, series: Series) -> None:
        """Drop the chunks of a series."""
        with self._lock:
            for _, number in list(self._shelves.get(series, _Shelf()).starts):
                self._drop(number)

    def stats(self) -> CacheStats:
        with self._lock:
            counters = self._hits, self._misses, self._evicted, self._expired
            return CacheStats(len(self._chunks), self._bytes, *counters)

    def _coverage(self, series: Series, interval: Interval) -> tuple[CacheCoverage, list[int]]:
        """The coverage and the numbers of its chunks in the order of their `put`, so that the newest counts."""
        self._expire(self._clock())
        shelf = self._shelves.get(series, _Shelf())
        serving = [
            number
            for number in shelf.starting(interval.start - shelf.longest, interval.end)
            if self._chunks[number].interval.end > interval.start
        ]
        intervals = tuple(self._chunks[number].interval for number in serving)
        missing = subtract(interval, merge(intervals))
        total = covered_slots(series.grid, (interval,)) if interval.end > interval.start else 0
        ratio = 1 - covered_slots(series.grid, missing) / total if total else float(not missing)
        some = Strategy.PARTIAL if serving else Strategy.NONE
        strategy = some if missing else Strategy.FULL
        return CacheCoverage(ratio, missing, tuple(sorted(intervals)), strategy), serving

    def _expire(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            _, number = heapq.heappop(self._ends)
            if number in self._chunks:
                self._drop(number)
                self._expired += 1

    def _forget_ends(self) -> None:
        """Remove the expiry times of dropped chunks: a full cache would otherwise keep one of every chunk ever."""
        self._ends = [each for each in self._ends if each[1] in self._chunks]
        heapq.heapify(self._ends)

    def _drop(self, number: int) -> None:
        chunk = self._chunks.pop(number)
        self._bytes -= chunk.bytes
        shelf = self._shelves[chunk.series]
        shelf.remove(chunk.interval, number)
        if not shelf.starts:
            del self._shelves[chunk.series]


def _size_of(series: Series, interval: Interval, candles: Candles) -> int:
    """Bytes of one chunk: its columns, the objects around them and its two dictionary entries."""
    arrays = sum(sys.getsizeof(column) for column in candles.columns)
    objects = sys.getsizeof(candles) + sys.getsizeof(interval) + sys.getsizeof(series.market)
    return arrays + objects + 560  # _Chunk, its number, two floats and ints, the entries
