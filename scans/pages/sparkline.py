"""Sparklines drawn on the server as SVG: they need no script and no network."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT = 96, 24


def sparkline(values: Sequence[float]) -> str:
    """The points of a polyline in a box of 96 x 24; "" for fewer than two values."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = high - low or 1.0
    step = WIDTH / (len(values) - 1)
    return " ".join(
        f"{n * step:.1f},{HEIGHT - 2 - (value - low) / span * (HEIGHT - 4):.1f}" for n, value in enumerate(values)
    )
