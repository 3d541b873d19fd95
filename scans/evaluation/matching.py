"""Instruments like a pick, by size, volatility and return (scanner definitions, section 7, revision 2).

A screen for momentum holds small, jumpy shares that have risen, and such shares have a return of their own. Beside the
market, a pick is compared with the mean of the eligible in its cell of 5 sizes x 5 volatilities x 5 returns of that
day; where a cell has fewer than `FEWEST` members the return is left out, then the volatility, then the size.

Choices where the definitions are silent: members are ordered by value, then by code, and cut into five by place; those
without a value (younger than 60 sessions, no market cap) are a group of their own. Volatility is the standard deviation
of the last 60 daily returns.
"""

from __future__ import annotations

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


def traits(close: Floats, cap: Floats, rows: Rows) -> Traits:
    """The traits on the sessions `rows` (D,) of `close` (T, N, adjusted and filled) and `cap` (T, N); NaN where fewer
    than `SPAN` sessions lie before."""
    shape = len(rows), close.shape[1]
    volatility, momentum = np.full(shape, np.nan), np.full(shape, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        move = close[1:] / close[:-1] - 1
        for n, row in enumerate(rows.tolist()):
            if row >= SPAN:
                volatility[n] = move[row - SPAN : row].std(axis=0)
                momentum[n] = close[row] / close[row - SPAN] - 1
    return Traits(cap[rows], volatility, momentum)


def quintiles(values: Floats, members: Bools) -> Groups:
    """The group (N,) of each member, 0 (lowest) to 4; MISSING for members without a value and for all others."""
    groups = np.full(len(values), MISSING)
    valued = np.flatnonzero(members & np.isfinite(values))
    order = valued[np.argsort(values[valued], kind="stable")]
    groups[order] = np.arange(len(order)) * GROUPS // max(len(order), 1)
    return groups


def matching_cells(day: Traits, row: int, members: Bools) -> list[Groups]:
    """The cells of one session, finest first, each as a number per instrument (N,), MISSING where it is no member:
    size x volatility x return, size x volatility, size, everybody."""
    groups = [quintiles(values[row], members) for values in (day.cap, day.volatility, day.momentum)]
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
