"""The probability of overfitting: how often the best variant of one half of the sessions is below the median of the
other half.

The sessions are cut into `PARTS` runs of equal length (what is left over at the start is not used). For each way to
choose half of them, the variant with the highest Sharpe ratio there has a rank among all variants on the other half.

Source: Bailey, Borwein, López de Prado and Zhu, The probability of backtest overfitting, Journal of Computational
Finance 20, 2017 (combinatorially symmetric cross-validation).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from marketdata.panel import Bools, Floats

PARTS = 12
"""924 ways to choose half of them."""


def overfitting_probability(returns: Floats, parts: int = PARTS) -> float:
    """The share of choices whose best variant of `returns` (S, V) lies at or below the median outside; NaN with fewer
    than two variants or two sessions a part."""
    length = len(returns) // parts
    if length < 2 or returns.shape[1] < 2:
        return float("nan")
    cut = returns[len(returns) - length * parts :].reshape(parts, length, -1)
    sums, squares = cut.sum(axis=1), (cut * cut).sum(axis=1)
    chosen = [np.isin(np.arange(parts), some) for some in combinations(range(parts), parts // 2)]
    inside = np.array(chosen)
    count = length * (parts // 2)
    best = _ratios(inside, sums, squares, count).argmax(axis=1)
    outside = _ratios(~inside, sums, squares, length * parts - count)
    own = outside[np.arange(len(best)), best]
    below = (outside < own[:, None]).sum(axis=1) + ((outside == own[:, None]).sum(axis=1) - 1) / 2
    return float(np.mean(below <= (returns.shape[1] - 1) / 2))


def _ratios(chosen: Bools, sums: Floats, squares: Floats, count: int) -> Floats:
    """The Sharpe ratio (C, V) over the chosen parts (C, parts)."""
    mean = chosen @ sums / count
    variance = np.maximum(chosen @ squares / count - mean * mean, 0.0)
    spread = np.sqrt(variance)
    ratios: Floats = np.divide(mean, spread, out=np.zeros_like(mean), where=spread > 1e-15)
    return ratios
