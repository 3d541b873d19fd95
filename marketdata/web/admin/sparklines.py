"""Small charts as the points of an SVG line: drawn here, so that a page needs no script for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 600.0, 120.0


def polyline_points(values: NDArray[np.floating[Any]]) -> str:
    """The `points` of a polyline in a box of 600 x 120; empty where there are fewer than two values."""
    if len(values) < 2:
        return ""
    low, high = float(values.min()), float(values.max())
    x = np.linspace(0, WIDTH, len(values))
    y = HEIGHT - (values - low) / ((high - low) or 1.0) * HEIGHT
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
