"""One page for one chunk: asked again while the source is away or its answer cannot be believed yet."""

from __future__ import annotations

from collections.abc import Callable

from marketdata.candles.planner import Chunk
from marketdata.candles.states import ChunkState
from marketdata.candles.verdict import doubtful
from marketdata.sources.base import CandlePage, CandleSource, SourceUnavailable

CONFIRMATIONS = 3  # further answers of the same kind before a doubtful one is believed

LOOKS_UP = 0.5  # seconds of waiting between looks at whether anybody still waits


class Patience:
    """Seconds one run waits, in all, for a source that is away."""

    def __init__(self, seconds: float, pause: Callable[[float], None]) -> None:
        self._left = seconds
        self._pause = pause
        self._given_up = False

    def wait(self, error: SourceUnavailable) -> None:
        """Wait as long as the source asks; raises the error where that is longer than what is left."""
        wait = max(error.retry_after or 0.0, 1.0)
        if wait > self._left or self._given_up:
            raise error
        self._left -= wait
        while wait > 0 and not self._given_up:
            self._pause(min(wait, LOOKS_UP))
            wait -= LOOKS_UP
        if self._given_up:
            raise error

    def give_up(self) -> None:
        """Wait no more: nobody is interested any longer."""
        self._given_up = True


def ask(
    source: CandleSource,
    market: str,
    timeframe: str,
    chunk: Chunk,
    state: ChunkState,
    oldest: int | None,
    patience: Patience,
) -> CandlePage:
    """The page of a chunk; what it cost is added to `state`. Raises a SourceError.

    `oldest`: opening of the oldest recorded candle, which a page must not contradict. Does not touch the store.
    """
    wanted = chunk.ask or chunk.window
    doubts = {"empty": 0, "repeated": 0}
    while True:
        try:
            page = source.candles(
                market=market, timeframe=timeframe, to=wanted.end, count=chunk.rows
            )
        except SourceUnavailable as error:
            state.calls += error.attempts
            state.retries += error.attempts
            patience.wait(error)
            continue
        state.calls += page.calls
        state.retries += page.retries
        state.seconds_api += page.seconds
        state.bytes += page.bytes
        doubt = doubtful(page, wanted, chunk.rows, oldest)
        if not doubt or doubts.get(doubt, 0) == CONFIRMATIONS:
            return page
        if doubt == "contradicted":
            said = (
                f"{source.title} knows nothing of {market} before {wanted}, but older candles are"
            )
            patience.wait(SourceUnavailable(f"{said} recorded.", retry_after=1.0))
        else:
            doubts[doubt] += 1
        state.retries += 1
