"""Sparklines drawn on the server as SVG: they need no script and no network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from operator import getitem

WIDTH, HEIGHT = 240, 60


def sparkline(values: Sequence[float]) -> str:
    """The points of a polyline in a box of 240 x 60, in whole units; "" for fewer than two values."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    scale = (HEIGHT - 8) / (high - low or 1.0)
    heights = [round(HEIGHT - 4 - (value - low) * scale) for value in values]
    return " ".join(map(getitem, _points(len(values)), heights))


@cache
def _points(count: int) -> tuple[tuple[str, ...], ...]:
    """Each of so many points of a line at every height: a page has ten thousand of them."""
    step = WIDTH / (count - 1)
    return tuple(tuple(f"{place * step:.0f},{height}" for height in range(HEIGHT + 1)) for place in range(count))
