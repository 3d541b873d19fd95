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

1. `_Groups`: the picks by rule, day and entry. Nearly all of a day are bought on the next session, so there are hardly
   more groups than days. The baskets of a group serve all versions and horizons.
2. `_Variants`: a shorter holding is the beginning of a longer one, except that where a member has an action, holdings
   that end before it have this member in their baskets. Each group has as many variants as such sets of members.
3. `_Cells`: the cells that the picks of each group are matched with.
4. `_Baskets`, for `BLOCK` groups at a time: one matrix product of weights and closes gives the large baskets of the
   members without an action, cells hold few instruments and are added up by themselves; what a variant has beyond
   these members is added to both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from marketdata.sorted_search import positions_in
from scans.evaluation.holding_periods import HoldingPeriods, PickSet
from scans.evaluation.matching import Cells, Traits
from scans.evaluation.prices import Prices, Rows
from scans.kernels.compare import above

NAMES = ("equal", "cap", "segment", "matched")
COVERED = 0.9
BLOCK, ROWS = 16, 512
TOTALS = ("weight", "members", "members with a cap")


@dataclass(frozen=True, slots=True)
class Universe:
    """The benchmarks of picks, on the first D sessions of the prices. eligible: for each rule (D, N), the
    instruments that could be picked; cap (carried, currency) and segment (an index, -1 without) (D, N); traits of the
    same sessions; indexes: segment -> open and close of its external index on all T sessions, (2, T)."""

    eligible: Sequence[Bools]
    cap: Floats
    segment: NDArray[np.int8]
    traits: Traits
    indexes: Mapping[int, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """The benchmarks of P picks over H horizons. daily (M, L): the returns of baskets on each session from the entry
    on, the first from open to close; row (P, H, 4) of each holding's baskets in the order of `NAMES`, -1 where there is
    none; returns (P, H, 4) over the whole holding and hits (P, H), the share of the universe with a return above 0; NaN
    where there is none."""

    daily: Floats
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
    groups = _Groups.of(picks, rule, periods.entry, length, universe)
    if not len(groups.pick):
        return Benchmarks(np.full((1, 1), np.nan), row, np.full(row.shape, np.nan), hits)
    closes = np.nan_to_num(prices.close)
    column = picks.column[groups.pick]
    variants = _Variants.of(prices, closes, groups)
    cells = _Cells.of(groups, column, universe)
    segments, own = np.unique(universe.segment[groups.day[groups.group], column], return_inverse=True)
    baskets = _Baskets(prices, closes, groups, variants, cells, segments, universe)
    for first in range(0, len(groups.day), BLOCK):
        baskets.fill(first, min(first + BLOCK, len(groups.day)))
    usable = baskets.usable()
    equal = np.zeros(len(column), dtype=np.intp)
    basket = np.column_stack([equal, equal + 1, 2 + own, 2 + len(segments) + cells.of_pick])
    rows = baskets.first[variants.of_holding][:, :, None] + basket[:, None, :]
    held = groups.length > 0
    row[groups.pick] = np.where(held[:, :, None] & usable[rows], rows, -1)
    hits[groups.pick] = np.where(held, variants.hit_rate, np.nan)
    returns = baskets.returns(row, length)
    return Benchmarks(baskets.daily_returns(), row, returns, hits)


@dataclass(frozen=True, slots=True)
class _Groups:
    """The Q picks with an exit over any horizon, in G groups with the same day, rule and entry, ascending.

    pick and group (Q,): the place of each pick and its group; length (Q, H) of the holdings, 0 without an exit; day,
    rule, entry and longest (G,), the longest holding; eligible (G, N)."""

    pick: Rows
    group: Rows
    length: Rows
    day: Rows
    rule: Rows
    entry: Rows
    longest: Rows
    eligible: Bools

    @classmethod
    def of(cls, picks: PickSet, rule: Rows, entry: Rows, length: Rows, universe: Universe) -> _Groups:
        pick = np.flatnonzero((length > 0).any(axis=1))
        rules = len(universe.eligible)
        shape = (len(universe.cap), rules, int(entry.max(initial=0)) + 1)
        keys = np.ravel_multi_index((picks.day[pick], rule[pick], entry[pick]), shape)
        distinct, group = np.unique(keys, return_inverse=True)
        days, rules_of, entries = np.unravel_index(distinct, shape)
        longest = np.zeros(len(distinct), dtype=np.intp)
        np.maximum.at(longest, group, length[pick].max(axis=1, initial=0))
        eligible = np.zeros((len(distinct), universe.cap.shape[1]), dtype=bool)
        for number in range(rules):
            eligible[rules_of == number] = universe.eligible[number][days[rules_of == number]]
        return cls(pick, group, length[pick], days, rules_of, entries, longest, eligible)


@dataclass(frozen=True, slots=True)
class _Variants:
    """The V variants of the groups' members, ascending by group and length: group (V,), and end (V,), a length of its
    holdings; begin (G + 1,): the variants of each group; of_holding and hit_rate (Q, H): the variant of each holding
    and the share of its universe with a return above 0."""

    group: Rows
    end: Rows
    begin: Rows
    of_holding: Rows
    hit_rate: Floats

    @classmethod
    def of(cls, prices: Prices, closes: Floats, groups: _Groups) -> _Variants:
        width = int(groups.longest.max()) + 1
        keys, place = np.unique(groups.group[:, None] * width + groups.length, return_inverse=True)
        group, end = np.divmod(keys, width)
        members, rises = np.zeros((2, len(keys)), dtype=np.intp)
        for low in range(0, len(keys), BLOCK):
            some = slice(low, low + BLOCK)
            entry = groups.entry[group[some]]
            last = entry + np.maximum(end[some], 1) - 1
            clean = groups.eligible[group[some]] & (prices.actions[last] == prices.actions[entry])
            members[some] = np.count_nonzero(clean, axis=1)
            rises[some] = np.count_nonzero(above(closes[last], prices.open[entry]) & clean, axis=1)
        new = (np.diff(group, prepend=-1) != 0) | (np.diff(members, prepend=-1) != 0)
        first = np.flatnonzero(new)
        place = place.reshape(groups.length.shape)
        return cls(
            group=group[first],
            end=np.maximum(end[first], 1),
            begin=np.searchsorted(group[first], np.arange(len(groups.day) + 1)),
            of_holding=(np.cumsum(new) - 1)[place],
            hit_rate=(rises / np.maximum(members, 1))[place],
        )


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells that the picks are matched with, by group: begin (G + 1,); of_pick (Q,): the number of each pick's cell
    in its group; member: the instruments of all cells, one cell after the other, from start (C + 1,) on."""

    begin: Rows
    of_pick: Rows
    member: Rows
    start: Rows

    @classmethod
    def of(cls, groups: _Groups, column: Rows, universe: Universe) -> _Cells:
        days, row = np.unique(groups.day, return_inverse=True)
        instruments = universe.cap.shape[1]
        low, high = np.zeros((2, len(column)), dtype=np.intp)
        rules = np.unique(groups.rule).tolist()
        members = [universe.eligible[rule][days] for rule in rules]
        by_rule = dict(zip(rules, Cells.of(universe.traits, days, members), strict=True))
        for rule, cells in by_rule.items():
            some = groups.rule[groups.group] == rule
            low[some], high[some] = cells.ranges(row[groups.group[some]], column[some])
        shape = (len(groups.day), instruments + 1, instruments + 1)
        keys, cell = np.unique(np.ravel_multi_index((groups.group, low, high), shape), return_inverse=True)
        group, low, high = np.unravel_index(keys, shape)
        low = np.minimum(low, instruments - 1)  # where nothing could be picked: a cell of one that is no member
        high = np.maximum(high, low + 1)
        start = np.concatenate([[0], np.cumsum(high - low)])
        owner = np.repeat(np.arange(len(keys)), high - low)
        place = np.arange(start[-1]) - start[owner] + low[owner]
        member = np.empty(len(owner), dtype=np.intp)
        for rule, cells in by_rule.items():
            some = groups.rule[group[owner]] == rule
            member[some] = cells.order[row[group[owner[some]]], place[some]]
        begin = np.searchsorted(group, np.arange(len(groups.day) + 1))
        return cls(begin, cell - begin[groups.group], member, start)


class _Baskets:
    """The baskets of all variants, a row each: equal, cap, one for each of `segments`, one for each cell of the group;
    and a row of NaN at the end.

    first (V,): the row of each variant's first basket.
    """

    def __init__(
        self,
        prices: Prices,
        closes: Floats,
        groups: _Groups,
        variants: _Variants,
        cells: _Cells,
        segments: NDArray[np.int8],
        universe: Universe,
    ) -> None:
        self._prices, self._closes, self._groups = prices, closes, groups
        self._variants, self._cells, self._segments, self._universe = variants, cells, segments, universe
        self._cap = np.nan_to_num(universe.cap)
        self._large = 2 + len(segments)
        counts = (self._large + np.diff(cells.begin))[variants.group]
        ends = np.cumsum(counts)
        longest = int(groups.longest.max())
        self.first = ends - counts
        self._sums = np.full((int(ends[-1]) + 1, longest), np.nan)
        self._totals = np.zeros((len(TOTALS), len(self._sums)))
        self._by_instrument = np.zeros((closes.shape[1], len(closes) + longest))
        self._by_instrument[:, : len(closes)] = closes.T

    def fill(self, first: int, end: int) -> None:
        """Fill the rows of the groups from `first` to `end`, not yet divided by the weights."""
        groups, actions = self._groups, self._prices.actions
        entry, longest = groups.entry[first:end], groups.longest[first:end]
        eligible = groups.eligible[first:end]
        acting = eligible & (actions[entry + longest - 1] != actions[entry])
        with np.errstate(divide="ignore"):
            shares = np.where(eligible & ~acting, 1 / self._prices.open[entry], 0.0)
        large, large_totals = self._large_baskets(first, end, shares)
        small, small_totals = self._small_baskets(first, end, shares)
        begins = entry - entry.min()
        cells = self._cells.begin[first : end + 1] - self._cells.begin[first]
        for n, (begin, length) in enumerate(zip(begins.tolist(), longest.tolist(), strict=True)):
            own = slice(cells[n], cells[n + 1])
            base = np.concatenate([large[n, :, begin : begin + length], small[own, :length]])
            totals = np.concatenate([large_totals[:, n], small_totals[:, own]], axis=1)
            self._fill_group(first + n, base, totals, np.flatnonzero(acting[n]))

    def _large_baskets(self, first: int, end: int, shares: Floats) -> tuple[Floats, Floats]:
        """The sums (G', B, S) of the large baskets of some groups at the closes from the first of their sessions to the
        last, and the totals (3, G', B). shares (G', N): of an even basket bought at 1, 0 for all others."""
        groups = self._groups
        day, entry = groups.day[first:end], groups.entry[first:end]
        begin, last = int(entry.min()), int((entry + groups.longest[first:end]).max())
        cap = self._cap[day][:, None]
        inside = np.empty((len(day), self._large, shares.shape[1]), dtype=bool)
        inside[:, :2] = shares[:, None] > 0
        own = self._universe.segment[day][:, None] == self._segments[:, None]
        np.logical_and(own, inside[:, :1], out=inside[:, 2:])
        amount = inside * cap
        amount[:, 0] = inside[:, 0]
        capped = inside & (cap > 0)
        capped[:, 0] = inside[:, 0]
        totals = np.stack([amount.sum(axis=2), _counts(inside), _counts(capped)])
        amount *= shares[:, None]
        sums = amount.reshape(-1, shares.shape[1]) @ self._closes[begin:last].T
        return sums.reshape(*amount.shape[:2], -1), totals

    def _small_baskets(self, first: int, end: int, shares: Floats) -> tuple[Floats, Floats]:
        """The same of the cells of some groups (C', L), from each group's entry on, and their totals (3, C')."""
        cells = self._cells
        begin = cells.begin[first : end + 1]
        start = cells.start[begin[0] : begin[-1] + 1]
        member = cells.member[start[0] : start[-1]]
        group = np.repeat(np.arange(end - first), np.diff(cells.start[begin]))
        share = shares[group, member]
        windows = sliding_window_view(self._by_instrument, int(self._groups.longest[first:end].max()), axis=1)
        growth = windows[member, self._groups.entry[first:end][group]]
        growth *= share[:, None]
        counts = np.add.reduceat(share > 0, start[:-1] - start[0], dtype=np.float64)
        return np.add.reduceat(growth, start[:-1] - start[0], axis=0), np.stack([counts] * len(TOTALS))

    def _fill_group(self, group: int, base: Floats, totals: Floats, acting: Rows) -> None:
        """Fill the rows of one group with the baskets `base` (B, L) of the members without an action, and what its
        variants have of those with one, `acting` (K,)."""
        prices, variants = self._prices, self._variants
        some = slice(variants.begin[group], variants.begin[group + 1])
        ends, length = variants.end[some], base.shape[1]
        rows = slice(self.first[some][0], self.first[some][0] + len(ends) * len(base))
        if not len(acting):
            self._sums[rows, :length], self._totals[:, rows] = base, totals
            return
        entry = int(self._groups.entry[group])
        clean = prices.actions[entry + ends - 1][:, acting] == prices.actions[entry, acting]
        inside = self._inside(group, acting)
        amount = inside.astype(np.float64)
        amount[1 : self._large] *= self._cap[self._groups.day[group], acting]
        paths = self._closes[entry : entry + length, acting] / prices.open[entry, acting]
        extra = clean[:, None] * amount
        added = (extra.reshape(-1, len(acting)) @ paths.T).reshape(*extra.shape[:2], length)
        added += base
        self._sums[rows, :length] = added.reshape(-1, length)
        counts = np.stack([extra, clean[:, None] & inside, extra > 0]).sum(axis=3)
        self._totals[:, rows] = (totals[:, None] + counts).reshape(len(TOTALS), -1)

    def _inside(self, group: int, columns: Rows) -> Bools:
        """Which baskets (B, K) of a group some of its members are in."""
        cells = self._cells
        own = slice(cells.begin[group], cells.begin[group + 1])
        start = cells.start[own.start : own.stop + 1]
        member = cells.member[start[0] : start[-1]]
        place = positions_in(columns, member)
        cell = np.repeat(np.arange(len(start) - 1), np.diff(start))
        some = place >= 0
        inside = np.zeros((self._large + len(start) - 1, len(columns)), dtype=bool)
        inside[:2] = True
        inside[2 : self._large] = self._universe.segment[self._groups.day[group], columns] == self._segments[:, None]
        inside[self._large + cell[some], place[some]] = True
        return inside

    def usable(self) -> Bools:
        """The baskets that can be used, (M + 1,): those with members, and enough of them with a cap where it weighs by
        caps. External indexes replace the baskets of their segments."""
        weight, members, capped = self._totals
        usable: Bools = (weight > 0) & (capped >= COVERED * members)
        entry = self._groups.entry[self._variants.group]
        sessions = np.minimum(entry[:, None] + np.arange(self._sums.shape[1]), len(self._closes) - 1)
        for place, segment in enumerate(self._segments.tolist(), 2):
            if segment in self._universe.indexes:
                opens, index = self._universe.indexes[segment]
                self._sums[self.first + place] = index[sessions] / opens[entry][:, None]
                weight[self.first + place] = 1.0
                usable[self.first + place] = True
        return usable

    def returns(self, row: Rows, length: Rows) -> Floats:
        """(P, H, 4): the returns of the baskets `row` (P, H, 4) over holdings of `length` (P, H) sessions."""
        weight = self._totals[0]
        with np.errstate(invalid="ignore", divide="ignore"):
            returns: Floats = self._sums[row, np.maximum(length - 1, 0)[:, :, None]] / weight[row] - 1
        return returns

    def daily_returns(self) -> Floats:
        """(M + 1, L): the daily returns of all baskets, in place of their sums."""
        for low in range(0, len(self._sums), ROWS):
            sums = self._sums[low : low + ROWS]
            with np.errstate(invalid="ignore", divide="ignore"):
                later = sums[:, 1:] / sums[:, :-1]
                sums[:, 0] /= self._totals[0, low : low + ROWS]
            sums[:, 1:] = later
            sums -= 1
        return self._sums


def _counts(flags: Bools) -> Floats:
    """How many of the flags (A, B, N) are set along the last axis: one row at a time is faster than `axis`."""
    counts = [np.count_nonzero(row) for row in flags.reshape(-1, flags.shape[2])]
    return np.array(counts, dtype=np.float64).reshape(flags.shape[:2])
