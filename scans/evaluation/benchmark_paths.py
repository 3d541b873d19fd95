"""The benchmarks beside a holding, session by session (scanner definitions, section 7, revision 2).

Each is a basket bought at the open of the holding's entry and held to the close of its exit, of the instruments that
could be picked on the day of the pick under the version's own rule:

equal      all alike
cap        by carried market caps; none where fewer than `COVERED` of the members have one, never equal weights instead
segment    by caps, the members of the pick's own segment
matched    all alike, the members of the pick's cell (`matching`)

Members with a suspected corporate action between entry and exit are left out. Benchmarks pay no costs. On sessions
without a trade filled closes stand in.

Nearly all picks of a day are bought on the next session, so there are hardly more pairs (day, entry) than days. For
each pair one matrix product gives every basket over every session; the few members with an action inside are added exit
by exit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.evaluation.holding_periods import HoldingPeriods
from scans.evaluation.holdings import PickSet
from scans.evaluation.matching import Traits, cell_depths, matching_cells
from scans.evaluation.prices import Prices, Rows

NAMES = ("equal", "cap", "segment", "matched")
COVERED = 0.9


@dataclass(frozen=True, slots=True)
class Universe:
    """Who could be picked, and by what they are weighed and matched, on the first D sessions of the prices: eligible,
    cap (carried, currency) and segment (an index, -1 without) are (D, N); traits of the same D sessions."""

    eligible: Bools
    cap: Floats
    segment: NDArray[np.int8]
    traits: Traits


@dataclass(frozen=True, slots=True)
class BenchmarkPaths:
    """The benchmarks of the holdings over one horizon. value (M, L): baskets bought at 1, at the close of each session
    from the entry on, NaN after the exit; row (P, 4) of each holding's benchmarks in the order of `NAMES`, -1 where
    there is none."""

    value: Floats
    row: Rows

    def at_exit(self, length: Rows) -> Floats:
        """(P, 4): the return of each benchmark over holdings that last `length` (P,) sessions; NaN where there is
        none."""
        some = self.row >= 0
        last = np.clip(length - 1, 0, self.value.shape[1] - 1)[:, None]
        returns: Floats = np.where(some, self.value[self.row, last] - 1, np.nan)
        return returns

    def daily(self, benchmark: str) -> Floats:
        """(P, L): the daily return of a benchmark from the entry on, NaN after the exit or where there is none."""
        row = self.row[:, NAMES.index(benchmark)]
        value = np.where((row >= 0)[:, None], self.value[row], np.nan)
        before = np.concatenate([np.ones((len(value), 1)), value[:, :-1]], axis=1)
        moves: Floats = value / before - 1
        return moves


def benchmark_paths(
    prices: Prices, picks: PickSet, periods: HoldingPeriods, universe: Universe
) -> tuple[BenchmarkPaths, ...]:
    """The benchmarks of all holdings that have an exit, for each horizon of `periods`."""
    length = periods.exit - periods.entry[:, None] + 1
    length[periods.exit < 0] = 0
    tables: list[list[Floats]] = [[] for _ in periods.horizons]
    rows = np.full((len(picks), len(periods.horizons), len(NAMES)), -1, dtype=np.intp)
    counts = [0] * len(periods.horizons)
    for day, entry, some in _pairs(picks, periods, length):
        basket = _Basket(prices, universe, day, entry, int(length[some].max()), picks.column[some])
        for n in range(len(periods.horizons)):
            for end in np.unique(length[some, n]):
                if end == 0:
                    continue
                chosen = length[some, n] == end
                value, of_pick = basket.paths(int(end), chosen)
                rows[some[chosen], n] = np.where(of_pick >= 0, of_pick + counts[n], -1)
                tables[n].append(value)
                counts[n] += len(value)
    return tuple(BenchmarkPaths(_stacked(table), rows[:, n]) for n, table in enumerate(tables))


def _pairs(picks: PickSet, periods: HoldingPeriods, length: Rows) -> Iterator[tuple[int, int, Rows]]:
    """Day, entry and the picks that share them, of those with an exit over any horizon."""
    bought = np.flatnonzero((periods.entry >= 0) & (length > 0).any(axis=1))
    order = bought[np.lexsort((periods.entry[bought], picks.day[bought]))]
    day, entry = picks.day[order], periods.entry[order]
    begins = np.flatnonzero(np.diff(day, prepend=-1) | np.diff(entry, prepend=-1))
    for start, end in zip(begins, [*begins[1:], len(order)], strict=True):
        yield int(day[start]), int(entry[start]), order[start:end]


class _Basket:
    """The members of one day from one entry on, and the weights of every basket that its picks need."""

    def __init__(self, prices: Prices, universe: Universe, day: int, entry: int, longest: int, picked: Rows) -> None:
        members = np.flatnonzero(universe.eligible[day])
        rows = slice(entry, entry + longest)
        with np.errstate(invalid="ignore", divide="ignore"):
            self._growth = prices.close[rows, members] / prices.open[entry, members]
        acted = prices.actions[rows, members] != prices.actions[entry, members]
        self._dirty = np.flatnonzero(acted[-1])
        self._acted = acted[:, self._dirty]
        clean = ~acted[-1]
        self._weights = self._basket_weights(universe, day, members, picked)
        self._sums = self._growth[:, clean] @ self._weights[clean]
        self._totals = self._weights[clean].sum(axis=0)
        self._clean = clean

    def _basket_weights(self, universe: Universe, day: int, members: Rows, picked: Rows) -> Floats:
        cap = universe.cap[day, members]
        with np.errstate(invalid="ignore"):
            has_cap = cap > 0
        cap = np.where(has_cap, cap, 0.0)
        segment = universe.segment[day, members]
        own, own_of = np.unique(universe.segment[day, picked], return_inverse=True)
        cells = matching_cells(universe.traits, day, universe.eligible[day])
        depth = cell_depths(cells, picked)
        stacked = np.stack(cells)
        number = stacked[depth, picked]
        _, matched_of = np.unique(depth * (number.max() + 1) + number, return_inverse=True)
        _, one = np.unique(matched_of, return_index=True)
        matched = stacked[depth[one]][:, members] == number[one][:, None]
        self._has_cap = has_cap
        self._segments = len(own)
        self._inside = np.column_stack([np.ones(len(members), dtype=bool), segment[:, None] == own])
        self._column = np.column_stack([
            np.zeros(len(picked), dtype=np.intp),
            np.ones(len(picked), dtype=np.intp),
            2 + own_of.ravel(),
            2 + len(own) + matched_of.ravel(),
        ])  # fmt: skip
        weights: Floats = np.column_stack([
            np.ones(len(members)),
            cap,
            np.where(segment[:, None] == own, cap[:, None], 0.0),
            matched.T.astype(np.float64),
        ])  # fmt: skip
        return weights

    def paths(self, end: int, chosen: Bools) -> tuple[Floats, Rows]:
        """The baskets (M, end) over the first `end` sessions, and the rows (P', 4) of the picks `chosen`, -1 where a
        basket has no members or too few with a cap."""
        joins = ~self._acted[end - 1]
        some = self._dirty[joins]
        sums = self._sums[:end] + self._growth[:end, some] @ self._weights[some]
        totals = self._totals + self._weights[some].sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            value = (sums / totals).T
        usable = totals > 0
        kept = self._clean.copy()
        kept[some] = True
        counted = self._inside[kept].sum(axis=0)
        covered = (self._inside[kept] & self._has_cap[kept, None]).sum(axis=0)
        usable[1 : 2 + self._segments] &= covered >= COVERED * counted
        column = self._column[chosen]
        return value, np.where(usable[column], column, -1)


def _stacked(tables: list[Floats]) -> Floats:
    """The tables below one another, as wide as the widest."""
    width = max((table.shape[1] for table in tables), default=1)
    stacked = np.full((sum(map(len, tables)), width), np.nan)
    at = 0
    for table in tables:
        stacked[at : at + len(table), : table.shape[1]] = table
        at += len(table)
    return stacked
