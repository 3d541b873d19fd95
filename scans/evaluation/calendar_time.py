"""The calendar-time portfolio: how sure an excess is where holdings overlap (scanner definitions, section 7).

On each session every cohort that is held (the picks of one day) counts alike, with its return of the day less that of
the benchmark. The mean over sessions times the horizon is the excess of a holding; its
standard error is that of Newey and West (1987) with `LAG` autocovariances, Bartlett weights 1 - k / (LAG + 1). Errors
clustered by the day of the pick do not know that the holdings of neighbouring days share sessions.

Choices where the definitions are silent
- Half of the costs falls on the first and half on the last session of a holding.
- The interval at 95 % is that of the normal distribution; none with fewer than `FEWEST` sessions.
- The capital of a cohort is divided among its holdings alike. What is sold earlier than the rest is out of the market:
  it adds 0 to the cohort's excess until the last holding is sold. So a holding that exits long after the others (late)
  keeps its share of its cohort, and does not have the weight of all picks of a day, or of all held on a session.

Source: Jegadeesh and Titman (1993) for the portfolio of overlapping cohorts; Newey and West, Econometrica 55, 703-708.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.evaluation.benchmark_paths import NAMES, Benchmarks
from scans.evaluation.bootstrap import UNKNOWN_INTERVAL, Interval
from scans.evaluation.holding_periods import WAIT
from scans.evaluation.holdings import Holdings
from scans.evaluation.prices import Prices, Rows

LAG = 5
FEWEST = 30
CELLS = 1_000_000
"""Holdings x sessions that are added up at once."""
TWO_SIDED = NormalDist().inv_cdf(0.975)
POWER = NormalDist().inv_cdf(0.8)


@dataclass(frozen=True, slots=True)
class CalendarTime:
    """The excess of a holding over its horizon and its standard error, fractions, NaN where nothing gives one; over how
    many sessions something was held."""

    excess: float
    error: float
    sessions: int

    @property
    def interval(self) -> Interval:
        """The 95 % interval of the excess."""
        if self.sessions < FEWEST:
            return UNKNOWN_INTERVAL
        return Interval(self.excess - TWO_SIDED * self.error, self.excess + TWO_SIDED * self.error)

    @property
    def detectable(self) -> float:
        """The smallest excess that these sessions distinguish from 0 with a power of 80 %; NaN without an interval."""
        return (TWO_SIDED + POWER) * self.error if self.sessions >= FEWEST else float("nan")


@dataclass(frozen=True, slots=True)
class DailyReturns:
    """Returns of holdings and benchmarks, session by session. first (T, N): from open to close; later (T, N): from
    close to close; baskets (M, L) and row (P, H, 4) as `Benchmarks` has them."""

    first: Floats
    later: Floats
    baskets: Floats
    row: Rows


def daily_returns(prices: Prices, benchmarks: Benchmarks) -> DailyReturns:
    """The daily returns of all instruments, beside those of the benchmarks."""
    later = np.full(prices.close.shape, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        np.divide(prices.close[1:], prices.close[:-1], out=later[1:])
        first = prices.close / prices.open
    first -= 1
    later -= 1
    return DailyReturns(first, later, benchmarks.daily, benchmarks.row)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Holdings by session from the first held one on: the mean return (S,) of an equally weighted basket of them, 0
    where nothing is held, and the calendar-time portfolio beside each benchmark in the order of `NAMES`."""

    basket: Floats
    excess: tuple[CalendarTime, ...]


def portfolio(returns: DailyReturns, holdings: Holdings, n: int, some: Rows) -> Portfolio:
    """The portfolio of the judged holdings `some` (Q,) over the horizon of index `n`."""
    return cohort_returns(returns, holdings, n, some, holdings.picks.day[some]).portfolio(slice(None))


@dataclass(frozen=True, slots=True)
class _Piece:
    """The sessions from number `skipped` of each holding on (0: its entry) for the holdings at `part` (Q') of those
    chosen: own (Q', W) daily returns after costs, NaN after the exit."""

    part: Rows
    skipped: int
    own: Floats

    def beside(self, returns: DailyReturns, row: Rows) -> Floats:
        """(Q', W): the daily returns of the baskets `row` (Q,)."""
        beside: Floats = returns.baskets[row[self.part], self.skipped : self.skipped + self.own.shape[1]]
        return beside


