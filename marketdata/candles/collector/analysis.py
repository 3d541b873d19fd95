"""What a run works with, and the analysis that comes before each of its calls."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from marketdata.candles.collector.cache import CandleCache, Series
from marketdata.candles.collector.collections import CandleStore, ChunkState
from marketdata.candles.collector.feature_guard import Feature, Flags, Guard
from marketdata.candles.collector.overlap import Overlap
from marketdata.candles.collector.planner import (
    LOOKED_AT,
    Chunk,
    next_chunk,
    window_before,
    window_factor,
)
from marketdata.candles.collector.progress import Progress
from marketdata.candles.collector.timeframes import Interval, slot_count
from marketdata.sources.base import CandleSource


@dataclass(frozen=True, slots=True)
class CollectorContext:
    """What every run of a collector works with; see `Collector`."""

    source: CandleSource
    store: CandleStore
    cache: CandleCache | None
    flags: Flags
    guard: Guard
    patience: float
    on_progress: Callable[[Progress, ChunkState], None] | None
    seconds: Callable[[], float]
    pause: Callable[[float], None]


class AnalysedChunk(NamedTuple):
    """The chunk before `cursor` (None: nothing is left), found with `factor` in `seconds`, without the record where
    the cache held it."""

    cursor: int
    factor: int
    chunk: Chunk | None
    seconds: float
    cached: bool = False


class ChunkAnalyser:
    """Finds chunk after chunk of one series; it learns from how dense the answers were."""

    def __init__(self, tools: CollectorContext, series: Series) -> None:
        self._tools = tools
        self._series = series
        self._densities: deque[float] = deque(maxlen=LOOKED_AT)

    def learn(self, rows: int, slots: int) -> None:
        """An answer had so many rows in so many slots."""
        self._densities.append(min(1.0, rows / slots))

    def factor(self) -> int:
        """How many pages wide the next window may be."""
        if not self._tools.flags.enabled(Feature.ADAPTIVE_WINDOW):
            return 1
        return window_factor(tuple(self._densities))

    def before(self, interval: Interval, cursor: int) -> AnalysedChunk:
        """The chunk before the cursor: from the cache where it holds the window, else from the record."""
        began, factor = self._tools.seconds(), self.factor()
        if cursor <= interval.start:
            return AnalysedChunk(cursor, factor, None, 0.0)
        grid, page = self._series.grid, self._tools.source.page_limit
        window = window_before(grid, interval, cursor, page=page, factor=factor)
        held = self._held(window)
        chunk: Chunk | None
        if held == 1.0:
            chunk = Chunk(window, Overlap.COMPLETE, None, slot_count(grid, *window), 0)
        else:
            coverage = self._tools.store.coverage(self._series, window)
            chunk = next_chunk(grid, interval, cursor, coverage, page=page, factor=factor)
        if held is not None and chunk is not None and chunk.label is not Overlap.NONE:
            # A window that was never collected is no miss: no cache could have held it.
            self._tools.guard.observe("cache_hit_ratio", held)
        took = self._tools.seconds() - began
        self._tools.guard.observe("seconds_analysis", took)
        return AnalysedChunk(cursor, factor, chunk, took, cached=held == 1.0)

    def _held(self, window: Interval) -> float | None:
        """The share of the window that the cache holds, which has only what was verified; None where it is off."""
        cache = self._tools.cache
        if cache is None or not self._tools.flags.enabled(Feature.COMBINED_CACHE):
            return None
        return cache.coverage(self._series, *window).ratio
