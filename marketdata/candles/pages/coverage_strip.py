"""A strip that shows which slots of a range are verified, as SVG rectangles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from marketdata.candles.collector.gaps import GapReason
from marketdata.candles.collector.timeframes import Grid, Interval
from marketdata.pages.candlesticks import WIDTH

CANDLES = "candles"
"""The class of slots with a candle."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A rectangle from `x` on, with a class: candles, or the reason of a gap."""

    x: float
    width: float
    name: str


def draw_strip(grid: Grid, whole: Interval, parts: Iterable[tuple[Interval, str]], background: str) -> list[Segment]:
    """The segments of a strip as wide as the chart: `background` behind, `parts` (ascending) before it. Parts narrower
    than a pixel are drawn once a pixel, so that a strip has at most as many as it is wide."""
    first, last = grid.index(whole.start), grid.index(whole.end)
    scale = WIDTH / max(last - first, 1)
    segments = [Segment(0.0, float(WIDTH), background)]
    end = {CANDLES: -1.0} | dict.fromkeys(map(str, GapReason), -1.0)
    for interval, name in parts:
        left, right = ((grid.index(grid.ceil(edge)) - first) * scale for edge in interval)
        right = max(right, left + 1)
        if right - end[name] < 1:
            continue
        segments.append(Segment(round(left, 1), round(right - left, 1), name))
        end[name] = right
    return segments
