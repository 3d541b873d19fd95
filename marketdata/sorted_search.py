"""Search in ascending arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def positions_in(values: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.intp]:
    """The position of each of `wanted` (M,) in `values` (N,), ascending; -1 where it is not there."""
    if not len(values):
        return np.full(len(wanted), -1)
    at = np.minimum(np.searchsorted(values, wanted), len(values) - 1)
    return np.where(values[at] == wanted, at, np.intp(-1))
