"""Seconds that the calls of a run take, waits included: their recent mean, and how uncertain it is.

A machine's load changes while a collection runs, so the last `WINDOW` calls alone count. The longest of them count as
the longest of the others, since an outage or a stall is no pace, while waits that come regularly are part of it. The
mean is uncertain by the standard error of `GROUPS` groups of calls in their order, and by the difference between its
halves beyond that difference's own standard error: calls that become faster or slower have no pace yet.
"""

from __future__ import annotations

from collections import deque
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

WINDOW = 80
GROUPS = 8
LEAST_CALLS = 5
ORDINARY = 40
"""One call in so many may be out of the ordinary, and at least one."""


class CallSeconds:
    """The recent calls of a run; `uncertainty` is a share of the mean."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=WINDOW)
        self.mean = 0.0
        self.uncertainty = inf

    @property
    def is_enough(self) -> bool:
        """Whether there have been enough calls for a rough figure."""
        return len(self._seconds) >= LEAST_CALLS

    def add(self, seconds: float) -> None:
        """Add a call."""
        self._seconds.append(seconds)
        values = np.array(self._seconds)
        ordinary = len(values) - max(1, len(values) // ORDINARY)
        values = np.minimum(values, np.sort(values)[max(ordinary - 1, 0)])
        self.mean = float(values.mean())
        if self.is_enough and self.mean > 0:
            self.uncertainty = _uncertainty(values) / self.mean


def _uncertainty(seconds: NDArray[np.float64]) -> float:
    size = max(1, len(seconds) // GROUPS)
    groups = seconds[len(seconds) % size :].reshape(-1, size).mean(axis=1)
    half = len(groups) // 2
    older, newer = groups[:half], groups[-half:]
    spread = float(older.var(ddof=1) + newer.var(ddof=1)) / 2
    trend = abs(float(newer.mean() - older.mean())) - sqrt(2 * spread / half)
    return sqrt(spread / len(groups)) + max(0.0, trend)
