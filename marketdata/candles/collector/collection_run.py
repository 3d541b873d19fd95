"""One run of a collection: the loop over chunks, and the state between them. `collector` has the overview."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from marketdata.candles.collector.analysis import AnalysedChunk, ChunkAnalyser, CollectorContext
from marketdata.candles.collector.collections import (
    ChunkState,
    ChunkWrite,
    Collection,
    CollectionStatus,
    History,
    StopReason,
)
from marketdata.candles.collector.coverage import subtract
from marketdata.candles.collector.features import Feature
from marketdata.candles.collector.fetch import PageFetcher, Patience
from marketdata.candles.collector.history import change_history, is_due
from marketdata.candles.collector.overlap import Overlap
from marketdata.candles.collector.patterns import Distances, Pattern
from marketdata.candles.collector.planner import Chunk, RequestError
from marketdata.candles.collector.progress import Estimate, Progress
from marketdata.candles.collector.survey import Survey
from marketdata.candles.collector.timeframes import Interval, Unit, shift, slot_count
from marketdata.candles.collector.verification import Verdict, judge
from marketdata.context_threads import ContextThreadPool
from marketdata.sources.base import CandlePage, SourceError, SourceRefused, SourceUnavailable

log = logging.getLogger(__name__)

SLOW_CALL = 0.001  # seconds of a call during which the next chunk is analysed


class StuckError(RuntimeError):
    """A step that does not move back: the collection stops instead of calling for ever."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run. `labels`: chunks by their overlap with the record; `cache_hits`: chunks that the cache
    covered; `eta_error`: largest relative error of the durations forecast after the first tenth, `eta_known_after`:
    seconds until the first forecast."""

    collection: Collection
    status: CollectionStatus
    reason: StopReason
    error: str
    progress: Progress
    pattern: Pattern | None
    labels: Mapping[Overlap, int]
    cache_hits: int
    eta_error: float | None
    eta_known_after: float | None
    retry_after: float | None = None


class CollectionRun:
    """One run. `calls` is the thread of the source's calls, one at a time; the calling thread alone uses the store."""

    def __init__(self, context: CollectorContext, collection: Collection, calls: ContextThreadPool, as_of: int) -> None:
        self._context = context
        self._calls = calls
        self._collection = collection
        self._series, self._request = collection.series, collection.request
        self._grid = collection.series.grid
        self._began = context.seconds()
        self._patience = Patience(context.patience, context.pause, context.seconds)
        interval = self._request.interval
        self._estimate = Estimate(self._grid, interval, (interval,), context.source.page_limit)
        self._survey = Survey(context.source, self._series)
        self._is_missing_known = False
        self._analysis = ChunkAnalyser(context, self._series)
        self._distances = Distances()
        self._newer: int | None = None  # opening of the oldest candle so far, for the distance to the next one
        self._stored = 0
        self._slow = True  # whether calls take long enough to analyse the next chunk meanwhile
        self._cache_hits = 0  # since the last chunk that was stored
        self._all_hits = 0
        self._labels: Counter[Overlap] = Counter()
        self._open_chunk: ChunkState | None = None  # the chunk that is not stored yet
        self._as_of = as_of
        self._history = History()
        seconds = self._grid.timeframe.unit is Unit.SECOND
        self._moving_horizon = seconds and context.source.calendar.seconds_horizon is not None

    def run(self) -> Outcome:
        reason = StopReason.COUNT if self._request.by_count else StopReason.END
        try:
            if self._collect():
                reason = StopReason.HISTORY_START
        except SourceRefused as error:
            if not self._stored and self._context.store.discard(self._collection):
                raise RequestError(f"Nothing was collected: {error}") from error
            return self._end(CollectionStatus.FAILED, StopReason.ERROR, error)
        except SourceUnavailable as error:
            return self._end(CollectionStatus.STOPPED, StopReason.ERROR, error)
        except SourceError as error:
            return self._end(CollectionStatus.FAILED, StopReason.ERROR, error)
        except KeyboardInterrupt:
            self._patience.give_up()
            self._close_after(CollectionStatus.STOPPED, "It was interrupted: run it again to resume it.")
            raise
        except Exception as error:
            self._close_after(CollectionStatus.FAILED, str(error))
            raise
        return self._end(CollectionStatus.DONE, reason, None)

    def _collect(self) -> bool:
        """Walk back to the start of the request; True where history begins after it."""
        # Candles before the cursor can only be from earlier collections: read once. A moving horizon leaves recorded
        # candles behind that the source no longer has.
        oldest = None if self._moving_horizon else self._context.store.oldest(self._series)
        self._pages = PageFetcher(self._context.source, self._series, self._patience, oldest)
        self._history = self._context.store.history(self._series)
        interval, history_start = self._since_listing()
        analysed = self._analysis.before(interval, interval.end)
        while (chunk := analysed.chunk) is not None:
            self._labels[chunk.label] += 1
            if chunk.ask is None:
                self._cache_hits += analysed.cached
                self._all_hits += analysed.cached
                self._estimate.skipped(chunk.window)
                self._newer = None
                analysed = self._analysis.before(interval, chunk.window.start)
                continue
            self._forecast_rest(interval, analysed.cursor)
            verdict, ahead, was_withdrawn = self._settle(interval, chunk, analysed)
            if was_withdrawn:
                self._is_missing_known = False
                interval, history_start = self._request.interval, False
            if verdict.cursor >= analysed.cursor:
                raise StuckError(
                    f"{self._context.source.title} answered nothing older than the end of "
                    f"{chunk.ask}: the collection would not move back."
                )
            history_start = history_start or verdict.history_start
            usable = ahead is not None and ahead.cursor == verdict.cursor
            if ahead is not None and usable and ahead.factor == self._analysis.factor():
                analysed = ahead
            else:
                analysed = self._analysis.before(interval, verdict.cursor)
        return history_start

    def _since_listing(self) -> tuple[Interval, bool]:
        """The interval of the request without slots before the start of history, and whether it lost any."""
        start, end = self._request.interval
        listed = self._history.first
        if listed is None or listed <= start:
            return self._request.interval, False
        if is_due(self._history, self._as_of):
            if self._confirm(Interval(start, listed)):
                return self._request.interval, False
        else:
            self._estimate.skipped(Interval(start, min(listed, end)))
        return Interval(min(listed, end), end), True

    def _confirm(self, before: Interval) -> bool:
        """Request the slots before the first candle once more; True where they have a candle after all."""
        overlapping = Interval(before.start, shift(self._grid, before.end, 1))
        slots = slot_count(self._grid, *before)
        chunk = Chunk(before, Overlap.COMPLETE, overlapping, slots, self._context.source.page_limit)
        _, _, was_withdrawn = self._settle(Interval(*before), chunk, AnalysedChunk(before.end, 1, chunk))
        return was_withdrawn

    def _forecast_rest(self, interval: Interval, cursor: int) -> None:
        """Give the forecast what it needs of the slots before the cursor: those that are recorded, and a survey."""
        if not self._is_missing_known:
            rest = Interval(interval.start, cursor)
            self._estimate.forecast.restart(subtract(rest, self._context.store.coverage(self._series, rest)))
            self._is_missing_known = True
        if self._survey.is_due(self._estimate.forecast):
            self._survey.run(self._estimate.forecast, is_listing_known=self._history.first is not None)
            self._estimate.spent(self._survey.calls, self._context.seconds() - self._began)

    # --- fetch, judge, store ------------------------------------------------------------------------

    def _settle(
        self, interval: Interval, chunk: Chunk, analysed: AnalysedChunk
    ) -> tuple[Verdict, AnalysedChunk | None, bool]:
        """The verdict on one chunk; the analysis of the next one, if it was made meanwhile; and whether the recorded
        start of history was withdrawn."""
        self._open_chunk = state = ChunkState(
            self._collection.chunks + self._stored,
            *chunk.window,
            chunk.label,
            slots_asked=chunk.slots,
            seconds_create=analysed.seconds_create,
            seconds_overlap=analysed.seconds_overlap,
            cache_hits=self._cache_hits,
        )
        self._cache_hits = 0
        page, chunk, ahead = self._fetch(interval, chunk, state)
        fetched = self._context.seconds()
        verdict = judge(
            self._grid,
            chunk,
            page,
            closed_until=self._grid.floor(int(page.answered_at)),
            newest=self._pages.newest,
            interval=interval,
            moving_horizon=self._moving_horizon,
            history=self._history,
        )
        self._pages.learn(chunk, verdict)
        opened = page.candles.opened
        oldest = int(opened[0]) if len(opened) else None
        history, withdrawn = change_history(self._history, verdict.history, oldest)
        write = ChunkWrite(self._collection, state, verdict.candles, verdict.verified, history, withdrawn)
        state.seconds_process = self._context.seconds() - fetched
        self._store_chunk(chunk, write, verdict)
        if history is not None:
            self._history = history
        return verdict, ahead, withdrawn is not None

    def _fetch(
        self, interval: Interval, chunk: Chunk, state: ChunkState
    ) -> tuple[CandlePage, Chunk, AnalysedChunk | None]:
        """The page of a chunk, and the analysis of the next one, made during the call where calls are slow. A fast call
        is over before another thread has begun it."""
        ahead = None
        if self._slow and self._context.flags.enabled(Feature.LOOK_AHEAD):
            call = self._calls.submit(self._pages.fetch, chunk, state)
            try:
                ahead = self._analysis.before(interval, chunk.window.start)
            except BaseException:
                call.exception()  # the call ends before the error is raised
                raise
            page, chunk = call.result()
        else:
            page, chunk = self._pages.fetch(chunk, state)
        self._slow = page.seconds > SLOW_CALL
        return page, chunk, ahead

    def _store_chunk(self, chunk: Chunk, write: ChunkWrite, verdict: Verdict) -> None:
        state, cache = write.state, self._context.cache
        state.start = verdict.cursor
        state.rows = len(verdict.candles)
        state.slots_answered = verdict.slots
        sample = self._context.memory.sample()
        if sample is not None:
            state.memory, state.memory_peak = sample
        self._context.store.store_chunk(write)
        self._stored, self._open_chunk = self._stored + 1, None
        if state.calls:
            self._context.guard.observe("retries_per_call", state.retries / state.calls)
        if verdict.slots:
            self._analysis.learn(state.rows, verdict.slots)
            self._context.guard.observe("seconds_per_slot", state.seconds_api / verdict.slots)
        if cache is not None and write.withdrawn is not None:
            cache.forget(self._series)
        if cache is not None and verdict.verified is not None:
            cache.put(self._series, verdict.verified, verdict.candles)
        self._measure(chunk, verdict)
        settled = Interval(verdict.cursor, chunk.window.end)
        self._estimate.add(state, settled, self._context.seconds() - self._began)
        if self._context.on_progress:
            self._context.on_progress(self._estimate.now(), state)

    def _measure(self, chunk: Chunk, verdict: Verdict) -> None:
        """Add the distances within the chunk and to the candle after it, so that no gap at a border is lost."""
        ask = chunk.ask or chunk.window
        if ask.end != chunk.window.end:
            self._newer = None  # the candles between are recorded already and were not read
        opened = verdict.candles.opened
        if len(opened):
            joined = opened if self._newer is None else np.append(opened, self._newer)
            self._distances += Distances.of(self._grid, joined)
            self._newer = int(opened[0])
        if ask.start != chunk.window.start:
            self._newer = None

    # --- the end ----------------------------------------------------------------------------------

    def _end(self, status: CollectionStatus, reason: StopReason, error: SourceError | None) -> Outcome:
        message = str(error) if error else ""
        self._close(status, reason, message)
        took = self._context.seconds() - self._began
        return Outcome(
            self._collection,
            status,
            reason,
            message,
            self._estimate.now(),
            self._distances.pattern,
            dict(self._labels),
            self._all_hits,
            self._estimate.error(took) if status is CollectionStatus.DONE else None,
            self._estimate.known_after,
            getattr(error, "retry_after", None),
        )

    def _close(self, status: CollectionStatus, reason: StopReason, why: str) -> None:
        calls = self._open_chunk.calls if self._open_chunk else 0
        self._estimate.spent(calls, 0.0)
        self._context.store.close(self._collection, status, reason, why, calls=calls + self._survey.calls)

    def _close_after(self, status: CollectionStatus, why: str) -> None:
        """Record the reason, if the record still works; the caller raises the error itself."""
        try:
            self._close(status, StopReason.ERROR, why)
        except Exception:
            log.exception("The collection could not be closed after an error.")
