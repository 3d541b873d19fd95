"""Comparisons that a rescaled series cannot break (scanner definitions, section 0, ties).

Prices move in ticks, so computed values are often equal but for the last bits. `a > b` therefore means that a exceeds
b by more than 1e-9 relative. Raw input (a raw close, an amount) compares exactly with Python's own operators.

A difference has no scale of its own near zero: to ask whether u - v > 0, ask `above(u, v)`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scans.kernels.arrays import CHUNK, Bools, Floats, chunks, kept_rows, tail

TIE = 1e-9


def above(a: ArrayLike, b: ArrayLike) -> Bools:
    """a > b: a - b > 1e-9 max(|a|, |b|), element by element, of any shapes that broadcast.

    NaN on either side gives False. Values are finite otherwise.
    """
    return _compared(a, b, strictly=True)


def at_least(a: ArrayLike, b: ArrayLike) -> Bools:
    """a >= b, ties included: not above(b, a). NaN on either side gives False."""
    return _compared(a, b, strictly=False)


def _compared(a: ArrayLike, b: ArrayLike, *, strictly: bool) -> Bools:
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    shape = np.broadcast_shapes(x.shape, y.shape)
    holds = np.empty(shape, dtype=np.bool_)
    if holds.size <= CHUNK or len(shape) != 2:
        _compare(x, y, holds, strictly)
        return holds
    x, y = np.broadcast_to(x, shape), np.broadcast_to(y, shape)
    for start, stop in chunks(*shape):
        _compare(x[start:stop], y[start:stop], holds[start:stop], strictly)
    return holds


def _compare(x: Floats, y: Floats, holds: Bools, strictly: bool) -> None:
    tie: NDArray[np.float64] = np.maximum(np.abs(x), np.abs(y))
    if strictly:
        np.greater(x - y, tie * TIE, out=holds)
    else:
        np.greater_equal(x - y, tie * -TIE, out=holds)


def rises(x: Floats, *, keep: int | None = None) -> Bools:
    """x above its value of the session before, (K, N); False at the first bar and on a tie."""
    return _stepped(x, keep, up=True)


def falls(x: Floats, *, keep: int | None = None) -> Bools:
    """The value of the session before above x, (K, N); False at the first bar and on a tie."""
    return _stepped(x, keep, up=False)


def _stepped(x: Floats, keep: int | None, *, up: bool) -> Bools:
    rows = kept_rows(len(x), keep)
    steps = np.zeros((rows, *x.shape[1:]), dtype=np.bool_)
    x = tail(x, rows + 1)
    if len(x) > 1 and rows:
        now, before = x[1:], x[:-1]
        steps[rows - len(now) :] = above(now, before) if up else above(before, now)
    return steps


def crosses_above(a: Floats, b: Floats, *, keep: int | None = None) -> Bools:
    """a above b and, the session before, b at least a (a tie then counts as not above), (K, N).

    False where either session has a NaN: nothing crosses at a first bar.
    """
    rows = kept_rows(len(a), keep)
    crossed = np.zeros((rows, *a.shape[1:]), dtype=np.bool_)
    a, b = tail(a, rows + 1), tail(b, rows + 1)
    if len(a) > 1 and rows:
        crossed[rows - len(a) + 1 :] = above(a[1:], b[1:]) & at_least(b[:-1], a[:-1])
    return crossed
