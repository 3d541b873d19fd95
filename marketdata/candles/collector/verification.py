"""What one page of a source proves.

The newest `count` candles before `to` were asked for. So a full page proves everything from its oldest candle up to
`to`, however far back that is, and a page with fewer rows that nothing older exists at all: the start of the market's
history (for seconds: the horizon, which moves, so it is not remembered). Slots without trades in between are proven
empty. What had not closed when the source answered is stored but proves nothing.

Three things are not taken for proof:

- absence at the newer end: an exchange may publish late. Slots after the newest candle that the source has shown are
  proven once they are `SETTLING` seconds old.
- a page without any row where no candle of the market is known: nothing is verified until a later run, at least
  `CONFIRMED_AFTER` seconds on, is answered the same.
- a short page: the start of history that it shows is remembered as a claim, which a later run asks for once more.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from marketdata.candles.collector.collections import History
from marketdata.candles.collector.planner import Chunk
from marketdata.candles.collector.timeframes import Grid, Interval, slot_count
from marketdata.sources.base import CandlePage, Candles, SourceChanged

Doubt = Literal["empty", "repeated", "contradicted", ""]

SETTLING = 600
"""Seconds after which a slot without a candle is one without trades, though nothing newer has been shown."""
CONFIRMED_AFTER = 60
"""Seconds between two answers that confirm each other."""


class Verdict(NamedTuple):
    """`candles` to store, `verified` to cover (`slots` of them), `cursor` where the next chunk ends.

    `history` is what the page says of the start of history, None where nothing; `history_start` that nothing older
    exists.
    """

    candles: Candles
    verified: Interval | None
    slots: int
    cursor: int
    history: History | None
    history_start: bool


def doubtful(page: CandlePage, ask: Interval, rows: int, oldest: int | None, anchor: int | None = None) -> Doubt:
    """Why a page should be asked for again before it is believed, "" where it need not be.

    `oldest` is the oldest recorded candle: where it lies before what a short page claims to be the
    start of history, the page is wrong. `anchor` is a known candle of the interval: a page without it is wrong.
    Candles that came twice may have pushed others out.
    """
    if page.repeated:
        return "repeated"
    opened = page.candles.opened
    start = int(opened[0]) if len(opened) else ask.end
    reaches = page.received < rows or (anchor is not None and start <= anchor)
    if anchor is not None and ask.start <= anchor < ask.end and reaches and anchor not in opened:
        return "contradicted"
    if page.received >= rows:
        return ""
    if oldest is not None and oldest < start:
        return "contradicted"
    return "empty" if not page.received else ""


def judge(
    grid: Grid,
    chunk: Chunk,
    page: CandlePage,
    *,
    closed_until: int,
    newest: int | None,
    interval: Interval,
    moving_horizon: bool,
    known: History,
) -> Verdict:
    """What `page` proves about the chunk; SourceChanged where its candles do not lie on the grid.

    `closed_until`: where the slot opened that was forming when the source answered; `newest`: opening of the newest
    candle that the source has shown in this run; `interval`: all that is wanted; `known`: what is recorded of the start
    of history.
    """
    ask = chunk.ask or chunk.window
    older = page.candles.between(-(1 << 62), ask.end)
    _check_grid(grid, older)
    first = int(older.opened[0]) if len(older) else None
    settled = grid.floor(int(page.answered_at) - SETTLING)
    # What was asked for beside the chunk, to be sure of the answer, is none of its business.
    end = min(ask.end, chunk.window.end)
    closed = min(end, closed_until, settled if newest is None else max(settled, newest))
    found = older.between(interval.start, end)
    if page.received < chunk.rows:
        if first is None:
            return _nothing(grid, found, interval, closed, known, int(page.answered_at))
        # Nothing older exists: the whole rest is settled.
        history = None if moving_horizon else History(first, int(page.answered_at))
        proven = Interval(interval.start, closed)
        return _verdict(grid, found, proven, interval.start, history, first > interval.start)
    reaches = end if first is None else max(interval.start, first)
    # A chunk whose missing part has been answered is settled down to its own start.
    cursor = min(chunk.window.start, reaches) if reaches <= ask.start else reaches
    proven = Interval(reaches, closed)
    return _verdict(grid, found.between(reaches, end), proven, cursor, None, False)


def _nothing(grid: Grid, found: Candles, interval: Interval, closed: int, known: History, now: int) -> Verdict:
    """What a page without rows says: nothing at first; as much as an earlier run was told, if that is long enough
    ago."""
    said = known.empty_before
    again = said is not None and now - known.claimed_at >= CONFIRMED_AFTER
    proven = Interval(interval.start, min(closed, said) if again and said is not None else interval.start)
    # A claim that covers this one, but is too young to be confirmed, stays: it becomes older.
    stays = said is not None and closed <= said and not again
    history = known if stays else History(None, now, empty_before=closed)
    return _verdict(grid, found, proven, interval.start, history, True)


def _verdict(
    grid: Grid,
    candles: Candles,
    proven: Interval,
    cursor: int,
    history: History | None,
    history_start: bool,
) -> Verdict:
    slots = slot_count(grid, *proven)
    verified = proven if proven.start < proven.end else None
    return Verdict(candles, verified, slots, cursor, history, history_start)


def _check_grid(grid: Grid, candles: Candles) -> None:
    wrong = candles.opened[~grid.on_grid(candles.opened)]
    if len(wrong):
        opened = int(wrong[0])
        raise SourceChanged(
            "Candles do not begin where those of the source do",
            expected=f"openings of {grid.timeframe.name}, {grid.offset} s ahead of UTC",
            actual=str(Interval(opened, opened + 1)),
        )
