"""Windows of the last n sessions: sums, extremes, weighted sums.

Sums and extremes double: a window of 2m is two windows of m, so n takes about 2 log2(n) passes over the array and no
window depends on another's. (Differences of running sums would be one pass less and carry the rounding of all history.)
NaN until n values since the first bar exist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from scans.kernels.arrays import Counts, Floats, blank, check_window_length, chunks, kept_rows, pad_missing, tail

Summed = TypeVar("Summed", Floats, Counts)


def rolling_sum(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Sum of the last n values, (K, N)."""
    return _windowed(x, n, keep, doubled_sum)


def rolling_max(x: Floats, n: int, *, keep: int | None = None, partial: bool = False) -> Floats:
    """Largest of the last n values, (K, N); `partial`: of those there are, where there are fewer."""
    return _extreme(x, n, keep, np.fmax if partial else np.maximum, partial)


def rolling_min(x: Floats, n: int, *, keep: int | None = None, partial: bool = False) -> Floats:
    """Least of the last n values, (K, N); `partial`: of those there are, where there are fewer."""
    return _extreme(x, n, keep, np.fmin if partial else np.minimum, partial)


def weighted_sum(x: Floats, n: int, taps: Sequence[tuple[int, float]], *, keep: int | None = None) -> Floats:
    """sum(weight * x[place]) over the taps, (K, N); place 0 is the oldest of the window's n values, n - 1 the newest.

    Added up in the order of the taps. NaN until there are n values in the array, and wherever a tap meets one: a tap
    of place 0, be its weight 0, asks for a full window.
    """
    check_window_length(n)
    rows = kept_rows(len(x), keep)
    x = tail(x, rows + n - 1)
    total = np.zeros((max(len(x) - n + 1, 0), *x.shape[1:]))
    for start, stop in chunks(*total.shape):
        part = total[start:stop]
        term = np.empty_like(part)
        for place, weight in taps:
            np.multiply(x[start + place : stop + place], weight, out=term)
            np.add(part, term, out=part)
    return pad_missing(total, rows)


def _windowed(x: Floats, n: int, keep: int | None, whole: Callable[[Floats, int], Floats]) -> Floats:
    check_window_length(n)
    rows = kept_rows(len(x), keep)
    x = tail(x, rows + n - 1)
    if len(x) < n or not rows:
        return np.full((rows, *x.shape[1:]), np.nan)
    return pad_missing(whole(x, n), rows)


def doubled_sum(x: Summed, n: int) -> Summed:
    """Sums of n rows, len(x) - n + 1 of them: those of 1, 2, 4, .. joined as the bits of n say, the newest first."""
    power, size = x, 1
    total: Any = None
    while True:
        if n & size:
            total = power if total is None else total[size:] + power[: len(total) - size]
        if n < 2 * size:
            return total.copy() if total is x else total
        power = power[size:] + power[: len(power) - size]
        size *= 2


def _extreme(x: Floats, n: int, keep: int | None, pick: np.ufunc, partial: bool) -> Floats:
    check_window_length(n)
    if not partial:
        return _windowed(x, n, keep, lambda y, length: _picked(y, length, pick))
    rows = kept_rows(len(x), keep)
    x = tail(x, rows + n - 1)
    if not rows or not len(x):
        return blank(x, rows)
    # fmax and fmin pass over NaN: rows that history lacks are NaN like those before a first bar.
    return _picked(pad_missing(x, rows + n - 1), n, pick)


def _picked(x: Floats, n: int, pick: np.ufunc) -> Floats:
    """Windows of n as two windows of the next lower power of 2, which may overlap; (len(x) - n + 1, N)."""
    size = 1
    power = x
    while size * 2 <= n:
        power = pick(power[size:], power[:-size])
        size *= 2
    rest = n - size
    if rest:
        power = pick(power[rest:], power[:-rest])
    return power.copy() if power is x else power
