"""The calendar-time portfolio: how sure an excess is where holdings overlap (scanner definitions, section 7).

On each session every cohort that is held (the picks of one day) counts alike, with the mean over its holdings of the
day's return less that of the benchmark. The mean over sessions times the horizon is the excess of a holding; its
standard error is that of Newey and West (1987) with `LAG` autocovariances, Bartlett weights 1 - k / (LAG + 1). Errors
clustered by the day of the pick do not know that the holdings of neighbouring days share sessions.

Source: Jegadeesh and Titman (1993) for the portfolio of overlapping cohorts; Newey and West, Econometrica 55, 703-708.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketdata.panel import Floats
from scans.evaluation.prices import Rows

LAG = 5


@dataclass(frozen=True, slots=True)
class CalendarTime:
    """The excess of a holding over its horizon and its standard error, fractions, NaN where nothing gives one; over how
    many sessions something was held."""

    excess: float
    error: float
    sessions: int


def calendar_time(day: Rows, entry: Rows, excess: Floats, horizon: int) -> CalendarTime:
    """The calendar-time portfolio of holdings. day and entry (P,) rows; excess (P, L): the daily return less that of
    the benchmark on each session held from the entry on, NaN after the exit and in rows without a benchmark."""
    is_held = np.isfinite(excess)
    if not is_held.any():
        return CalendarTime(float("nan"), float("nan"), 0)
    session = (entry[:, None] + np.arange(excess.shape[1]))[is_held]
    cohort = np.broadcast_to(day[:, None], excess.shape)[is_held]
    first, width = session.min(), session.max() - session.min() + 1
    key = (cohort - cohort.min()) * width + session - first
    place, number = np.unique(key, return_inverse=True)
    means = np.bincount(number, weights=excess[is_held]) / np.bincount(number)
    of_session = place % width
    count = np.bincount(of_session, minlength=width)
    some = count > 0
    daily = (np.bincount(of_session, weights=means, minlength=width)[some]) / count[some]
    return CalendarTime(float(daily.mean()) * horizon, newey_west(daily) * horizon, len(daily))


def newey_west(values: Floats, lag: int = LAG) -> float:
    """The standard error of the mean of a series (S,); NaN of fewer than two values."""
    count = len(values)
    if count < 2:
        return float("nan")
    away = values - values.mean()
    total = float(away @ away)
    for k in range(1, min(lag, count - 1) + 1):
        total += 2 * (1 - k / (lag + 1)) * float(away[k:] @ away[:-k])
    return float(np.sqrt(max(total, 0.0)) / count)
