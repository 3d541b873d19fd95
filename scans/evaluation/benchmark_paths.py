"""The benchmarks beside holdings, session by session (scanner definitions, section 7, revision 2).

Each is a basket bought at the open of the holding's entry and held to the close of its exit, of the instruments that
could be picked on the day of the pick under the version's own rule:

equal      all alike
cap        by carried market caps; none where fewer than `COVERED` of the members have one, never equal weights instead
segment    by caps, the members of the pick's own segment; where an external index of that segment is recorded over all
           sessions, the growth of this index
matched    all alike, the members of the pick's cell (`matching`)

Members with a suspected corporate action between entry and exit are left out. Benchmarks pay no costs. On sessions
without a trade filled closes stand in. The universe's hits are the members of `equal` whose return is above 0.

Nearly all picks of a day are bought on the next session, so there are hardly more groups (rule, day, entry) than days.
The baskets of a group serve all versions and horizons: a shorter holding is the beginning of a longer one, except that
where a member has an action, holdings that end before it have this member in their baskets. One matrix product of
weights and closes gives the large baskets of `BLOCK` groups over all their sessions; cells hold few instruments and are
added up by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.evaluation.holding_periods import HoldingPeriods, PickSet
from scans.evaluation.matching import MISSING, Traits, cell_depths, matching_cells
from scans.evaluation.prices import Prices, Rows
from scans.kernels.compare import above

NAMES = ("equal", "cap", "segment", "matched")
COVERED = 0.9
BLOCK = 32


@dataclass(frozen=True, slots=True)
class Universe:
    """What picks are compared with, on the first D sessions of the prices. eligible: for each rule (D, N), the
    instruments that could be picked; cap (carried, currency) and segment (an index, -1 without) (D, N); traits of the
    same sessions; indexes: segment -> open and close of its external index on all T sessions, (2, T)."""

    eligible: Sequence[Bools]
    cap: Floats
    segment: NDArray[np.int8]
    traits: Traits
    indexes: Mapping[int, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """The benchmarks of P picks over H horizons. value (M, L): baskets bought at 1, at the close of each session from
    the entry on; row (P, H, 4) of each holding's baskets in the order of `NAMES`, -1 where there is none; returns
    (P, H, 4) over the whole holding and hits (P, H), the share of the universe with a return above 0; NaN where there
    is none."""

    value: Floats
    row: Rows
    returns: Floats
    hits: Floats


def benchmark_paths(
    prices: Prices, picks: PickSet, rule: Rows, periods: HoldingPeriods, universe: Universe
) -> Benchmarks:
    """The benchmarks of all holdings that have an exit. `rule` (P,): the place of each pick's rule in
    `universe.eligible`."""
    length = np.where(periods.exit >= 0, periods.exit - periods.entry[:, None] + 1, 0)
    row = np.full((*length.shape, len(NAMES)), -1, dtype=np.intp)
    hits = np.full(length.shape, np.nan)
    closes = np.nan_to_num(prices.close)
    tables: list[Floats] = []
    count = 0
    groups = list(_groups(prices, picks, rule, length, periods, universe))
    for low in range(0, len(groups), BLOCK):
        for group, sums in _sums(closes, groups[low : low + BLOCK]):
            for ends, hit_rates, clean in group.variants(closes):
                table, usable = group.baskets(closes, sums, clean, ends[-1])
                rows = np.where(usable, np.arange(count, count + len(table)), -1)[group.basket_of_pick]
                for end, hit_rate in zip(ends, hit_rates, strict=True):
                    pick, horizon = np.nonzero(group.length == end)
                    row[group.picks[pick], horizon] = rows[pick]
                    hits[group.picks[pick], horizon] = hit_rate
                tables.append(table)
                count += len(table)
    value = np.full((count + 1, int(length.max(initial=1))), np.nan)
    at = 0
    for table in tables:
        value[at : at + len(table), : table.shape[1]] = table
        at += len(table)
    return Benchmarks(value, row, value[row, np.maximum(length - 1, 0)[:, :, None]] - 1, hits)


def _groups(
    prices: Prices, picks: PickSet, rule: Rows, length: Rows, periods: HoldingPeriods, universe: Universe
) -> Iterator[_Group]:
    """The groups of the picks with an exit over any horizon."""
    bought = np.flatnonzero((length > 0).any(axis=1))
    keys = np.stack([picks.day, rule, periods.entry])[:, bought]
    order = np.lexsort(keys[::-1])
    keys = keys[:, order]
    begins = np.flatnonzero((np.diff(keys, axis=1, prepend=-1) != 0).any(axis=0))
    orders: tuple[Rows, ...] = ()
    cells: list[NDArray[np.int64]] = []
    before = (-1, -1)
    for start, end in pairwise([*begins.tolist(), len(order)]):
        day, number, entry = keys[:, start].tolist()
        if day != before[0]:
            orders = universe.traits.orders(day)
        if (day, number) != before:
            cells = matching_cells(orders, universe.eligible[number][day])
        before = day, number
        some = bought[order[start:end]]
        yield _Group(prices, universe, number, day, entry, cells, some, picks.column[some], length[some])


def _sums(closes: Floats, groups: Sequence[_Group]) -> Iterator[tuple[_Group, Floats]]:
    """Each group with the sums of its large baskets (B', L) over its sessions, of the members that are always clean."""
    first = min(group.entry for group in groups)
    last = max(group.entry + group.longest for group in groups)
    sums = np.concatenate([group.shares for group in groups]) @ closes[first:last].T
    at = 0
    for group in groups:
        begin = group.entry - first
        yield group, sums[at : at + len(group.shares), begin : begin + group.longest]
        at += len(group.shares)


class _Group:
    """Picks of one day by one rule with the same entry, and the instruments that could be picked then, held from that
    entry on, in the baskets that the picks need: equal, cap, one for each segment, one for each cell.

    picks and columns (P',); length (P', H), 0 without an exit; basket_of_pick (P', 4); shares (B', N): what each basket
    but the cells holds of the members without an action until the end of the longest holding (those always clean).
    """

    def __init__(
        self,
        prices: Prices,
        universe: Universe,
        rule: int,
        day: int,
        entry: int,
        cells: list[NDArray[np.int64]],
        picks: Rows,
        columns: Rows,
        length: Rows,
    ) -> None:
        self.picks, self.length, self.entry = picks, length, entry
        self.longest = int(length.max())
        self._eligible = universe.eligible[rule][day]
        cap = universe.cap[day]
        self._cap = np.where(np.isfinite(cap), cap, 0.0)
        segment = universe.segment[day]
        own, own_of = np.unique(segment[columns], return_inverse=True)
        self._by_cap = slice(1, 2 + len(own))
        self._inside = np.concatenate([
            np.broadcast_to(self._eligible, (2, len(self._eligible))),
            (segment == own[:, None]) & self._eligible,
        ])  # fmt: skip
        self._cells, cell_of = _Cells.of(cells, columns)
        equal = np.zeros(len(picks), dtype=np.intp)
        self.basket_of_pick = np.column_stack([equal, equal + 1, 2 + own_of.ravel(), 2 + len(own) + cell_of])
        self._indexes = {
            2 + n: universe.indexes[kind] for n, kind in enumerate(own.tolist()) if kind in universe.indexes
        }
        self._opened = prices.open[entry]
        self._ends = np.unique(length[length > 0])
        actions = prices.actions
        self._clean = (actions[entry + self._ends - 1] == actions[entry]) & self._eligible
        self._always = self._clean[-1]
        self.shares = self._inside * np.where(self._always, 1 / self._opened, 0.0)
        self.shares[self._by_cap] *= self._cap
        self._totals = _Totals.of(self._inside & self._always, self._cap, self._by_cap)

    def variants(self, closes: Floats) -> Iterator[tuple[list[int], list[float], Bools]]:
        """The lengths of the holdings ascending, divided where the members are no longer the same: some lengths, the
        share of the universe with a return above 0 at each of them, and their members (N,)."""
        counts = [int(np.count_nonzero(clean)) for clean in self._clean]
        rises = above(closes[self.entry + self._ends - 1], self._opened) & self._clean
        hits = [int(np.count_nonzero(rise)) / max(count, 1) for rise, count in zip(rises, counts, strict=True)]
        bounds = [0, *(np.flatnonzero(np.diff(counts)) + 1).tolist(), len(counts)]
        for low, high in pairwise(bounds):
            yield self._ends[low:high].tolist(), hits[low:high], self._clean[low]

    def baskets(self, closes: Floats, sums: Floats, clean: Bools, end: int) -> tuple[Floats, Bools]:
        """The baskets (B, end) of the members `clean`, and which can be used (B,): those with members, and enough of
        them with a cap where it weighs by caps. `sums` as `_sums` gives them."""
        value, totals = sums[:, :end], self._totals
        rows = slice(self.entry, self.entry + end)
        extra = np.flatnonzero(clean & ~self._always)
        if len(extra):
            inside = self._inside[:, extra]
            shares = inside / self._opened[extra]
            shares[self._by_cap] *= self._cap[extra]
            value = value + shares @ closes[rows, extra].T
            totals = totals.plus(_Totals.of(inside, self._cap[extra], self._by_cap))
        usable = totals.weight > 0
        usable[self._by_cap] &= totals.capped >= COVERED * totals.members
        with np.errstate(invalid="ignore", divide="ignore"):
            value = value / totals.weight[:, None]
        for place, (opens, index) in self._indexes.items():
            value[place] = index[rows] / opens[self.entry]
            usable[place] = True
        matched, members = self._cells.means(closes[rows], self._opened, clean)
        return np.concatenate([value, matched]), np.concatenate([usable, members > 0])


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells that picks are matched with: their members (Q,) and the cell of each, ascending, of C cells."""

    member: Rows
    cell: Rows
    count: int

    @classmethod
    def of(cls, cells: list[NDArray[np.int64]], columns: Rows) -> tuple[_Cells, Rows]:
        """From the numbers of cells as `matching_cells` gives them, and the cell (P',) of each of `columns`."""
        depths = cell_depths(cells, columns)
        cell_of = np.empty(len(columns), dtype=np.intp)
        members, owners, count = [], [], 0
        for depth in np.unique(depths).tolist():
            some = depths == depth
            numbers, place = np.unique(cells[depth][columns[some]], return_inverse=True)
            cell_of[some] = count + place
            table = np.full(int(cells[depth].max()) + 2, MISSING)
            table[numbers + 1] = count + np.arange(len(numbers))
            owner = table[cells[depth] + 1]
            member = np.flatnonzero(owner >= 0)
            members.append(member)
            owners.append(owner[member])
            count += len(numbers)
        member, cell = np.concatenate(members), np.concatenate(owners)
        order = np.argsort(cell, kind="stable")
        return cls(member[order], cell[order], count), cell_of

    def means(self, closes: Floats, opened: Floats, clean: Bools) -> tuple[Floats, NDArray[np.int64]]:
        """The mean growth (C, L) of the members `clean` (N,) of each cell since `opened` (N,), NaN without any, and how
        many there are (C,). closes (L, N)."""
        kept = clean[self.member]
        member, cell = self.member[kept], self.cell[kept]
        counts = np.bincount(cell, minlength=self.count)
        means = np.full((self.count, len(closes)), np.nan)
        some = counts > 0
        if some.any():
            growth = closes[:, member] / opened[member]
            begins = np.cumsum(counts[some]) - counts[some]
            means[some] = (np.add.reduceat(growth, begins, axis=1) / counts[some]).T
        return means, counts


class _Totals(NamedTuple):
    """Sums over the members of baskets: weight (B,); members and those with a cap of the baskets by cap."""

    weight: Floats
    members: NDArray[np.int64]
    capped: NDArray[np.int64]

    @classmethod
    def of(cls, inside: Bools, cap: Floats, by_cap: slice) -> _Totals:
        """Of the members `inside` (B, N) with caps `cap` (N,), 0 where there is none."""
        weight = np.array([np.count_nonzero(row) for row in inside], dtype=np.float64)
        members = weight[by_cap].astype(np.int64)
        weight[by_cap] = [cap[row].sum() for row in inside[by_cap]]
        return cls(weight, members, np.array([np.count_nonzero(cap[row]) for row in inside[by_cap]]))

    def plus(self, other: _Totals) -> _Totals:
        return _Totals(self.weight + other.weight, self.members + other.members, self.capped + other.capped)
