"""Sparklines drawn on the server as SVG: they need no script and no network."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT = 240, 60


def sparkline(values: Sequence[float]) -> str:
    """The points of a polyline in a box of 240 x 60, in whole units; "" for fewer than two values."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    scale = (HEIGHT - 8) / (high - low or 1.0)
    step = WIDTH / (len(values) - 1)
    return " ".join(f"{n * step:.0f},{HEIGHT - 4 - (value - low) * scale:.0f}" for n, value in enumerate(values))
