"""Instruments like a pick, by size, volatility and return (scanner definitions, section 7, revision 2).

A screen for momentum holds small, jumpy shares that have risen, and such shares have a return of their own. Beside the
market, a pick is compared with the mean of the eligible in its cell of 5 sizes x 5 volatilities x 5 returns of that
day; where a cell has fewer than `FEWEST` members the return is left out, then the volatility, then the size.

Choices where the definitions are silent: members are ordered by value, then by code, and cut into five by place; those
without a value (younger than 60 sessions, no market cap) are a group of their own. Volatility is the standard deviation
of the last 60 daily returns. A pick that could not be picked by the rule is compared with all that could be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.evaluation.prices import Rows

SPAN = 60
GROUPS = 5
FEWEST = 5
MISSING = 0
COLUMNS, ROWS = 128, 32
"""Instruments and sessions worked on at once: their arrays stay in the processor's cache."""
SIDE = GROUPS + 1
"""Groups of a trait, that without a value included."""

Groups = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Traits:
    """The traits by which instruments are matched on each of D sessions, (D, N) each: market cap in currency,
    volatility and return of the last 60 sessions as fractions; NaN where unknown."""

    cap: Floats
    volatility: Floats
    momentum: Floats

    def orders(self, rows: Rows) -> tuple[Rows, ...]:
        """The orders of the instruments on the sessions `rows` by each trait, as `value_order` gives them."""
        return tuple(value_order(values[rows]) for values in (self.cap, self.volatility, self.momentum))


def traits(close: Floats, cap: Floats, first: int, days: int) -> Traits:
    """The traits on `days` sessions from row `first` of `close` (T, N, adjusted and filled) on; cap (days, N); NaN
    where fewer than `SPAN` sessions lie before."""
    close = close[: first + days]
    volatility, momentum = np.full((2, days, close.shape[1]), np.nan)
    begin = max(first, SPAN)
    if begin < len(close):
        for low in range(0, close.shape[1], COLUMNS):
            some = slice(low, low + COLUMNS)
            spread, change = _spread_and_change(close[:, some], begin)
            volatility[begin - first :, some], momentum[begin - first :, some] = spread, change
    return Traits(cap, volatility, momentum)


def _spread_and_change(close: Floats, begin: int) -> tuple[Floats, Floats]:
    """The standard deviation of the last `SPAN` moves and the return over them at each session from `begin` on. Sums
    are differences of running sums: exactly 0 where nothing moves in between."""
    with np.errstate(invalid="ignore", divide="ignore"):
        change = close[begin:] / close[begin - SPAN : -SPAN] - 1
        moves = close[1:] / close[:-1] - 1
    moves[~np.isfinite(moves)] = 0.0
    mean = _span_sums(moves, begin) / SPAN
    variance = _span_sums(moves * moves, begin) / SPAN - mean * mean
    spread = np.sqrt(np.maximum(variance, 0.0))
    spread[np.isnan(change)] = np.nan
    return spread, change


def _span_sums(moves: Floats, first: int) -> Floats:
    """The sums of the last `SPAN` moves at each session from `first` on; moves[t] leads to session t + 1."""
    running = np.zeros((len(moves) + 1, moves.shape[1]))
    np.cumsum(moves, axis=0, out=running[1:])
    sums: Floats = running[first:] - running[first - SPAN : len(running) - SPAN]
    return sums


def value_order(values: Floats) -> Rows:
    """The cells of `values` (D, N) that have a value, row after row, ascending by value and then by column."""
    values = np.where(np.isfinite(values), values, np.inf)  # NaN takes four times as long to sort
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    valued = ordered < np.inf
    equal = np.zeros(values.shape, dtype=bool)
    np.equal(ordered[:, 1:], ordered[:, :-1], out=equal[:, 1:])
    equal &= valued
    tied = equal.copy()
    tied[:, :-1] |= equal[:, 1:]
    columns = order[tied]
    order[tied] = columns[np.lexsort((columns, np.cumsum(~equal[tied])))]
    order += (np.arange(len(values)) * values.shape[1])[:, None]
    cells: Rows = order[valued]
    return cells


def quintiles(order: Rows, members: Bools) -> Groups:
    """The group (D, N) of each member, 1 (lowest) to 5; MISSING for members that `order` lacks and for all others."""
    groups = np.full(members.size, MISSING, dtype=np.int16)
    order = order[members.ravel()[order]]
    count = np.diff(np.searchsorted(order, np.arange(len(members) + 1) * members.shape[1]))  # ascending by session
    bounds = -(-np.arange(GROUPS + 1) * count[:, None] // GROUPS)
    groups[order] = np.repeat(np.tile(np.arange(1, GROUPS + 1), len(members)), np.diff(bounds, axis=1).ravel())
    return groups.reshape(members.shape)


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of D sessions. number (D, N): that of each member's finest cell, 1 and more, so that those of a coarser
    one follow each other; MISSING for all others. order (D, N): the instruments by number; begin (D, C): where each
    number begins in `order`."""

    number: Groups
    order: Rows
    begin: Rows

    @classmethod
    def of(cls, traits: Traits, rows: Rows, members: Sequence[Bools]) -> list[Cells]:
        """The cells on the sessions `rows` (K,) of each of `members`, (K, N) each."""
        parts: list[list[Cells]] = [[] for _ in members]
        for low in range(0, len(rows), ROWS):
            orders = traits.orders(rows[low : low + ROWS])
            for cells, inside in zip(parts, members, strict=True):
                cells.append(cls._of_sessions(orders, inside[low : low + ROWS]))
        return [
            cls(*(np.concatenate([getattr(part, name) for part in cells]) for name in ("number", "order", "begin")))
            for cells in parts
        ]

    @classmethod
    def _of_sessions(cls, orders: Sequence[Rows], members: Bools) -> Cells:
        """By size x volatility x return, the `orders` of these traits."""
        number = np.zeros(members.shape, dtype=np.int16)
        for order in orders:
            number = number * np.int16(SIDE) + quintiles(order, members)
        number = np.where(members, number + np.int16(1), np.int16(MISSING))
        keys = number + np.arange(len(members))[:, None] * (SIDE**3 + 1)
        counts = np.bincount(keys.ravel(), minlength=len(members) * (SIDE**3 + 1)).reshape(len(members), -1)
        begin = np.cumsum(np.pad(counts, ((0, 0), (1, 0))), axis=1)
        return cls(number, np.argsort(number, axis=1, kind="stable"), begin)

    def ranges(self, row: Rows, column: Rows) -> tuple[Rows, Rows]:
        """From where to where in `order[row]` the instruments lie that each of `column` (P,) is matched with: those of
        its finest cell with at least `FEWEST`, else everybody."""
        number = self.number[row, column] - 1
        low, high = self.begin[row, 1], self.begin[row, -1]
        for size in (SIDE**2, SIDE, 1):
            first = np.maximum(number, 0) // size * size + 1
            begin, end = self.begin[row, first], self.begin[row, first + size]
            enough = (number >= 0) & (end - begin >= FEWEST)
            low, high = np.where(enough, begin, low), np.where(enough, end, high)
        return low, high
