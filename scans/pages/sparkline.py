"""Sparklines drawn on the server as SVG: they need no script and no network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

WIDTH, HEIGHT = 240, 60


def sparkline(values: Sequence[float]) -> str:
    """The points of a polyline in a box of 240 x 60, in whole units; "" for fewer than two values."""
    if len(values) < 2:
        return ""
    closes = np.array(values)
    low, high = closes.min(), closes.max()
    scale = (HEIGHT - 8) / (high - low or 1.0)
    heights = np.rint(HEIGHT - 4 - (closes - low) * scale).astype(int).tolist()
    return " ".join([f"{x}{y}" for x, y in zip(_abscissas(len(values)), heights, strict=True)])


@cache
def _abscissas(count: int) -> tuple[str, ...]:
    """The x of each of so many points, with the comma after it."""
    step = WIDTH / (count - 1)
    return tuple(f"{n * step:.0f}," for n in range(count))
