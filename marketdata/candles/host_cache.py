"""Recorded candles by blocks in the cache of all processes (Redis), behind that of this process.

A block has `BLOCK` slots from a multiple of them on, so that readers of different ranges share it. Only a block that is
verified whole is cached: it changes no more, unless an older candle withdraws the start of history, which is a part of
its key. Without Redis the record is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from django.conf import settings

from caching.stats import STATS
from caching.store import STORE
from marketdata.candles.collector.cache import CandleCache, Series
from marketdata.candles.collector.coverage import Coverage, clip, covered_slots
from marketdata.candles.collector.timeframes import Interval
from marketdata.candles.models import CandleSeries
from marketdata.candles.record import RecordedCandles
from marketdata.sources.base import Candles

BLOCK = 1_024
SECONDS = 3_600
WHAT = "candles"
"""The name of its counts."""


class HostCachedCandles(RecordedCandles):
    """The recorded candles for one answer; verified blocks come from the caches, and fill that of this process, if any.
    Verified intervals are read once for all blocks of a range."""

    def __init__(self, cache: CandleCache | None) -> None:
        super().__init__()
        self._cache = cache
        self._histories: dict[Series, str] = {}
        self._verified: tuple[Series, Interval, Coverage] | None = None
        self._is_shared = bool(settings.REDIS_URL) and cache is not None

    def know(self, series: Series, row: CandleSeries, verified: tuple[Interval, Coverage] | None = None) -> None:
        """Take the row of a series, and its verified intervals of a window, as they were read."""
        self._keys[series], self._histories[series] = row.pk, str(row.listed)
        if verified is not None:
            self._verified = (series, *verified)

    @property
    def cache(self) -> CandleCache | None:
        """The cache of this process, where it is used."""
        return self._cache

    def coverage(self, series: Series, window: Interval) -> Coverage:
        """Verified intervals that overlap or touch `window`, whole, ascending."""
        if window.end <= window.start:
            return super().coverage(series, window)
        if self._verified is None or not _contains(self._verified, series, window):
            blocks = list(_blocks(series, window))
            wide = Interval(blocks[0].start, blocks[-1].end)
            self._verified = (series, wide, super().coverage(series, wide))
        return tuple(each for each in self._verified[2] if each.end >= window.start and each.start <= window.end)

    def candles(self, series: Series, interval: Interval) -> Candles:
        """Recorded candles that open in the interval, ascending; blocks that no cache has are read at once."""
        if self._cache is None or interval.end <= interval.start:
            return super().candles(series, interval)
        candles: list[Candles] = []
        missing: list[Interval] = []
        for block in _blocks(series, interval):
            shared = STORE.get(self._name(series, block)) if self._is_shared else None
            if shared is None:
                missing.append(block)
            else:
                candles.append(_unpacked(shared[0]))
                self._cache.put(series, block, candles[-1])
        STATS.count(WHAT, hits=len(candles), misses=len(missing))
        if missing:
            span = Interval(missing[0].start, missing[-1].end)
            self.coverage(series, span)  # read first: a chunk stored in between would be verified without its candles
            candles.append(super().candles(series, span))
        for block in missing:
            self._keep(series, block, candles[-1].between(*block), self._cache)
        return Candles.join(candles).between(*interval)

    def share(self, series: Series, interval: Interval) -> None:
        """Give the whole blocks of an interval that this process has cached to all processes."""
        if not self._is_shared or self._cache is None:
            return
        for block in _blocks(series, interval):
            if self._cache.coverage(series, *block).ratio == 1.0:
                candles = self._cache.get(series, *block)
                if candles is not None:
                    self._put(series, block, candles)

    def _keep(self, series: Series, block: Interval, candles: Candles, cache: CandleCache) -> None:
        verified = clip(self.coverage(series, block), block)
        for part in verified:
            cache.put(series, part, candles.between(*part))
        if self._is_shared and covered_slots(series.grid, verified) == covered_slots(series.grid, (block,)):
            self._put(series, block, candles)

    def _put(self, series: Series, block: Interval, candles: Candles) -> None:
        columns = [column.tobytes() for column in candles.columns]
        STORE.put(self._name(series, block), columns, SECONDS)

    def _name(self, series: Series, block: Interval) -> str:
        history = self._history(series)
        return f"candles:{self.key(series)}:{series.grid.offset}:{history}:{block.start}:{block.end}"

    def _history(self, series: Series) -> str:
        if series not in self._histories:
            self._histories[series] = str(self.listed(series))
        return self._histories[series]


def _contains(verified: tuple[Series, Interval, Coverage], series: Series, window: Interval) -> bool:
    return verified[0] == series and verified[1].start <= window.start and window.end <= verified[1].end


def _blocks(series: Series, interval: Interval) -> Iterator[Interval]:
    grid = series.grid
    first, last = grid.index(interval.start) // BLOCK, grid.index(interval.end - 1) // BLOCK
    for number in range(first, last + 1):
        yield Interval(grid.opening(number * BLOCK), grid.opening((number + 1) * BLOCK))


def _unpacked(columns: Any) -> Candles:
    kinds: Any = (np.int64, *(np.float64,) * 6, np.int64)
    return Candles(*(np.frombuffer(column, kind) for column, kind in zip(columns, kinds, strict=True)))