def _pieces(returns: DailyReturns, holdings: Holdings, n: int, some: Rows) -> Iterator[_Piece]:
    """The sessions up to the horizon of all holdings, and what lies beyond it of the few that exit late."""
    horizon, periods = holdings.periods.horizons[n], holdings.periods
    entry, column, costs = periods.entry[some], holdings.picks.column[some], holdings.costs[some, n]
    length = periods.exit[some, n] - entry + 1
    for part, skipped in ((np.arange(len(some)), 0), (np.flatnonzero(length > horizon), horizon)):
        if not len(part):
            continue
        end = min(horizon, int(length.max())) if skipped == 0 else int(length.max())
        session = np.arange(skipped, end)
        row = np.minimum(entry[part, None] + session, len(returns.later) - 1)
        own = returns.later[row, column[part, None]]
        if skipped == 0:
            own[:, 0] = returns.first[entry, column] - costs / 2
        last = length[part] - 1 - skipped
        ends = np.flatnonzero(last < own.shape[1])
        own[ends, last[ends]] -= costs[part[ends]] / 2
        own[session >= length[part, None]] = np.nan
        yield _Piece(part, skipped, own)


def cohort_returns(returns: DailyReturns, holdings: Holdings, n: int, some: Rows, cohort: Rows) -> CohortReturns:
    """The returns of the cohorts of the judged holdings `some` (Q,) over the horizon of index `n`. cohort (Q,): the
    number of each holding's cohort; its holdings are of one day. A holding may be in several cohorts."""
    order = np.lexsort((holdings.periods.entry[some], cohort))
    some, cohort = some[order], cohort[order]
    length = (holdings.periods.exit[some, n] - holdings.periods.entry[some]).max(initial=0) + 1
    width = WAIT + max(holdings.periods.horizons[n], int(length))
    begins = np.flatnonzero(np.diff(cohort, prepend=-1))
    cuts = begins[np.diff(begins // (CELLS // width), prepend=-1) > 0] if len(begins) else [0]
    parts = []
    for low, high in pairwise([*cuts, len(some)]):
        own = some[low:high]
        sums = _CohortSums(holdings, n, own, cohort[low:high], width)
        for piece in _pieces(returns, holdings, n, own):
            sums.add(0, piece.own, piece)
            for b in range(len(NAMES)):
                sums.add(1 + b, piece.own - piece.beside(returns, returns.row[own, n, b]), piece)
        parts.append(sums.returns(returns.row[own, n] >= 0, len(returns.later)))
    return CohortReturns.joined(parts)


def daily_excess(returns: DailyReturns, holdings: Holdings, n: int, some: Rows, name: str) -> Floats:
    """(T,): on each session of the prices the return of the portfolio of the judged holdings `some` (Q,) less that of
    the benchmark `name`, NaN where nothing is held."""
    return cohort_returns(returns, holdings, n, some, holdings.picks.day[some]).daily_excess(slice(None), name)


@dataclass(frozen=True, slots=True)
class CohortReturns:
    """The daily returns of C cohorts over W sessions from the one after their day on: layer 0 those of the holdings,
    then their excess over each benchmark. number and day (C,), ascending by number; total (5, C, W) and count (5, C, W)
    over holdings, size (5, C) of the holdings that have the layer; sessions: of the prices."""

    number: Rows
    day: Rows
    total: Floats
    count: Floats
    size: Floats
    horizon: int
    sessions: int

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The cohorts of all parts, which have the same width and horizon."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            number=np.concatenate([part.number for part in parts]),
            day=np.concatenate([part.day for part in parts]),
            total=np.concatenate([part.total for part in parts], axis=1),
            count=np.concatenate([part.count for part in parts], axis=1),
            size=np.concatenate([part.size for part in parts], axis=1),
            horizon=parts[0].horizon,
            sessions=parts[0].sessions,
        )

    def portfolio(self, rows: Rows | slice) -> Portfolio:
        """The portfolio of the cohorts at `rows`."""
        if not len(self.day[rows]):
            unknown = CalendarTime(float("nan"), float("nan"), 0)
            return Portfolio(np.zeros(0), (unknown,) * len(NAMES))
        series = [self._excess(rows, 1 + b)[1] for b in range(len(NAMES))]
        excess = tuple(_calendar_time(values[np.isfinite(values)], self.horizon) for values in series)
        return Portfolio(self._pooled_means(rows), excess)

    def daily_excess(self, rows: Rows | slice, name: str) -> Floats:
        """(T,): on each session of the prices the return of the portfolio of the cohorts at `rows` less that of the
        benchmark `name`, NaN where nothing is held."""
        daily = np.full(self.sessions, np.nan)
        if len(self.day[rows]):
            first, series = self._excess(rows, 1 + NAMES.index(name))
            daily[first : first + len(series)] = series[: len(daily) - first]
        return daily

    def _excess(self, rows: Rows | slice, layer: int) -> tuple[int, Floats]:
        """The first session, and on each from it on the mean over cohorts of their return, NaN where none is held."""
        means = self.total[layer, rows] / np.maximum(self.size[layer, rows], 1)[:, None]
        first, sums, cohorts = self._by_session(rows, means, self.count[layer, rows] > 0)
        with np.errstate(invalid="ignore"):
            return first, sums / cohorts

    def _pooled_means(self, rows: Rows | slice) -> Floats:
        """(S,): the mean over holdings on each session from the first held one to the last, 0 where none is held."""
        _, sums, counts = self._by_session(rows, self.total[0, rows], self.count[0, rows])
        held = np.flatnonzero(counts)
        return (sums / np.maximum(counts, 1))[held[0] : held[-1] + 1]

    def _by_session(self, rows: Rows | slice, values: Floats, counts: NDArray[Any]) -> tuple[int, Floats, Floats]:
        """The session after the first day of some cohorts, and the sums over cohorts on each session from it on."""
        days = self.day[rows]
        first = int(days.min())
        session = ((days - first)[:, None] + np.arange(values.shape[1])).ravel()
        sums, numbers = (np.bincount(session, grid.ravel()).astype(np.float64) for grid in (values, counts))
        return first + 1, sums, numbers


class _CohortSums:
    """Daily returns summed over the holdings of each cohort, by layer, cohort and session since its day."""

    def __init__(self, holdings: Holdings, n: int, some: Rows, cohort: Rows, width: int) -> None:
        self._horizon = holdings.periods.horizons[n]
        entry, day = holdings.periods.entry[some], holdings.picks.day[some]
        self._number, first, self._cohort = np.unique(cohort, return_index=True, return_inverse=True)
        self._day = day[first]
        self._wait = entry - day - 1
        self._total, self._count = np.zeros((2, 1 + len(NAMES), len(self._number), width))

    def add(self, layer: int, values: Floats, piece: _Piece) -> None:
        """Add `values` (Q', W) of the sessions of `piece`; NaN is left out."""
        cohort, wait = self._cohort[piece.part], self._wait[piece.part]
        begins = np.flatnonzero((np.diff(cohort, prepend=-1) != 0) | (np.diff(wait, prepend=-1) != 0))
        usable = np.isfinite(values)
        width = self._total.shape[2]
        place = (cohort[begins] * width + wait[begins] + piece.skipped)[:, None] + np.arange(values.shape[1])
        for sums, terms in ((self._total, np.where(usable, values, 0.0)), (self._count, usable.astype(np.float64))):
            groups = np.add.reduceat(terms, begins, axis=0)
            sums[layer] += np.bincount(place.ravel(), groups.ravel(), sums[layer].size).reshape(sums[layer].shape)

    def returns(self, present: Bools, sessions: int) -> CohortReturns:
        """The sums of all holdings; present (Q, 4): those that have each benchmark."""
        layers = [np.ones(len(present)), *present.T]
        size = np.stack([np.bincount(self._cohort, layer, len(self._number)).astype(np.float64) for layer in layers])
        return CohortReturns(self._number, self._day, self._total, self._count, size, self._horizon, sessions)


def _calendar_time(daily: Floats, horizon: int) -> CalendarTime:
    if not len(daily):
        return CalendarTime(float("nan"), float("nan"), 0)
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
