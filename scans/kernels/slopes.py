"""Least squares over the last n values against 0, 1 .. n-1 (scanner definitions, section 0).

    slope     sum((j - middle) x[j]) / sum((j - middle)^2)
    rising    slope > 0, that is: what the later half weighs is above what the earlier half weighs (ties rule)
    moments   mean, sum of squares and of products with time about the mean, from which r_squared and deviation follow

Moments are joined from two halves (Chan, Golub and LeVeque's pairwise update), so there is no difference of large sums:
a constant series has variance exactly 0. NaN until n values exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np

from scans.kernels.arrays import Bools, Floats, blank, check_window_length, chunks, kept_rows, pad_missing, tail
from scans.kernels.compare import TIE, above, at_least
from scans.kernels.windows import weighted_sum


def spread(n: int) -> float:
    """sum((j - middle)^2), j = 0 .. n-1."""
    return n * (n * n - 1) / 12


def slope(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Least squares slope of the last n values, per session, (K, N); NaN for n = 1."""
    later, earlier = slope_sides(x, n, keep=keep)
    later -= earlier
    with np.errstate(invalid="ignore"):
        return np.divide(later, spread(n), out=later)


def slope_sides(x: Floats, n: int, *, keep: int | None = None) -> tuple[Floats, Floats]:
    """The numerator of the slope as later - earlier half, (K, N) each: sum of (j - middle) x[j] above the middle and of
    (middle - j) x[j] below it, from the ends inwards, so that the two of a constant series are exactly equal.

    Before n values exist at least `earlier` is NaN, so neither is above the other.
    """
    weights = [((n - 1) / 2 - j) for j in range(n // 2)] or [0.0]
    later = weighted_sum(x, n, [(n - 1 - j, w) for j, w in enumerate(weights)], keep=keep)
    earlier = weighted_sum(x, n, list(enumerate(weights)), keep=keep)
    return later, earlier


def rising(x: Floats, n: int, *, keep: int | None = None) -> Bools:
    """slope(x, n) > 0, (K, N)."""
    return above(*slope_sides(x, n, keep=keep))


def not_falling(x: Floats, n: int, *, keep: int | None = None) -> Bools:
    """slope(x, n) >= 0, (K, N)."""
    return at_least(*slope_sides(x, n, keep=keep))


class Moments(NamedTuple):
    """Of n values: mean, squares = sum((x - mean)^2), products = sum((j - middle) (x - mean)), (K, N) each."""

    n: int
    mean: Floats
    squares: Floats
    products: Floats

    def rows(self, start: int, stop: int | None) -> Self:
        cut = slice(start, stop)
        return self._replace(mean=self.mean[cut], squares=self.squares[cut], products=self.products[cut])

    def after(self, older: Moments) -> Moments:
        """These values joined behind `older`, row by row."""
        total = self.n + older.n
        pair = self.n * older.n / total
        apart = self.mean - older.mean
        mean = apart * (self.n / total)
        mean += older.mean
        products = self.products + older.products
        products += apart * (pair * total / 2)  # the halves' middles lie total / 2 apart
        squares = self.squares + older.squares
        np.multiply(apart, apart, out=apart)
        np.multiply(apart, pair, out=apart)
        squares += apart
        return Moments(total, mean, squares, products)


def moments(x: Floats, n: int, *, keep: int | None = None) -> Moments:
    """Moments of the last n values, (K, N) each."""
    check_window_length(n)
    rows = kept_rows(len(x), keep)
    # Rows that history lacks are NaN like those before a first bar.
    x = pad_missing(tail(x, rows + n - 1), rows + n - 1)
    nothing = x * 0.0  # NaN where x is
    return _joined(Moments(1, x, nothing, nothing), n)


def _joined(power: Moments, n: int) -> Moments:
    """Windows of n from those of 1, 2, 4, .. joined as the bits of n say, the newest first."""
    total: Moments | None = None
    while True:
        if n & power.n:
            total = power if total is None else _behind(power, total)
        if total is not None and total.n == n:
            return total
        power = _behind(power, power)


def _behind(older: Moments, newer: Moments) -> Moments:
    """The windows of `newer`, each joined to the window of `older` that ends where it begins."""
    return newer.rows(older.n, None).after(older.rows(0, len(newer.mean) - older.n))


def r_squared(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """The share of the variance of the last n values that a straight line explains, 0..1, (K, N).

    0 where the values vary by no more than ties do (n 1e-18 in squares): meant for logarithms of prices.
    """
    share = blank(x, kept_rows(len(x), keep))
    x = tail(x, len(share) + n - 1)
    for columns in _blocks(x):
        window = moments(x[:, columns], n, keep=len(share))
        flat = window.squares <= n * TIE * TIE
        part = window.products
        part *= part
        with np.errstate(divide="ignore", invalid="ignore"):
            part /= window.squares * spread(n)
        np.minimum(part, 1.0, out=part)
        part[flat] = 0.0
        share[:, columns] = part
    return share


def deviation(x: Floats, n: int, *, ddof: int = 1, keep: int | None = None) -> Floats:
    """Standard deviation of the last n values (of a sample unless `ddof` is 0), (K, N); NaN for n <= ddof."""
    out = blank(x, kept_rows(len(x), keep))
    if n <= ddof:
        out[:] = np.nan
        return out
    x = tail(x, len(out) + n - 1)
    for columns in _blocks(x):
        squares = moments(x[:, columns], n, keep=len(out)).squares
        squares /= n - ddof
        np.sqrt(squares, out=out[:, columns])
    return out


def _blocks(x: Floats) -> Iterator[slice]:
    """Columns in runs whose moments stay in the cache."""
    for start, stop in chunks(x.shape[1], len(x)):
        yield slice(start, stop)
