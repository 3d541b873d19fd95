"""The figures of the holdings of one version and one horizon (scanner definitions, section 7).

Choices where the definitions are silent
- The standard error is that of the mean net return: deviations summed by date of the pick, squared, times G / (G - 1)
  of the G dates. It ignores that holdings of neighbouring dates overlap; the bootstrap of a comparison does.
- The standard error of the equal-weighted excess is computed likewise.
- The basket averages, on each session, its open positions (the first session from open to close), and does not move
  on a session without; half of the costs falls on the first and half on the last session of a position.
- Turnover is, from one date with picks to the next, the share of names that were not there before; then the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketdata.panel import Bools, Floats
from scans.evaluation.holdings import NEVER, OPEN, UNJUDGED, Holdings
from scans.evaluation.prices import Rows

BEST = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, and figures as fractions, NaN where nothing gives one."""

    picks: int
    judged: int
    dropped: int
    open: int
    unjudged: int
    hit_rate: float
    mean: float
    standard_error: float
    median: float
    excess_equal: float
    excess_error: float
    excess_cap: float
    mean_without_best: float
    best: float
    worst: float
    worst_drawdown: float
    turnover: float


def compute_figures(holdings: Holdings, excess: tuple[Floats, Floats], kept: Bools | None = None) -> Figures:
    """The figures of `holdings` with their cap- and equal-weighted `excess`, of those `kept` (P,) alone where given."""
    kept = np.ones(len(holdings.state), dtype=bool) if kept is None else kept
    judged = kept & holdings.judged
    net, day = holdings.net[judged], holdings.day[judged]
    cap, equal = (values[judged] for values in excess)
    state = holdings.state[kept]
    return Figures(
        picks=len(state),
        judged=len(net),
        dropped=int((state == NEVER).sum()),
        open=int((state == OPEN).sum()),
        unjudged=int((state == UNJUDGED).sum()),
        hit_rate=_mean(holdings.hit[judged].astype(np.float64)),
        mean=_mean(net),
        standard_error=standard_error(net, day),
        median=float(np.median(net)) if len(net) else float("nan"),
        excess_equal=_mean(equal),
        excess_error=standard_error(equal, day),
        excess_cap=_mean(cap),
        mean_without_best=_mean(np.sort(net)[:-BEST]),
        best=_mean(holdings.best[judged]),
        worst=_mean(holdings.worst[judged]),
        worst_drawdown=worst_drawdown(holdings, judged),
        turnover=turnover(holdings.day[kept], holdings.column[kept]),
    )


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def standard_error(values: Floats, day: Rows) -> float:
    """The standard error of the mean of `values`, clustered by `day`, (P,) both; NaN with fewer than two dates."""
    if not len(values):
        return float("nan")
    _, date = np.unique(day, return_inverse=True)
    totals = np.bincount(date, weights=values - values.mean())
    groups = len(totals)
    if groups < 2:
        return float("nan")
    return float(np.sqrt((totals**2).sum() * groups / (groups - 1)) / len(values))


def worst_drawdown(holdings: Holdings, judged: Bools) -> float:
    """The deepest fall below its highest value so far (0 or a negative fraction) of a basket that holds each day's
    picks for the horizon, equally weighted; NaN where nothing was judged."""
    if not judged.any():
        return float("nan")
    step = holdings.step[judged].copy()
    step[:, 0] -= holdings.costs / 2
    step[:, -1] -= holdings.costs / 2
    entry = holdings.entry[judged]
    session = (entry - entry.min())[:, None] + np.arange(holdings.horizon)
    total = np.bincount(session.ravel(), weights=step.ravel())
    count = np.bincount(session.ravel())
    value = np.cumprod(1 + total / np.maximum(count, 1))
    top = np.maximum(np.maximum.accumulate(value), 1.0)
    return min(float((value / top).min() - 1), 0.0)


def turnover(day: Rows, column: Rows) -> float:
    """Mean share of new names from one date with picks to the next, (P,) both; NaN with fewer than two dates."""
    if not len(day):
        return float("nan")
    dates, date = np.unique(day, return_inverse=True)
    if len(dates) < 2:
        return float("nan")
    width = int(column.max()) + 1
    names = np.unique(date * width + column)
    new = ~np.isin(names - width, names, assume_unique=True)
    date = names // width
    shares = np.bincount(date, weights=new) / np.bincount(date)
    return float(shares[1:].mean())
