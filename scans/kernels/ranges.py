"""Ranges: how far prices reach within a session and within a window (scanner definitions, sections 0, 4 to 6)."""

from __future__ import annotations

import numpy as np

from scans.kernels.arrays import Floats, blank, check_window_length, kept_rows, shift, tail
from scans.kernels.averages import sma
from scans.kernels.compare import at_least
from scans.kernels.windows import rolling_max, rolling_min


def true_range(high: Floats, low: Floats, close: Floats, *, inside: bool = False, keep: int | None = None) -> Floats:
    """max(high, close before) - min(low, close before), (K, N); high - low at the first bar.

    `inside`: NaN at the first bar instead, for windows whose ranges all lie between two of their own bars (20 bars
    give 19).
    """
    rows = kept_rows(len(close), keep)
    before = shift(close, 1, keep=rows)
    top, bottom = tail(high, rows), tail(low, rows)
    if inside:
        reach = np.maximum(top, before)
        reach -= np.minimum(bottom, before)
    else:  # fmax and fmin pass over the close that a first bar lacks
        reach = np.fmax(top, before)
        reach -= np.fmin(bottom, before)
    return reach


def atr(high: Floats, low: Floats, close: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Simple mean of the true range over n, (K, N)."""
    check_window_length(n)
    rows = kept_rows(len(close), keep)
    return sma(true_range(high, low, close, keep=rows + n - 1), n, keep=rows)


def depth(high: Floats, low: Floats, n: int, *, keep: int | None = None) -> Floats:
    """(max high - min low) / max high over n, a fraction, (K, N)."""
    top = rolling_max(high, n, keep=keep)
    return np.divide(top - rolling_min(low, n, keep=keep), top, out=top)


def place(close: Floats, high: Floats, low: Floats, n: int, *, keep: int | None = None) -> Floats:
    """The place of the close between the lowest low (0) and the highest high (1) of n sessions, (K, N); .5 where the
    two are tied."""
    top, bottom = rolling_max(high, n, keep=keep), rolling_min(low, n, keep=keep)
    span = top - bottom
    flat = at_least(bottom, top)
    span[flat] = 1.0
    value = tail(close, len(span)) - bottom
    value /= span
    value[flat] = 0.5
    return value


def change(x: Floats, n: int = 1, *, keep: int | None = None) -> Floats:
    """x / (x n sessions before) - 1, a fraction, (K, N); NaN until there is one."""
    value = ratio(x, n, keep=keep)
    return np.subtract(value, 1.0, out=value)


def ratio(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """x / (x n sessions before), (K, N). To be ranked, rather than the return: it is near 1, where 1e-9 relative
    is a tie of two prices."""
    check_window_length(n)
    value = blank(x, kept_rows(len(x), keep))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(tail(x, len(value)), shift(x, n, keep=len(value)), out=value)
