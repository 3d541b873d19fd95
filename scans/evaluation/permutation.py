"""The permutation test of picks: how often the same pattern of picks on other names has as large an excess.

A version picks the same names on neighbouring sessions, and its holdings overlap, so it has far fewer independent
outcomes than picks. The test keeps this pattern (which picks share a name, how many there are each session) and
exchanges the names among all that could be picked. The statistic is the mean over sessions of the mean excess of their
picks, divided by its standard error of Newey and West with as many autocovariances as sessions are held; so names that
move more than others are not mistaken for better ones.

p = (1 + permutations with |statistic| at least that of the picks) / (1 + permutations)

Source: Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 3rd edition 2005; Janssen, Studentized
permutation tests, Statistics and Probability Letters 36, 1997.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.evaluation.holding_periods import PickSet, holding_periods
from scans.evaluation.holdings import Costs
from scans.evaluation.prices import Prices, Rows
from scans.evaluation.tradability import Tradability
from scans.kernels.compare import at_least

DRAWS, SEED = 999, 20_240_701
FEWEST_SESSIONS = 5
CELLS = 1_000_000


def universe_returns(
    prices: Prices,
    eligible: Bools,
    tradability: Tradability,
    last_bar: Rows,
    horizon: int,
    costs: Costs | None = None,
) -> Floats:
    """(D, N): the return over `horizon` of everything eligible (D, N) on the first D sessions, after `costs` if there
    are any; NaN for what is not eligible or not judged. `last_bar` as in `holding_periods`."""
    day, column = np.nonzero(eligible)
    periods = holding_periods(PickSet(day, column), (horizon,), tradability, prices.traded, last_bar)
    entry, end = periods.entry, periods.exit[:, 0]
    judged = (end >= 0) & (prices.actions[entry, column] == prices.actions[end, column])
    day, column, entry, end = (rows[judged] for rows in (day, column, entry, end))
    returns = np.full(eligible.shape, np.nan)
    returns[day, column] = prices.close[end, column] / prices.open[entry, column] - 1
    if costs is not None:
        returns[day, column] -= costs(entry, end, column)
    return returns


def universe_excess(prices: Prices, eligible: Bools, tradability: Tradability, last_bar: Rows, horizon: int) -> Floats:
    """(D, N): `universe_returns` less the mean of that session."""
    excess = universe_returns(prices, eligible, tradability, last_bar, horizon)
    count = np.isfinite(excess).sum(axis=1, keepdims=True)
    excess -= np.nansum(excess, axis=1, keepdims=True) / np.maximum(count, 1)
    return excess


def permutation_test(
    excess: Floats, day: Rows, column: Rows, horizon: int, *, draws: int = DRAWS, seed: int = SEED
) -> float:
    """The p-value, two-sided, of picks (P,) of rows and columns of `excess` (D, N), held for `horizon` sessions each;
    NaN where fewer than five sessions have a judged pick."""
    judged = np.isfinite(excess[day, column])
    day, column = day[judged], column[judged]
    order = np.argsort(day, kind="stable")
    day, column = day[order], column[order]
    if len(np.unique(day)) < FEWEST_SESSIONS:
        return float("nan")
    names = np.flatnonzero(np.isfinite(excess).any(axis=0))
    number = np.searchsorted(names, column)
    own = abs(_statistics(excess[day, column][None], day, horizon)[0])
    exceeding = 0
    for permuted in _permutations(names, draws, len(day), np.random.default_rng(seed)):
        drawn = np.abs(_statistics(excess[day, permuted[:, number]], day, horizon))
        exceeding += int(at_least(drawn, own).sum())
    return (1 + exceeding) / (1 + draws)


def _permutations(names: Rows, draws: int, picks: int, random: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """`draws` permutations of `names`, some at a time, each a row."""
    size = max(CELLS // max(picks, len(names)), 1)
    for low in range(0, draws, size):
        yield random.permuted(np.tile(names, (min(size, draws - low), 1)), axis=1)


def _statistics(excess: Floats, day: Rows, horizon: int) -> Floats:
    """(B,): the mean over sessions of the excess (B, P) of their picks in units of its error; 0 without a spread. `day`
    (P,) ascending."""
    days, begins = np.unique(day, return_index=True)
    usable = np.isfinite(excess)
    counts = np.add.reduceat(usable, begins, axis=1, dtype=np.float64)
    sums = np.add.reduceat(np.where(usable, excess, 0.0), begins, axis=1)
    some = counts > 0
    means = sums / np.maximum(counts, 1)
    sessions = np.maximum(some.sum(axis=1), 1)
    mean = means.sum(axis=1) / sessions
    away = np.zeros((len(excess), days[-1] - days[0] + 1))
    away[:, days - days[0]] = np.where(some, means - mean[:, None], 0.0)
    variance = np.einsum("bs,bs->b", away, away)
    for k in range(1, min(horizon, away.shape[1] - 1) + 1):
        variance += 2 * (1 - k / (horizon + 1)) * np.einsum("bs,bs->b", away[:, k:], away[:, :-k])
    error = np.sqrt(np.maximum(variance, 0.0)) / sessions
    statistics: Floats = np.divide(mean, error, out=np.zeros(len(mean)), where=error > 0)
    return statistics
