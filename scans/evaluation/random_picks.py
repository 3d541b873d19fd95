"""Random picks beside those of a version: as many on each session out of the same groups of instruments.

Each draw puts the names in one random order, the same on all sessions, and takes from each group the first names as
often as the version picked from it. So the draws pick the same names on neighbouring sessions, as versions do, and
their holdings overlap alike; names drawn anew each session would vary too little.

Groups are the eligible instruments of like volatility and turnover (`alike`), or the instruments that pass a version's
conditions. Source: the random portfolios of Burns, Performance measurement via random portfolios, 2004.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketdata.panel import Bools, Floats
from scans.evaluation.matching import SIDE, Groups, quintiles, value_order
from scans.evaluation.prices import Rows

DRAWS, SEED = 199, 20_240_701
NO_GROUP = -1


@dataclass(frozen=True, slots=True)
class RandomPicks:
    """The date-equal mean return of picks (`own`), that of the draws on average, the 2.5 % and 97.5 % quantiles of the
    draws, and `as_good`: (1 + draws whose mean is at least that of the picks) / (1 + draws). Fractions, NaN of none."""

    own: float
    mean: float
    low: float
    high: float
    as_good: float


def alike(volatility: Floats, turnover: Floats, eligible: Bools) -> Groups:
    """(D, N): the group of each eligible instrument, 5 volatilities x 5 turnovers of the session and those without a
    value; NO_GROUP for others."""
    groups = quintiles(value_order(volatility), eligible) * np.int16(SIDE) + quintiles(value_order(turnover), eligible)
    return np.where(eligible, groups, np.int16(NO_GROUP))


def random_picks(
    returns: Floats, groups: Groups, day: Rows, column: Rows, *, draws: int = DRAWS, seed: int = SEED
) -> RandomPicks:
    """Picks (P,) of rows and columns of `returns` (D, N) against random ones of the same `groups` (D, N). Picks without
    a group are left out."""
    side = int(groups.max(initial=0)) + 1
    placed = groups[day, column] != NO_GROUP
    day, column = day[placed], column[placed]
    counts = np.bincount(day * side + groups[day, column], minlength=len(returns) * side)
    row, name = np.nonzero(groups != NO_GROUP)
    key = row * side + groups[row, name]
    kept = counts[key] > 0
    row, name, key = row[kept], name[kept], key[kept]
    begin = np.searchsorted(np.sort(key), np.arange(len(counts)))
    random = np.random.default_rng(seed)
    means: Floats = np.empty(draws)
    for n in range(draws):
        order = np.argsort(key + random.random((returns.shape[1],))[name])
        place = np.arange(len(order)) - begin[key[order]]
        chosen = order[place < counts[key[order]]]
        means[n] = date_mean(returns[row[chosen], name[chosen]], row[chosen])
    own = date_mean(returns[day, column], day)
    if not np.isfinite(own):
        return RandomPicks(*[float("nan")] * 5)
    low, high = np.quantile(means, [0.025, 0.975]).tolist()
    as_good = (1 + int((means >= own).sum())) / (1 + draws)
    return RandomPicks(own, float(means.mean()), low, high, as_good)


def date_mean(returns: Floats, day: Rows) -> float:
    """The mean over days of the mean of their returns (P,), NaN left out."""
    finite = np.isfinite(returns)
    if not finite.any():
        return float("nan")
    sums, counts = np.bincount(day[finite], returns[finite]), np.bincount(day[finite])
    some = counts > 0
    return float((sums[some] / counts[some]).mean())
