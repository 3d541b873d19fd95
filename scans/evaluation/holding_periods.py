"""From which session to which a pick is held (scanner definitions, section 7, revision 2).

Entry: the first of the five sessions after the pick on which the open can be bought. Exit: the close of the h-th
session held, the entry session being the first; where that close cannot be sold the next one that can, at most `LATE`
sessions on. An instrument that has left the market exits at its last traded close.

Choices where the definitions are silent
- A pick is locked where one of the five sessions traded and none could be bought, untraded where none traded; where the
  record ends before the five are over it is pending.
- An instrument has left when it has no bar, not even one without volume, from some session to the end of the record.
- A close that cannot be sold within `LATE` sessions leaves the holding open: nothing says at what price it would end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketdata.panel import Bools
from scans.evaluation.prices import Rows
from scans.evaluation.tradability import Tradability

WAIT = 5
LATE = 60
LOCKED, UNTRADED, PENDING = -1, -2, -3
"""In place of an entry's row."""
NO_EXIT = -1


@dataclass(frozen=True, slots=True)
class PickSet:
    """Picks, (P,) each: rows and columns of `Prices`."""

    day: Rows
    column: Rows

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True)
class HoldingPeriods:
    """The periods of P picks over H horizons (in sessions, ascending). entry (P,) row or LOCKED, UNTRADED, PENDING;
    exit (P, H) row or NO_EXIT; late (P, H): later than planned."""

    horizons: tuple[int, ...]
    entry: Rows
    exit: Rows
    late: Bools


def holding_periods(
    picks: PickSet, horizons: tuple[int, ...], tradability: Tradability, traded: Bools, last_bar: Rows
) -> HoldingPeriods:
    """The holding periods of `picks`. `traded` (T, N); `last_bar` (N,) the row of each instrument's last bar of any
    kind."""
    sessions = len(traded)
    entry = _entries(picks, tradability, traded)
    bought = entry >= 0
    column = picks.column[:, None]
    planned = entry[:, None] + np.array(horizons) - 1
    inside = bought[:, None] & (planned < sessions)
    at = np.clip(planned, 0, sessions - 1)
    sold = _next_row(tradability.sellable)[at, column]
    limit = np.minimum(planned + LATE, sessions - 1)
    closed = inside & (sold <= limit)
    ended = last_bar[column]
    left = bought[:, None] & ~closed & (ended < sessions - 1) & (limit >= ended)
    last_trade = _last_row(traded)[-1][column]
    exits = np.where(closed, sold, np.where(left, last_trade, NO_EXIT))
    return HoldingPeriods(horizons, entry, exits, closed & (sold > planned))


def _entries(picks: PickSet, tradability: Tradability, traded: Bools) -> Rows:
    last = len(traded) - 1
    ahead = picks.day[:, None] + np.arange(1, WAIT + 1)
    inside = ahead <= last
    cell = np.minimum(ahead, last), picks.column[:, None]
    can = tradability.buyable[cell] & inside
    trades = (traded[cell] & inside).any(axis=1)
    missed = np.where(inside[:, -1], np.where(trades, LOCKED, UNTRADED), PENDING)
    entries: Rows = np.where(can.any(axis=1), picks.day + 1 + can.argmax(axis=1), missed).astype(np.intp)
    return entries


def _next_row(allowed: Bools) -> Rows:
    """(T, N): the first row from each on where `allowed`; T where there is none."""
    rows = np.where(allowed, np.arange(len(allowed))[:, None], len(allowed))
    first: Rows = np.minimum.accumulate(rows[::-1], axis=0)[::-1]
    return first


def _last_row(allowed: Bools) -> Rows:
    """(T, N): the last row up to each where `allowed`; -1 where there is none."""
    rows = np.where(allowed, np.arange(len(allowed))[:, None], -1)
    last: Rows = np.maximum.accumulate(rows, axis=0)
    return last
