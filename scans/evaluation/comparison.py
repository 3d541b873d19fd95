"""A comparison of two versions: the overlap of their picks, and the difference of their excess returns.

The difference is that of the mean excess over each version's own benchmark (equally weighted): the market's rise is in
neither, and a version that picks more counts no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from marketdata.panel import Bools, Floats
from scans.evaluation.bootstrap import Interval, block_length, bootstrap_means, percentile_interval, widening
from scans.evaluation.holding_periods import PickSet
from scans.evaluation.prices import Rows

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Overlap:
    """Counts of sessions by the versions that have picks, and the mean of |both| / |either| over the sessions with
    picks (NaN without)."""

    sessions: int
    both: int
    first_only: int
    second_only: int
    jaccard: float


@dataclass(frozen=True, slots=True)
class ExcessReturns:
    """A version's judged holdings over one horizon: session numbers (P,) and excess returns (P,)."""

    session: Rows
    excess: Floats


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean excess of two versions, fractions, over a group of sessions, and the intervals of the difference: `interval`
    at 95 %, `corrected` at the level that allows for all the horizons compared."""

    horizon: int
    group: str
    judged: tuple[int, int]
    excess: tuple[float, float]
    block: int
    interval: Interval
    corrected: Interval

    @property
    def value(self) -> float:
        """First minus second; NaN where one has none."""
        return self.excess[0] - self.excess[1]


def overlap(first: PickSet, second: PickSet, sessions: int, instruments: int) -> Overlap:
    """The overlap of two versions' picks over `sessions` sessions."""
    first_keys, second_keys = (np.unique(picks.day * instruments + picks.column) for picks in (first, second))
    shared = np.intersect1d(first_keys, second_keys, assume_unique=True)
    first_count, second_count, both_count = (
        np.bincount(names // instruments, minlength=sessions) for names in (first_keys, second_keys, shared)
    )
    either = first_count + second_count - both_count
    some = either > 0
    return Overlap(
        sessions=sessions,
        both=int(((first_count > 0) & (second_count > 0)).sum()),
        first_only=int(((first_count > 0) & (second_count == 0)).sum()),
        second_only=int(((first_count == 0) & (second_count > 0)).sum()),
        jaccard=float((both_count[some] / either[some]).mean()) if some.any() else float("nan"),
    )


def compare(
    first: ExcessReturns,
    second: ExcessReturns,
    *,
    horizon: int,
    groups: Mapping[str, Bools],
    sessions: int,
    horizons: int,
) -> list[Difference]:
    """The difference over each of `groups` (name -> (S,) which sessions), with intervals by block bootstrap; `horizons`
    is how many are compared, so that a difference by chance is not taken for a result."""
    masks = np.stack(list(groups.values()), axis=1).astype(np.float64)
    versions = (first, second)
    sums = np.stack([_by_session(returns, sessions, returns.excess)[:, None] * masks for returns in versions])
    counts = np.stack([_by_session(returns, sessions)[:, None] * masks for returns in versions])
    block = block_length(horizon)
    drawn = bootstrap_means(sums, counts, block)
    apart = drawn[:, 0] - drawn[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = sums.sum(axis=1) / counts.sum(axis=1)
    totals = counts.sum(axis=1).astype(int)
    corrected = 1 - (1 - LEVEL) / horizons
    plain, wide = (widening(level, sessions, horizon) for level in (LEVEL, corrected))
    return [
        Difference(
            horizon=horizon,
            group=name,
            judged=(int(totals[0, n]), int(totals[1, n])),
            excess=(float(excess[0, n]), float(excess[1, n])),
            block=block,
            interval=percentile_interval(apart[:, n], float(excess[0, n] - excess[1, n]), LEVEL, plain),
            corrected=percentile_interval(apart[:, n], float(excess[0, n] - excess[1, n]), corrected, wide),
        )
        for n, name in enumerate(groups)
    ]


def _by_session(returns: ExcessReturns, sessions: int, weights: Sequence[float] | Floats | None = None) -> Floats:
    totals: Floats = np.bincount(returns.session, weights=weights, minlength=sessions).astype(np.float64)
    return totals
