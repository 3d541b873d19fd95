"""The figures of the holdings of one version and one horizon (scanner definitions, section 7, revision 2).

Choices where the definitions are silent
- A name is an instrument. The ten best names are those whose net returns add up to most.
- One position per name: a pick of a name that is still held is left out, from its entry to its exit; a holding that has
  not ended lasts.
- The mean equal by date is the mean over dates of the mean net return of that date's picks.
- The basket averages, on each session, its open positions, and does not move on a session without.
- Turnover is, from one date with picks to the next, the share of names that were not there before; then the mean.
- The smallest detectable effect is that beside the benchmark, equal or matched, with the larger error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketdata.panel import Bools, Floats
from scans.evaluation.benchmark_paths import NAMES, Benchmarks
from scans.evaluation.bootstrap import Interval
from scans.evaluation.calendar_time import CalendarTime, DailyReturns, Portfolio, portfolio
from scans.evaluation.holdings import JUDGED, LOCKED_OUT, NEVER_TRADED, OPEN, UNJUDGED, Holdings
from scans.evaluation.prices import Rows

BEST = 10


@dataclass(frozen=True, slots=True)
class Excess:
    """Net returns less those of a benchmark, fractions, NaN where nothing gives one: the mean over holdings; by_date:
    that of the calendar-time portfolio, in which each date counts alike, with its error and its interval; coverage: the
    share of the judged holdings that have this benchmark."""

    mean: float
    by_date: float
    error: float
    interval: Interval
    coverage: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, and figures as fractions, NaN where nothing gives one. dropped: locked and untraded together; late: of
    the judged ones; positions and position_mean: with one position per name; gross_mean: before `costs`, the mean costs
    of a holding."""

    picks: int
    judged: int
    dropped: int
    locked: int
    untraded: int
    late: int
    open: int
    unjudged: int
    positions: int
    hit_rate: float
    universe_hit_rate: float
    mean: float
    gross_mean: float
    costs: float
    median: float
    date_mean: float
    position_mean: float
    mean_without_best: float
    equal: Excess
    cap: Excess
    segment: Excess
    matched: Excess
    detectable: float
    best: float
    worst: float
    worst_drawdown: float
    turnover: float

    @property
    def standing(self) -> str:
        """ "ahead" or "behind" where the intervals of both equal and matched exclude 0, else ""."""
        sides = {self.equal.interval.apart, self.matched.interval.apart}
        return {1: "ahead", -1: "behind"}.get(sides.pop(), "") if len(sides) == 1 else ""


def compute_figures(
    holdings: Holdings, benchmarks: Benchmarks, returns: DailyReturns, horizon: int, some: Rows
) -> Figures:
    """The figures of the picks `some` (Q,) over `horizon`, one of those of `holdings`."""
    n = holdings.periods.horizons.index(horizon)
    judged = some[holdings.judged[some, n]]
    new_names = turnover(holdings.picks.day[some], holdings.picks.column[some])
    return portfolio_figures(holdings, benchmarks, portfolio(returns, holdings, n, judged), horizon, some, new_names)


def portfolio_figures(
    holdings: Holdings, benchmarks: Benchmarks, pooled: Portfolio, horizon: int, some: Rows, new_names: float
) -> Figures:
    """The figures of the picks `some` (Q,), whose judged holdings over `horizon` have the portfolio `pooled`;
    `new_names`: their `turnover`, the same over all horizons."""
    n = holdings.periods.horizons.index(horizon)
    state = holdings.state[some, n]
    judged = some[state == JUDGED]
    gross, costs = holdings.gross[judged, n], holdings.costs[judged, n]
    net, column = gross - costs, holdings.picks.column[judged]
    apart = net[:, None] - benchmarks.returns[judged, n]
    excess = {name: _excess(apart[:, b], pooled.excess[b]) for b, name in enumerate(NAMES)}
    alone = some[single_positions(holdings, n, some)]
    alone = alone[holdings.judged[alone, n]]
    locked, untraded = (int((state == code).sum()) for code in (LOCKED_OUT, NEVER_TRADED))
    detectable = [pooled.excess[NAMES.index(name)].detectable for name in ("equal", "matched")]
    return Figures(
        picks=len(some),
        judged=len(judged),
        dropped=locked + untraded,
        locked=locked,
        untraded=untraded,
        late=int(holdings.periods.late[judged, n].sum()),
        open=int((state == OPEN).sum()),
        unjudged=int((state == UNJUDGED).sum()),
        positions=len(alone),
        hit_rate=_mean(holdings.hit[judged, n].astype(np.float64)),
        universe_hit_rate=_mean(benchmarks.hits[judged, n]),
        mean=_mean(net),
        gross_mean=_mean(gross),
        costs=_mean(costs),
        median=float(np.median(net)) if len(net) else float("nan"),
        date_mean=_mean(_group_means(net, holdings.picks.day[judged])),
        position_mean=_mean(holdings.gross[alone, n] - holdings.costs[alone, n]),
        mean_without_best=_mean(net[~_marked(best_names(net, column), column)]),
        **excess,
        detectable=float(np.max(detectable)),
        best=_mean(holdings.best[judged, n]),
        worst=_mean(holdings.worst[judged, n]),
        worst_drawdown=worst_drawdown(pooled.basket),
        turnover=new_names,
    )


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _excess(apart: Floats, calendar_time: CalendarTime) -> Excess:
    covered = np.isfinite(apart)
    return Excess(
        mean=_mean(apart[covered]),
        by_date=calendar_time.excess,
        error=calendar_time.error,
        interval=calendar_time.interval,
        coverage=_mean(covered.astype(np.float64)),
    )


def _group_means(values: Floats, keys: Rows) -> Floats:
    counts = np.bincount(keys)
    some = np.flatnonzero(counts)
    means: Floats = np.bincount(keys, values)[some] / counts[some]
    return means


def best_names(net: Floats, column: Rows) -> Rows:
    """The columns of the `BEST` names whose net returns add up to most."""
    names = np.flatnonzero(np.bincount(column))
    return names[np.argsort(-np.bincount(column, net)[names], kind="stable")[:BEST]]


def _marked(names: Rows, column: Rows) -> Bools:
    """Which of `column` (P,) are among `names`."""
    marks = np.zeros(int(column.max(initial=-1)) + 1, dtype=np.bool_)
    marks[names] = True
    return marks[column]


def single_positions(holdings: Holdings, n: int, some: Rows) -> Rows:
    """The places in `some` of the picks that are bought while their name is not held: one position per name."""
    places = np.flatnonzero(holdings.periods.entry[some] >= 0)
    pick = some[places]
    order = np.lexsort((holdings.picks.day[pick], holdings.picks.column[pick]))
    pick = pick[order]
    name, entry, sold = holdings.picks.column[pick], holdings.periods.entry[pick], holdings.periods.exit[pick, n]
    width = int(entry.max(initial=0)) + 1
    sold = np.where((sold < 0) | (sold >= width), width - 1, sold)
    free = np.searchsorted(name * width + entry, name * width + sold, side="right")
    kept = np.zeros(len(pick), dtype=bool)
    bought = np.flatnonzero(np.diff(name, prepend=-1))
    name = np.append(name, -1)
    while len(bought):  # the first position of each name, then the second
        kept[bought] = True
        later = free[bought]
        bought = later[name[later] == name[bought]]
    return np.sort(places[order[kept]])


def worst_drawdown(basket: Floats) -> float:
    """The deepest fall below its highest value so far (0 or a negative fraction) of a basket with these daily returns
    (S,); NaN of none."""
    if not len(basket):
        return float("nan")
    value = np.cumprod(1 + basket)
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
