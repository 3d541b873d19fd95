"""Beta: the slope of an instrument's returns against those of the market over the last n sessions.

    beta = sum((m[j] - mean(m)) r[j]) / sum((m[j] - mean(m))^2), j over the window

Least squares with a constant; the sums go from the oldest session to the newest, so that a session's beta is the same
however many are computed together. Source: Sharpe, A simplified model for portfolio analysis, Management Science 9,
1963.
"""

from __future__ import annotations

import numpy as np

from scans.kernels.arrays import Floats
from scans.kernels.compare import TIE


def beta(returns: Floats, market: Floats, n: int) -> Floats:
    """The beta of each instrument on each session, (K, N): `returns` (K + n - 1, N) and the market's (K + n - 1,),
    fractions. NaN where one of the n is unknown, or the market did not move."""
    count = len(market) - n + 1
    mean, squares = np.zeros(count), np.zeros(count)
    for j in range(n):
        mean += market[j : j + count]
    mean /= n
    products = np.zeros((count, returns.shape[1]))
    for j in range(n):
        away = market[j : j + count] - mean
        squares += away * away
        products += away[:, None] * returns[j : j + count]
    with np.errstate(invalid="ignore"):
        squares[squares <= n * TIE * TIE] = np.nan
    products /= squares[:, None]
    return products
