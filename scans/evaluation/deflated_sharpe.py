"""The Sharpe ratio of the best of many variants, deflated by how many there were.

Of N variants without skill, whose ratios differ by a variance V, the best one is expected at

    SR0 = sqrt(V) ((1 - g) z(1 - 1/N) + g z(1 - 1/(N e))),   g = 0.5772 (Euler's constant)

and the deflated ratio is the probability that the true one lies above it, given S returns with skewness and kurtosis:

    P( (SR - SR0) sqrt(S - 1) / sqrt(1 - skewness SR + (kurtosis - 1) / 4 SR^2) )

Ratios are those of one session, not of a year. The ratio of a variant that dropped out after n of S sessions counts in
N, and in V times sqrt(n / S), since it varies that much more. Source: Bailey and López de Prado, The deflated Sharpe
ratio, Journal of Portfolio Management 40, 2014.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from marketdata.panel import Floats

EULER = 0.5772156649015329


def sharpe_ratios(returns: Floats) -> Floats:
    """The ratio of mean to standard deviation of each variant of `returns` (S, V); 0 without a spread."""
    spread = returns.std(axis=0, ddof=1)
    ratios: Floats = np.divide(returns.mean(axis=0), spread, out=np.zeros(returns.shape[1]), where=spread > 0)
    return ratios


def expected_best(variance: float, variants: int) -> float:
    """The ratio that the best of `variants` without skill is expected to have."""
    if variants < 2:
        return 0.0
    normal = NormalDist()
    first, second = normal.inv_cdf(1 - 1 / variants), normal.inv_cdf(1 - 1 / (variants * math.e))
    return math.sqrt(variance) * ((1 - EULER) * first + EULER * second)


def deflated_sharpe(ratio: float, threshold: float, sessions: int, skewness: float, kurtosis: float) -> float:
    """The probability that the true ratio lies above `threshold`; NaN with fewer than two sessions."""
    spread = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio * ratio
    if sessions < 2 or spread <= 0:
        return float("nan")
    return NormalDist().cdf((ratio - threshold) * math.sqrt(sessions - 1) / math.sqrt(spread))


def best_deflated_sharpe(returns: Floats) -> float:
    """The deflated ratio of the best variant of `returns` (S, V) that has all sessions (NaN after one dropped out); NaN
    where nothing moves."""
    if len(returns) < 3:
        return float("nan")
    judged = np.isfinite(returns).sum(axis=0)
    ratios: Floats = np.zeros(returns.shape[1])
    for sessions in np.unique(judged):
        some = judged == sessions
        ratios[some] = sharpe_ratios(returns[:sessions, some]) * math.sqrt(sessions / len(returns))
    best = int(np.where(judged == len(returns), ratios, -np.inf).argmax())
    away = returns[:, best] - returns[:, best].mean()
    variance = float(np.mean(away**2))
    if not variance:
        return float("nan")
    skewness = float(np.mean(away**3)) / variance**1.5
    kurtosis = float(np.mean(away**4)) / variance**2
    spread = float(ratios.var(ddof=1)) if len(ratios) > 1 else 0.0
    return deflated_sharpe(float(ratios[best]), expected_best(spread, len(ratios)), len(returns), skewness, kurtosis)
