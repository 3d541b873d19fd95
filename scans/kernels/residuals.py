"""Residuals of a least squares regression over the instruments of a session (any textbook; here by Gram-Schmidt).

The directions that the regressors span are made orthonormal one after the other and taken out of `x`. A regressor that
is constant on a session, or a combination of others, adds no direction there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scans.kernels.arrays import Bools, Floats
from scans.kernels.compare import TIE


def residual(x: Floats, regressors: Sequence[Floats], mask: Bools) -> Floats:
    """`x` less its fit on a constant and `regressors`, among the instruments of `mask` that have all of them, (K, N);
    0 where x and its fit are a tie. NaN for the others, and on a session with no more than two instruments more than
    there are regressors."""
    members = mask & np.isfinite(x)
    for values in regressors:
        members &= np.isfinite(values)
    count = np.count_nonzero(members, axis=1)[:, None]
    directions: list[Floats] = []
    for values in regressors:
        own = _centred(_scaled(values, members), members, count)
        for direction in (*directions, *directions):  # once more for what rounding leaves
            own -= direction * _products(own, direction)
        length = np.sqrt(_products(own, own))
        with np.errstate(divide="ignore"):
            own *= np.where(length > TIE, 1 / length, 0.0)
        directions.append(own)
    rest = _centred(np.where(members, x, 0.0), members, count)
    for direction in (*directions, *directions):
        rest -= direction * _products(rest, direction)
    with np.errstate(invalid="ignore"):
        rest[np.abs(rest) <= TIE * np.maximum(np.abs(x), np.abs(x - rest))] = 0.0
    rest[~members | (count <= len(regressors) + 2)] = np.nan
    return rest


def _scaled(values: Floats, members: Bools) -> Floats:
    """`values` over the largest one of each session, 0 outside of `members`."""
    inside = np.where(members, values, 0.0)
    peak = np.abs(inside).max(axis=1, keepdims=True, initial=0.0)
    return inside / np.where(peak > 0, peak, 1.0)


def _centred(values: Floats, members: Bools, count: Floats) -> Floats:
    mean = values.sum(axis=1, keepdims=True) / np.maximum(count, 1)
    return np.where(members, values - mean, 0.0)


def _products(a: Floats, b: Floats) -> Floats:
    """The inner product of each session, (K, 1)."""
    products: Floats = np.einsum("kn,kn->k", a, b)[:, None]
    return products
