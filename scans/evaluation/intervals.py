"""Confidence intervals of the mean of one version's holdings, by `bootstrap`, for several groups of its picks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketdata.panel import Bools, Floats
from scans.evaluation.bootstrap import Interval, block_length, bootstrap_means, percentile_interval, widening
from scans.evaluation.prices import Rows

LEVEL = 0.95
DRAWS = 2_000
"""Few enough for an interactive answer: bounds move by about a thirtieth of the interval from one seed to another."""


def mean_intervals(
    session: Rows,
    columns: Sequence[Floats],
    groups: Sequence[Bools],
    *,
    sessions: int,
    horizon: int,
) -> list[tuple[Interval, ...]]:
    """For each of `groups` (P,) the 95 % interval of the mean of each of `columns` (P,). `session` (P,) numbers the
    `sessions` recorded sessions; bounds are NaN where these are too few."""
    counts = [_by_session(session, kept, None, sessions) for kept in groups]
    sums = [[_by_session(session, kept, one, sessions) for kept in groups] for one in columns]
    count = np.stack([np.stack(counts, axis=1)] * len(columns))
    total = np.stack([np.stack(one, axis=1) for one in sums])
    drawn = bootstrap_means(total, count, block_length(horizon), draws=DRAWS)
    wide = widening(LEVEL, sessions, horizon)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = total.sum(axis=1) / count.sum(axis=1)
    return [
        tuple(
            percentile_interval(drawn[:, column, group], float(value[column, group]), LEVEL, wide)
            for column in range(len(columns))
        )
        for group in range(len(groups))
    ]


def _by_session(session: Rows, kept: Bools, values: Floats | None, sessions: int) -> Floats:
    weights = None if values is None else values[kept]
    totals: Floats = np.bincount(session[kept], weights=weights, minlength=sessions).astype(np.float64)
    return totals
