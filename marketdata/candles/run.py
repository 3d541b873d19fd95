"""One run of a collection: the loop over chunks, and the state between them. `collector.py` has the map."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from marketdata.candles.asking import Patience, ask
from marketdata.candles.cache import CandleCache, Strategy
from marketdata.candles.guards import Feature, Flags, Guard
from marketdata.candles.overlap import Overlap
from marketdata.candles.patterns import Distances, Pattern
from marketdata.candles.planner import (
    LOOKED_AT,
    Chunk,
    RequestError,
    next_chunk,
    window_before,
    window_factor,
)
from marketdata.candles.progress import Estimate, Progress
from marketdata.candles.states import (
    CandleStore,
    ChunkState,
    ChunkWrite,
    Collection,
    Status,
    StopReason,
)
from marketdata.candles.timeframes import Interval, Unit, slot_count
from marketdata.candles.verdict import Verdict, judge
from marketdata.sources.base import (
    Candles,
    CandleSource,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)

log = logging.getLogger(__name__)


class StuckError(RuntimeError):
    """A step that does not move back: the collection stops instead of asking for ever."""


@dataclass(frozen=True, slots=True)
class Tools:
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `eta_error`: largest relative error of its estimates after the first tenth."""

    collection: Collection
    status: Status
    reason: StopReason
    error: str
    progress: Progress
    pattern: Pattern | None
    eta_error: float | None
    retry_after: float | None = None


class Analysed(NamedTuple):
    """The chunk before `cursor` (None: nothing is left), found with `factor` in `seconds`."""

    cursor: int
    factor: int
    chunk: Chunk | None
    seconds: float


