"""The slots that one page of a source verifies.

A call is for the newest `count` candles before `to`. So a full page proves all slots from its oldest candle up to `to`,
and a page with fewer rows that there are no older candles at all: the start of the market's history (for seconds: the
horizon, which moves, so it is not recorded). Slots without trades in between are proven empty. A slot that had not
closed at the answer is stored but proves nothing.

Three observations are no proof:

- absence at the newer end: an exchange may publish late. Slots after the newest candle of the source are proven once
  they are `SETTLING` seconds old.
- a page without rows while there is no candle of the market: no slot is verified until the answer of a later run, at
  least `CONFIRMED_AFTER` seconds on, agrees.
- a short page: the start of history that it shows is recorded as a claim, which a later run requests once more.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from marketdata.candles.collector.collections import History
from marketdata.candles.collector.planner import Chunk
from marketdata.candles.collector.timeframes import Grid, Interval, slot_count
from marketdata.sources.base import CandlePage, Candles, SourceChanged

Doubt = Literal["empty", "repeated", "contradicted", ""]

SETTLING = 600
"""Seconds after which a slot without a candle is one without trades, though there is no newer candle."""
CONFIRMED_AFTER = 60
"""Seconds between two answers that confirm each other."""


class Verdict(NamedTuple):
    """`candles` to store, the `verified` interval with its number of `slots`, and the `cursor`, the end of the next
    chunk.

    `history`: the start of history by this page, None where it shows none; `history_start`: there are no older candles.
    """

    candles: Candles
    verified: Interval | None
    slots: int
    cursor: int
    history: History | None
    history_start: bool


def find_doubt(page: CandlePage, ask: Interval, rows: int, oldest: int | None, anchor: int | None = None) -> Doubt:
    """The reason to request a page again before it is credible, "" where there is none.

    `oldest`: the oldest recorded candle; a short page that begins after it is wrong. `anchor`: a recorded or fetched
    candle of the interval; a page without it is wrong. Duplicate rows may have displaced others.
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
    history: History,
) -> Verdict:
    """The verdict of `page` on the chunk; SourceChanged where its candles do not lie on the grid.

    `closed_until`: the opening of the slot that was forming at the answer; `newest`: opening of the newest candle
    fetched in this run; `interval`: that of the request; `history`: the recorded start of history.
    """
    ask = chunk.ask or chunk.window
    older = page.candles.between(-(1 << 62), ask.end)
    _check_grid(grid, older)
    first = int(older.opened[0]) if len(older) else None
    settled = grid.floor(int(page.answered_at) - SETTLING)
    # Slots beside the chunk, requested to be sure of the answer, do not count.
    end = min(ask.end, chunk.window.end)
    closed = min(end, closed_until, settled if newest is None else max(settled, newest))
    candles = older.between(interval.start, end)
    if page.received < chunk.rows:
        if first is None:
            return _empty_verdict(grid, candles, interval, closed, history, int(page.answered_at))
        # There are no older candles: the whole rest is settled.
        claim = None if moving_horizon else History(first, int(page.answered_at))
        proven = Interval(interval.start, closed)
        return _verdict(grid, candles, proven, interval.start, claim, first > interval.start)
    reaches = end if first is None else max(interval.start, first)
    # An answer for the missing part of a chunk settles it down to its own start.
    cursor = min(chunk.window.start, reaches) if reaches <= ask.start else reaches
    proven = Interval(reaches, closed)
    return _verdict(grid, candles.between(reaches, end), proven, cursor, None, False)


def _empty_verdict(
    grid: Grid, candles: Candles, interval: Interval, closed: int, history: History, now: int
) -> Verdict:
    """The verdict of a page without rows: it proves nothing at first, and what an earlier run claimed if that is long
    enough ago."""
    claim = history.empty_before
    confirms = claim is not None and now - history.claimed_at >= CONFIRMED_AFTER
    proven = Interval(interval.start, min(closed, claim) if confirms and claim is not None else interval.start)
    # A claim that covers this one, but is too young to be confirmed, stays: it becomes older.
    stays = claim is not None and closed <= claim and not confirms
    changed = history if stays else History(None, now, empty_before=closed)
    return _verdict(grid, candles, proven, interval.start, changed, True)


def _verdict(
    grid: Grid, candles: Candles, proven: Interval, cursor: int, history: History | None, history_start: bool
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
