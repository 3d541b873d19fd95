"""The context of collection runs, and the analysis before each of their calls."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from marketdata.candles.collector.cache import CandleCache, Series
from marketdata.candles.collector.collections import CandleStore, ChunkState
from marketdata.candles.collector.features import Feature
from marketdata.candles.collector.memory import MemorySampler
from marketdata.candles.collector.overlap import Overlap
from marketdata.candles.collector.planner import RECENT_ANSWERS, Chunk, next_chunk, window_before, window_factor
from marketdata.candles.collector.progress import Progress
from marketdata.candles.collector.timeframes import Interval, slot_count
from marketdata.feature_guard import Flags, Guard
from marketdata.sources.base import CandleSource


@dataclass(frozen=True, slots=True)
class CollectorContext:
    """The dependencies of all runs of a collector; see `Collector`."""

    source: CandleSource
    store: CandleStore
    cache: CandleCache | None
    flags: Flags
    guard: Guard
    patience: float
    on_progress: Callable[[Progress, ChunkState], None] | None
    seconds: Callable[[], float]
    pause: Callable[[float], None]
    memory: MemorySampler


class AnalysedChunk(NamedTuple):
    """The chunk before `cursor` (None: none is left) with its window of `factor` pages; seconds to create the window
    and to analyse its overlap; `cached`: the cache covers it, so that the record was not read."""

    cursor: int
    factor: int
    chunk: Chunk | None
    seconds_create: float = 0.0
    seconds_overlap: float = 0.0
    cached: bool = False


class ChunkAnalyser:
    """Determines chunk after chunk of one series; the density of the answers sets their width."""

    def __init__(self, context: CollectorContext, series: Series) -> None:
        self._context = context
        self._series = series
        self._densities: deque[float] = deque(maxlen=RECENT_ANSWERS)

    def learn(self, rows: int, slots: int) -> None:
        """Note the rows and slots of an answer."""
        self._densities.append(min(1.0, rows / slots))

    def factor(self) -> int:
        """The width of the next window in pages."""
        if not self._context.flags.enabled(Feature.ADAPTIVE_WINDOW):
            return 1
        return window_factor(tuple(self._densities))

    def before(self, interval: Interval, cursor: int) -> AnalysedChunk:
        """The chunk before the cursor: by the cache where it covers the window, else by the record."""
        began, factor = self._context.seconds(), self.factor()
        if cursor <= interval.start:
            return AnalysedChunk(cursor, factor, None)
        grid, page = self._series.grid, self._context.source.page_limit
        window = window_before(grid, interval, cursor, page=page, factor=factor)
        created = self._context.seconds()
        cached = self._cached_ratio(window)
        chunk: Chunk | None
        if cached == 1.0:
            chunk = Chunk(window, Overlap.COMPLETE, None, slot_count(grid, *window), 0)
        else:
            coverage = self._context.store.coverage(self._series, window)
            chunk = next_chunk(grid, interval, cursor, coverage, page=page, factor=factor)
        if cached is not None and chunk is not None and chunk.label is not Overlap.NONE:
            # A window that was never collected is no miss: no cache could have it.
            self._context.guard.observe("cache_hit_ratio", cached)
        ended = self._context.seconds()
        self._context.guard.observe("seconds_analysis", ended - began)
        return AnalysedChunk(cursor, factor, chunk, created - began, ended - created, cached=cached == 1.0)

    def _cached_ratio(self, window: Interval) -> float | None:
        """The share of the window in the cache, which has verified slots alone; None where the cache is off."""
        cache = self._context.cache
        if cache is None or not self._context.flags.enabled(Feature.COMBINED_CACHE):
            return None
        return cache.coverage(self._series, *window).ratio