class Run:
    """`calls` runs the calls of the source, one at a time; the store is used by the calling thread alone."""

    def __init__(self, tools: Tools, collection: Collection, calls: ThreadPoolExecutor) -> None:
        self._tools = tools
        self._calls = calls
        self._collection = collection
        self._series, self._wanted = collection.series, collection.wanted
        self._grid = collection.series.grid
        self._began = tools.seconds()
        self._patience = Patience(tools.patience, tools.pause)
        self._estimate = Estimate(slot_count(self._grid, *self._wanted.interval))
        self._densities: deque[float] = deque(maxlen=LOOKED_AT)
        self._distances = Distances()
        self._newer: Candles | None = None  # the oldest candle so far, for the distance to the next
        self._stored = 0
        self._cache_hits = 0
        self._oldest: int | None = None
        seconds = self._grid.timeframe.unit is Unit.SECOND
        self._moving_horizon = seconds and tools.source.calendar.seconds_horizon is not None

    def run(self) -> Outcome:
        reason = StopReason.COUNT if self._wanted.by_count else StopReason.END
        try:
            if self._collect():
                reason = StopReason.HISTORY_START
        except SourceRefused as error:
            if not self._stored and self._tools.store.discard(self._collection):
                raise RequestError(f"Nothing was collected: {error}") from error
            return self._end(Status.FAILED, StopReason.ERROR, error)
        except SourceUnavailable as error:
            return self._end(Status.STOPPED, StopReason.ERROR, error)
        except SourceError as error:
            return self._end(Status.FAILED, StopReason.ERROR, error)
        except Exception as error:
            self._close_after(error)
            raise
        return self._end(Status.DONE, reason, None)

    def _collect(self) -> bool:
        """Walk back to the start; True where the start of history came before it."""
        interval, before_listing = self._since_listing()
        # Only what earlier collections recorded can lie before the cursor: read once. A horizon that
        # moves leaves recorded candles behind that the source no longer knows.
        if not self._moving_horizon:
            self._oldest = self._tools.store.oldest(self._series)
        history_start = before_listing
        found = self._analyse(interval, interval.end)
        while (chunk := found.chunk) is not None:
            if chunk.ask is None:
                self._estimate.skipped(chunk.slots)
                self._newer = None
                found = self._analyse(interval, chunk.window.start)
                continue
            verdict, ahead = self._settle(interval, chunk, found.seconds)
            if verdict.cursor >= found.cursor:
                raise StuckError(
                    f"{self._tools.source.title} answered nothing older than the end of "
                    f"{chunk.ask}: the collection would not move back."
                )
            history_start = history_start or verdict.history_start
            usable = ahead is not None and ahead.cursor == verdict.cursor
            if ahead is not None and usable and ahead.factor == self._factor():
                found = ahead
            else:
                found = self._analyse(interval, verdict.cursor)
        return history_start

    def _since_listing(self) -> tuple[Interval, bool]:
        """What is wanted and can exist, and whether that is less than what is wanted."""
        start, end = self._wanted.interval
        listed = self._tools.store.listed(self._series)
        if listed is None or listed <= start:
            return self._wanted.interval, False
        listed = min(listed, end)
        self._estimate.skipped(slot_count(self._grid, start, listed))
        return Interval(listed, end), True

    # --- analyse ----------------------------------------------------------------------------------

    def _factor(self) -> int:
        if not self._tools.flags.enabled(Feature.ADAPTIVE_WINDOW):
            return 1
        return window_factor(tuple(self._densities))

    def _analyse(self, interval: Interval, cursor: int) -> Analysed:
        """The chunk before the cursor: from the cache where it holds the window, else from the record."""
        began, factor = self._tools.seconds(), self._factor()
        if cursor <= interval.start:
            return Analysed(cursor, factor, None, 0.0)
        page = self._tools.source.page_limit
        window = window_before(self._grid, interval, cursor, page=page, factor=factor)
        chunk: Chunk | None
        if self._in_cache(window):
            self._cache_hits += 1
            chunk = Chunk(window, Overlap.COMPLETE, None, slot_count(self._grid, *window), 0)
        else:
            coverage = self._tools.store.coverage(self._series, window)
            chunk = next_chunk(self._grid, interval, cursor, coverage, page=page, factor=factor)
        took = self._tools.seconds() - began
        self._tools.guard.observe("seconds_analysis", took)
        return Analysed(cursor, factor, chunk, took)

    def _in_cache(self, window: Interval) -> bool:
        """Whether the cache holds the window; the collector gives it only what has been verified."""
        cache = self._tools.cache
        if cache is None or not self._tools.flags.enabled(Feature.COMBINED_CACHE):
            return False
        found = cache.coverage(self._series, *window)
        self._tools.guard.observe("cache_hit_ratio", found.ratio)
        return found.strategy is Strategy.FULL

    # --- ask, judge, store ------------------------------------------------------------------------

    def _settle(
        self, interval: Interval, chunk: Chunk, analysing: float
    ) -> tuple[Verdict, Analysed | None]:
        """One chunk; with it the analysis of the next one, if that ran ahead."""
        state = ChunkState(
            self._collection.chunks + self._stored,
            *chunk.window,
            chunk.label,
            slots_asked=chunk.slots,
            seconds_overlap=analysing,
            cache_hits=self._cache_hits,
        )
        self._cache_hits = 0
        source, market = self._tools.source, self._series.market
        name = self._grid.timeframe.name
        flight = self._calls.submit(
            ask, source, market, name, chunk, state, self._oldest, self._patience
        )
        ahead: Analysed | None = None
        if self._tools.flags.enabled(Feature.LOOK_AHEAD):
            try:
                ahead = self._analyse(interval, chunk.window.start)
            except BaseException:
                flight.exception()  # let the call end before the error goes up
                raise
        page = flight.result()
        verdict = judge(
            self._grid,
            chunk,
            page,
            closed_until=self._grid.floor(int(page.answered_at)),
            interval=interval,
            moving_horizon=self._moving_horizon,
        )
        self._store_chunk(chunk, state, verdict)
        return verdict, ahead

    def _store_chunk(self, chunk: Chunk, state: ChunkState, verdict: Verdict) -> None:
        state.rows = len(verdict.candles)
        state.slots_answered = verdict.slots
        write = ChunkWrite(
            self._collection, state, verdict.candles, verdict.verified, verdict.listed
        )
        self._tools.store.store_chunk(write)
        self._stored += 1
        if verdict.slots:
            self._densities.append(min(1.0, state.rows / verdict.slots))
            self._tools.guard.observe("seconds_per_slot", state.seconds_api / verdict.slots)
        if self._tools.cache is not None and verdict.verified is not None:
            self._tools.cache.put(self._series, verdict.verified, verdict.candles)
        self._measure(chunk, verdict)
        settled = slot_count(self._grid, verdict.cursor, chunk.window.end)
        self._estimate.add(state, settled, self._tools.seconds() - self._began)
        if self._tools.on_progress:
            self._tools.on_progress(self._estimate.now(), state)

    def _measure(self, chunk: Chunk, verdict: Verdict) -> None:
        """Distances within the chunk and to the candle after it, so that no gap at a border is lost."""
        asked = chunk.ask or chunk.window
        if asked.end != chunk.window.end:
            self._newer = None  # what lies between is recorded already and was not read
        candles = verdict.candles
        if len(candles):
            joined = candles if self._newer is None else Candles.join([candles, self._newer])
            self._distances += Distances.of(self._grid, joined.opened)
            first = int(candles.opened[0])
            self._newer = Candles.join([candles.between(first, first + 1)])
        if asked.start != chunk.window.start:
            self._newer = None

    # --- the end ----------------------------------------------------------------------------------

    def _end(self, status: Status, reason: StopReason, error: SourceError | None) -> Outcome:
        said = str(error) if error else ""
        self._tools.store.close(self._collection, status, reason, said)
        took = self._tools.seconds() - self._began
        return Outcome(
            self._collection,
            status,
            reason,
            said,
            self._estimate.now(),
            self._distances.pattern,
            self._estimate.error(took) if status is Status.DONE else None,
            getattr(error, "retry_after", None),
        )

    def _close_after(self, error: Exception) -> None:
        """Say in the record why, if the record still works; the error itself is what goes up."""
        try:
            self._tools.store.close(self._collection, Status.FAILED, StopReason.ERROR, str(error))
        except Exception:
            log.exception("The collection could not be closed after an error.")
