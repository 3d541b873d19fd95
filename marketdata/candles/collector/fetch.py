"""One page for one chunk: asked again while the source is away or its answer cannot be believed yet.

A page without rows is the one answer that a source can give by mistake without any sign of it. So it is asked for again
in another shape or at another time:

1. Where a candle is known at or after the interval, the page is asked for up to behind that candle: an answer that
   lacks it is wrong, one that has it shows what is older.
2. Where that says nothing, the same page is asked for again after each of `PAUSES`; what stays empty is for
   `verdict.judge` to weigh.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.collections import ChunkState
from marketdata.candles.collector.planner import Chunk
from marketdata.candles.collector.timeframes import Interval, shift
from marketdata.candles.collector.verification import Verdict, doubtful
from marketdata.sources.base import CandlePage, CandleSource, SourceError, SourceUnavailable

CONFIRMATIONS = 3  # further answers with rows twice before one is believed
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before an empty page is asked for once more

LOOKS_UP = 0.5  # seconds of waiting between looks at whether anybody still waits


class Patience:
    """Seconds a run waits for a source that is away, until it answers again; calls in vain count, too."""

    def __init__(self, seconds: float, pause: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._whole = self._left = seconds
        self._pause = pause
        self.clock = clock
        self._given_up = False

    def wait(self, error: SourceUnavailable, spent: float = 0.0) -> None:
        """Wait as long as the source asks; raises the error where that is longer than what is left. `spent`: seconds
        that the call took."""
        self._left -= spent
        wait = max(error.retry_after or 0.0, 1.0)
        if wait > self._left or self._given_up:
            raise error
        self._left -= wait
        self.pause(wait)
        if self._given_up:
            raise error

    def pause(self, seconds: float) -> None:
        """Let time pass, unless it is given up."""
        while seconds > 0 and not self._given_up:
            self._pause(min(seconds, LOOKS_UP))
            seconds -= LOOKS_UP

    def renew(self) -> None:
        """The source has answered: the next outage is waited out as long as the first."""
        self._left = self._whole

    def give_up(self) -> None:
        """Wait no more: nobody is interested any longer."""
        self._given_up = True


class PageFetcher:
    """The pages of one series, each asked for until it can be believed, and what the source has shown with them.

    `oldest`: opening of the oldest recorded candle, which a page must not contradict, None where it may; `anchor`:
    opening of the oldest candle that is known, recorded or shown; `newest`: of the newest that was shown.
    """

    def __init__(
        self,
        source: CandleSource,
        series: Series,
        patience: Patience,
        oldest: int | None,
    ) -> None:
        self._source, self._series, self._patience = source, series, patience
        self._oldest = self._anchor = oldest
        self._far = False  # the last page reached further back than its window
        self.newest: int | None = None

    def ask(self, chunk: Chunk, state: ChunkState) -> tuple[CandlePage, Chunk]:
        """The page of a chunk, and the chunk as it was asked for at last; what it cost is added to `state`. Raises a
        SourceError. Does not touch the store.
        """
        if self._far and (chunk.ask or chunk.window).end == self._anchor:
            # A market this sparse may begin here: beside a known candle one page shows it.
            chunk = self._beside_anchor(chunk) or chunk
        repeated, empty = 0, 0
        while True:
            page = self._page(chunk, state)
            doubt = doubtful(page, chunk.ask or chunk.window, chunk.rows, self._oldest, self._anchor)
            if doubt == "contradicted":
                self._patience.wait(self._contradicted(chunk))
            elif doubt == "repeated" and repeated < CONFIRMATIONS:
                repeated += 1
            elif doubt == "empty" and empty < len(PAUSES):
                found = self._told_beside_anchor(chunk, state) if not empty else None
                if found is not None:
                    return self._shown(*found)
                self._patience.pause(PAUSES[empty])
                empty += 1
            else:
                return self._shown(page, chunk)
            state.retries += 1

    def learn(self, chunk: Chunk, verdict: Verdict) -> None:
        """Remember what a page has proven."""
        opened = verdict.candles.opened
        if len(opened):
            first = int(opened[0])
            self._anchor = first if self._anchor is None else min(first, self._anchor)
        self._far = verdict.cursor < chunk.window.start and verdict.cursor == self._anchor

    def _shown(self, page: CandlePage, chunk: Chunk) -> tuple[CandlePage, Chunk]:
        self._patience.renew()
        if len(page.candles):
            newest = int(page.candles.opened[-1])
            self.newest = newest if self.newest is None else max(newest, self.newest)
        return page, chunk

    def _beside_anchor(self, chunk: Chunk) -> Chunk | None:
        """The chunk asked for up to behind the known candle; None where there is none after it."""
        wanted = chunk.ask or chunk.window
        if self._anchor is None or self._anchor < wanted.end:
            return None
        up_to = Interval(wanted.start, shift(self._series.grid, self._anchor, 1))
        return replace(chunk, ask=up_to, rows=self._source.page_limit)

    def _told_beside_anchor(self, chunk: Chunk, state: ChunkState) -> tuple[CandlePage, Chunk] | None:
        """The answer up to behind the known candle, if it says something of the chunk: it has that candle, and either
        something older than the chunk's end or nothing older at all."""
        wider = self._beside_anchor(chunk)
        if wider is None:
            return None
        state.retries += 1
        page = self._page(wider, state)
        opened = page.candles.opened
        if page.repeated or self._anchor not in opened:
            return None
        tells = page.received < wider.rows or int(opened[0]) < (chunk.ask or chunk.window).end
        return (page, wider) if tells else None

    def _page(self, chunk: Chunk, state: ChunkState) -> CandlePage:
        """One answer, whatever it is worth; waited for while the source is away."""
        series, to = self._series, (chunk.ask or chunk.window).end
        while True:
            began = self._patience.clock()
            try:
                page = self._source.candles(
                    market=series.market,
                    timeframe=series.grid.timeframe.name,
                    to=to,
                    count=chunk.rows,
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
        wanted = chunk.ask or chunk.window
        return SourceUnavailable(
            f"{self._source.title} knows nothing of {self._series.market} before {wanted}, but older candles are "
            "recorded.",
            retry_after=1.0,
        )
