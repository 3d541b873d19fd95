"""The candlestick chart of a stock, drawn on the server: its bars, marks of picks and the lines of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marketdata.pages.candlesticks import HEIGHT, Candlestick, Drawing, draw_candlesticks
from marketdata.queries.history import History
from scans.models import ScanRank
from scans.pages.order_plan import OrderPlan


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, the marks of picks (x, y, versions), and its first and last session."""

    drawing: Drawing
    marks: Sequence[tuple[float, float, str]]
    first: str
    last: str


def candlestick_chart(series: History, bars: int, order: OrderPlan | None, picks: Sequence[ScanRank]) -> Chart:
    """The chart of the last `bars` sessions with a bar, adjusted for what happened up to the last one, with the levels
    of a plan within its range or near it."""
    whole = series.adjusted()
    at = np.flatnonzero(whole.has_bar)[-bars:]
    days = [str(day) for day in whole.days[at]]
    levels = (("target", order.target), ("entry", order.entry), ("stop", order.stop)) if order else ()
    columns = {name: whole.fields[name][at] for name in ("open", "high", "low", "close", "volume")}
    drawing = draw_candlesticks(days, columns, [(name, price) for name, price in levels if price is not None])
    return Chart(drawing, _marks(drawing.candles, picks), days[0], days[-1])


def _marks(candles: Sequence[Candlestick], picks: Sequence[ScanRank]) -> list[tuple[float, float, str]]:
    """(x, y, versions) below each session with a pick."""
    by_day = {candle.date: candle for candle in candles}
    marked: dict[str, list[str]] = {}
    for pick in picks:
        if (day := pick.date.isoformat()) in by_day:
            marked.setdefault(day, []).append(f"{pick.scanner_version.slug} #{pick.rank}")
    return [(by_day[day].x, min(by_day[day].low_y + 14, HEIGHT - 2), ", ".join(slugs)) for day, slugs in marked.items()]
