"""Fetches one page for one chunk: the call is repeated while the source is unavailable or its answer is not credible.

A page without rows is the one wrong answer that shows no sign of it. So it is requested again in another form or at
another time:

1. Where the opening of a candle at or after the interval is recorded, the page is requested up to that candle,
   inclusive: an answer that lacks it is wrong, one that has it shows the older candles.
2. Where that proves nothing, the same page is requested again after each of `PAUSES`; `verification.judge` decides
   about one that stays empty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.collections import ChunkState
from marketdata.candles.collector.planner import Chunk
from marketdata.candles.collector.timeframes import Interval, shift
from marketdata.candles.collector.verification import Verdict, find_doubt
from marketdata.sources.base import CandlePage, CandleSource, SourceError, SourceUnavailable

CONFIRMATIONS = 3  # repeated calls while answers have duplicate rows
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before each repeated call while pages are empty

POLL = 0.5  # seconds between two checks whether the run has been interrupted


class Patience:
    """The time for which a run waits for an unavailable source, until it answers again; failed calls count too."""

    def __init__(self, seconds: float, pause: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._whole = self._left = seconds
        self._pause = pause
        self.clock = clock
        self._given_up = False

    def wait(self, error: SourceUnavailable, spent: float = 0.0) -> None:
        """Wait as long as the source requests; raises the error where less time is left. `spent`: seconds of the
        failed call."""
        self._left -= spent
        wait = max(error.retry_after or 0.0, 1.0)
        if wait > self._left or self._given_up:
            raise error
        self._left -= wait
        self.pause(wait)
        if self._given_up:
            raise error

    def pause(self, seconds: float) -> None:
        """Wait for `seconds`, or until `give_up`."""
        while seconds > 0 and not self._given_up:
            self._pause(min(seconds, POLL))
            seconds -= POLL

    def renew(self) -> None:
        """Start anew after an answer of the source."""
        self._left = self._whole

    def give_up(self) -> None:
        """End all waits."""
        self._given_up = True


class PageFetcher:
    """Fetches the pages of one series, each until it is credible, and remembers what they prove.

    `oldest`: opening of the oldest recorded candle, which a page must not contradict, None where it may; `anchor`:
    opening of the oldest candle recorded or fetched; `newest`: of the newest one fetched.
    """

    def __init__(self, source: CandleSource, series: Series, patience: Patience, oldest: int | None) -> None:
        self._source, self._series, self._patience = source, series, patience
        self._oldest = self._anchor = oldest
        self._far = False  # the last page reached further back than its window
        self.newest: int | None = None

    def fetch(self, chunk: Chunk, state: ChunkState) -> tuple[CandlePage, Chunk]:
        """The page of a chunk, and the chunk as it was requested last; the cost is added to `state`. Raises a
        SourceError. Does not use the store.
        """
        if self._far and (chunk.ask or chunk.window).end == self._anchor:
            # A market this sparse may begin here: one page up to the anchor shows it.
            chunk = self._up_to_anchor(chunk) or chunk
        repeated, empty = 0, 0
        while True:
            page = self._page(chunk, state)
            doubt = find_doubt(page, chunk.ask or chunk.window, chunk.rows, self._oldest, self._anchor)
            if doubt == "contradicted":
                self._patience.wait(self._contradicted(chunk))
            elif doubt == "repeated" and repeated < CONFIRMATIONS:
                repeated += 1
            elif doubt == "empty" and empty < len(PAUSES):
                proof = self._proof_up_to_anchor(chunk, state) if not empty else None
                if proof is not None:
                    return self._accept(*proof)
                self._patience.pause(PAUSES[empty])
                empty += 1
            else:
                return self._accept(page, chunk)
            state.retries += 1

    def learn(self, chunk: Chunk, verdict: Verdict) -> None:
        """Remember the oldest candle of a judged page."""
        opened = verdict.candles.opened
        if len(opened):
            first = int(opened[0])
            self._anchor = first if self._anchor is None else min(first, self._anchor)
        self._far = verdict.cursor < chunk.window.start and verdict.cursor == self._anchor

    def _accept(self, page: CandlePage, chunk: Chunk) -> tuple[CandlePage, Chunk]:
        self._patience.renew()
        if len(page.candles):
            newest = int(page.candles.opened[-1])
            self.newest = newest if self.newest is None else max(newest, self.newest)
        return page, chunk

    def _up_to_anchor(self, chunk: Chunk) -> Chunk | None:
        """The chunk requested up to the anchor, inclusive; None where there is none after it."""
        ask = chunk.ask or chunk.window
        if self._anchor is None or self._anchor < ask.end:
            return None
        wider = Interval(ask.start, shift(self._series.grid, self._anchor, 1))
        return replace(chunk, ask=wider, rows=self._source.page_limit)

    def _proof_up_to_anchor(self, chunk: Chunk, state: ChunkState) -> tuple[CandlePage, Chunk] | None:
        """The page up to the anchor, if it proves anything about the chunk: it has the anchor, and either a candle
        older than the chunk's end or none older at all."""
        wider = self._up_to_anchor(chunk)
        if wider is None:
            return None
        state.retries += 1
        page = self._page(wider, state)
        opened = page.candles.opened
        if page.repeated or self._anchor not in opened:
            return None
        proves = page.received < wider.rows or int(opened[0]) < (chunk.ask or chunk.window).end
        return (page, wider) if proves else None

    def _page(self, chunk: Chunk, state: ChunkState) -> CandlePage:
        """One answer, credible or not; waits while the source is unavailable."""
        series, to = self._series, (chunk.ask or chunk.window).end
        while True:
            began = self._patience.clock()
            try:
                page = self._source.candles(
                    market=series.market, timeframe=series.grid.timeframe.name, to=to, count=chunk.rows
                )
            except SourceUnavailable as error:
                state.calls += error.attempts
                state.retries += error.attempts
                self._patience.wait(error, self._patience.clock() - began)
            except SourceError as error:
                state.calls += error.attempts
                raise
            else:
                state.calls += page.calls
                state.retries += page.retries
                state.seconds_api += page.seconds
                state.bytes += page.bytes
                return page

    def _contradicted(self, chunk: Chunk) -> SourceUnavailable:
        ask = chunk.ask or chunk.window
        return SourceUnavailable(
            f"{self._source.title} has nothing of {self._series.market} before {ask}, but older candles are recorded.",
            retry_after=1.0,
        )
