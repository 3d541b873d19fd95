"""How well a score orders the picks of a date: rank correlations and fifths of a version's holdings."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from marketdata.panel import Floats
from scans.evaluation.calendar_time import newey_west
from scans.evaluation.prices import Rows

FEWEST = 5
"""Fewest picks of a date that have a correlation."""
FIFTHS = 5


@dataclass(frozen=True, slots=True)
class ScoreOrder:
    """correlation: the mean over dates of Spearman's rank correlation of score and excess, with its standard error
    (Newey and West, as many lags as sessions held), over `dates` dates; fifths: mean excess of the fifths of all picks
    by score, lowest first, fractions; NaN where nothing gives one."""

    correlation: float
    error: float
    dates: int
    fifths: tuple[float, ...]


def score_order(day: Rows, score: Floats, excess: Floats, horizon: int) -> ScoreOrder:
    """The order that scores (P,) give to holdings with an excess (P,), picked on the rows `day` (P,)."""
    usable = np.isfinite(excess) & np.isfinite(score)
    order = np.argsort(day[usable], kind="stable")
    day, score, excess = day[usable][order], score[usable][order], excess[usable][order]
    _, begins = np.unique(day, return_index=True)
    groups = [slice(low, high) for low, high in pairwise([*begins.tolist(), len(day)])]
    correlations = [
        np.corrcoef(_ranks(score[group]), _ranks(excess[group]))[0, 1]
        for group in groups
        if group.stop - group.start >= FEWEST and np.ptp(score[group]) > 0 and np.ptp(excess[group]) > 0
    ]
    values = np.array(correlations)
    by_score = excess[np.argsort(score, kind="stable")]
    fifths = tuple(float(part.mean()) if len(part) else float("nan") for part in np.array_split(by_score, FIFTHS))
    mean = float(values.mean()) if len(values) else float("nan")
    return ScoreOrder(mean, newey_west(values, horizon), len(values), fifths)


def _ranks(values: Floats) -> Floats:
    """The ranks of values (P,), equal ones with their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_ranks: Floats = np.cumsum(counts) - (counts - 1) / 2
    return mean_ranks[place]
