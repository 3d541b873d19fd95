"""Arguments that make no sense are refused with a sentence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from scans.kernels import arrays, averages, counts, slopes, windows
from tests.scans.kernels.made import Floats

CLOSE = np.ones((5, 2))

REFUSED: dict[str, tuple[Callable[[Floats], object], str]] = {
    "ema of nothing": (lambda x: averages.ema(x, 0), "a window has 1 session or more, not 0"),
    "wilder": (lambda x: averages.wilder(x, -2), "not -2"),
    "sma": (lambda x: averages.sma(x, 0), "not 0"),
    "max": (lambda x: windows.rolling_max(x, 0), "not 0"),
    "slope": (lambda x: slopes.slope(x, 0), "not 0"),
    "median": (lambda x: counts.rolling_median(x, 0), "not 0"),
    "count": (lambda x: counts.rolling_count(x > 0, 0), "not 0"),
    "negative keep": (lambda x: averages.sma(x, 2, keep=-1), "0 or more, not -1"),
    "a look ahead": (lambda x: arrays.shift(x, -1), "would look ahead"),
}


@pytest.mark.parametrize(("call", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(call: Callable[[Floats], object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call(CLOSE)
