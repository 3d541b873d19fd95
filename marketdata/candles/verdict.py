"""What one page of a source proves.

The newest `count` candles before `to` were asked for. So a full page proves everything from its oldest candle up to
`to`, and a page with fewer rows that nothing older exists at all: the start of the market's history (for seconds:
the horizon, which moves, so it is not remembered). Slots without trades in between are proven empty. What had not
closed when the source answered is stored but proves nothing.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from marketdata.candles.planner import Chunk
from marketdata.candles.timeframes import Grid, Interval, slot_count
from marketdata.sources.base import CandlePage, Candles, SourceChanged

Doubt = Literal["empty", "repeated", "contradicted", ""]


class Verdict(NamedTuple):
    """`candles` to store, `verified` to cover (`slots` of them), `cursor` where the next chunk ends.

    `listed` is the opening of the market's first candle where the page shows it for good; `history_start` says that
    nothing older exists.
    """

    candles: Candles
    verified: Interval | None
    slots: int
    cursor: int
    listed: int | None
    history_start: bool


def doubtful(page: CandlePage, ask: Interval, rows: int, oldest: int | None) -> Doubt:
    """Why a page should be asked for again before it is believed, "" where it need not be.

    `oldest` is the oldest recorded candle: where it lies before what a short page claims to be the
    start of history, the page is wrong. Candles that came twice may have pushed others out.
    """
    if page.repeated:
        return "repeated"
    if page.received >= rows:
        return ""
    start = int(page.candles.opened[0]) if len(page.candles) else ask.end
    if oldest is not None and oldest < start:
        return "contradicted"
    return "empty" if not page.received else ""


def judge(
    grid: Grid,
    chunk: Chunk,
    page: CandlePage,
    *,
    closed_until: int,
    interval: Interval,
    moving_horizon: bool,
) -> Verdict:
    """What `page` proves about the chunk; SourceChanged where its candles do not lie on the grid.

    `closed_until`: where the slot opened that was forming when the source answered. `interval`: all that is wanted.
    """
    ask = chunk.ask or chunk.window
    older = page.candles.between(-(1 << 62), ask.end)
    _check_grid(grid, older)
    first = int(older.opened[0]) if len(older) else None
    closed = min(ask.end, closed_until)
    if page.received < chunk.rows:
        # Nothing older exists: the whole rest is settled. A market without a candle has none before `to`.
        listed = None if moving_horizon else closed if first is None else first
        return _verdict(
            grid,
            older.between(interval.start, ask.end),
            Interval(interval.start, closed),
            interval.start,
            listed,
            first is None or first > interval.start,
        )
    reaches = ask.end if first is None else max(ask.start, first)
    # A chunk whose missing part has been answered is settled down to its own start.
    cursor = chunk.window.start if reaches <= ask.start else reaches
    found = older.between(ask.start, ask.end)
    return _verdict(grid, found, Interval(reaches, closed), cursor, None, False)


def _verdict(
    grid: Grid,
    candles: Candles,
    proven: Interval,
    cursor: int,
    listed: int | None,
    history_start: bool,
) -> Verdict:
    slots = slot_count(grid, *proven)
    verified = proven if proven.start < proven.end else None
    return Verdict(candles, verified, slots, cursor, listed, history_start)


def _check_grid(grid: Grid, candles: Candles) -> None:
    wrong = candles.opened[~grid.on_grid(candles.opened)]
    if len(wrong):
        opened = int(wrong[0])
        raise SourceChanged(
            "Candles do not begin where those of the source do",
            expected=f"openings of {grid.timeframe.name}, {grid.offset} s ahead of UTC",
            came=str(Interval(opened, opened + 1)),
        )
