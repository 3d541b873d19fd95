"""Instruments like a pick, by size, volatility and return (scanner definitions, section 7, revision 2).

A screen for momentum holds small, jumpy shares that have risen, and such shares have a return of their own. Beside the
market, a pick is compared with the mean of the eligible in its cell of 5 sizes x 5 volatilities x 5 returns of that
day; where a cell has fewer than `FEWEST` members the return is left out, then the volatility, then the size.

Choices where the definitions are silent: members are ordered by value, then by code, and cut into five by place; those
without a value (younger than 60 sessions, no market cap) are a group of their own. Volatility is the standard deviation
of the last 60 daily returns.
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
MISSING = -1

Groups = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Traits:
    """What instruments are matched by on each of D sessions, (D, N) each: market cap in currency, volatility and return
    of the last 60 sessions as fractions; NaN where unknown."""

    cap: Floats
    volatility: Floats
    momentum: Floats

    def orders(self, row: int) -> tuple[Rows, ...]:
        """The instruments that have a value on the session `row`, ascending by value and then by column, for each
        trait."""
        return tuple(_order(values[row]) for values in (self.cap, self.volatility, self.momentum))


def traits(close: Floats, cap: Floats, first: int, days: int) -> Traits:
    """The traits on `days` sessions from row `first` of `close` (T, N, adjusted and filled) on; cap (days, N); NaN
    where fewer than `SPAN` sessions lie before. Sums over `SPAN` sessions are differences of running sums: exactly 0
    where nothing moves in between."""
    close = close[: first + days]
    volatility, momentum = np.full((2, days, close.shape[1]), np.nan)
    begin = max(first, SPAN)
    if begin < len(close):
        with np.errstate(invalid="ignore", divide="ignore"):
            momentum[begin - first :] = close[begin:] / close[begin - SPAN : -SPAN] - 1
            moves = close[1:] / close[:-1] - 1
        moves[~np.isfinite(moves)] = 0.0
        mean = _span_sums(moves, begin) / SPAN
        variance = _span_sums(moves * moves, begin) / SPAN - mean * mean
        volatility[begin - first :] = np.sqrt(np.maximum(variance, 0.0))
        volatility[np.isnan(momentum)] = np.nan
    return Traits(cap, volatility, momentum)


def _span_sums(moves: Floats, first: int) -> Floats:
    """The sums of the last `SPAN` moves at each session from `first` on; moves[t] leads to session t + 1."""
    running = np.zeros((len(moves) + 1, moves.shape[1]))
    np.cumsum(moves, axis=0, out=running[1:])
    sums: Floats = running[first:] - running[first - SPAN : len(running) - SPAN]
    return sums


def _order(values: Floats) -> Rows:
    valued = np.flatnonzero(np.isfinite(values))
    some = values[valued]
    order = np.argsort(some)
    ordered = some[order]
    if (ordered[1:] == ordered[:-1]).any():  # ties: the slower sort keeps the order of columns
        order = np.argsort(some, kind="stable")
    return valued[order]


def quintiles(order: Rows, members: Bools) -> Groups:
    """The group (N,) of each member, 0 (lowest) to 4; MISSING for members that `order` lacks and for all others."""
    groups = np.full(len(members), MISSING)
    order = order[members[order]]
    groups[order] = np.arange(len(order)) * GROUPS // max(len(order), 1)
    return groups


def matching_cells(orders: Sequence[Rows], members: Bools) -> list[Groups]:
    """The cells of one session, finest first, each as a number per instrument (N,), MISSING where it is no member:
    size x volatility x return, size x volatility, size, everybody."""
    groups = [quintiles(order, members) for order in orders]
    cells = []
    for depth in (3, 2, 1, 0):
        number = np.zeros(len(members), dtype=np.int64)
        for group in groups[:depth]:
            number = number * (GROUPS + 1) + group + 1
        cells.append(np.where(members, number, MISSING))
    return cells


def cell_depths(cells: list[Groups], columns: Rows) -> Rows:
    """(P,): which of `cells` holds the members that each instrument of `columns` (P,) is matched with: the finest in
    which its cell has at least `FEWEST`, else the coarsest."""
    depth = np.full(len(columns), len(cells) - 1)
    for n in reversed(range(len(cells) - 1)):
        own = cells[n][columns]
        enough = np.bincount(cells[n] + 1)[own + 1] >= FEWEST
        depth[enough] = n
    return depth
