"""Rounding of whole arrays to significant digits."""

from __future__ import annotations

import numpy as np

from marketdata.panel import Floats


def significant(values: Floats, digits: int) -> Floats:
    """The values rounded to `digits` significant digits, each the float nearest to its decimal; NaN and 0 stay."""
    size = np.where(np.isfinite(values) & (values != 0), np.abs(values), 1.0)
    places = digits - 1 - np.floor(np.log10(size))
    up, down = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)  # whole powers of ten are exact
    rounded: Floats = np.rint(values * up / down) * down / up
    return rounded
