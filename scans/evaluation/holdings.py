"""Holdings of picks (scanner definitions, section 7): bought at an open after the scan, sold at a later close.

1. `enter`: the first of the five sessions after the pick on which the instrument trades; its open is paid. The close at
   which the scan was made is never an entry.
2. `follow`: the bars from there on, up to the longest requested horizon.
3. `hold`: the holdings over one horizon: their state and their returns.

Choices where the definitions are silent
- Sessions t+1 .. t+5 without a trade drop the pick; where the record ends before t+5 it is open.
- A horizon that ends past the record is open even where the instrument was delisted before.
- A holding spans a suspected action on s where entry < s <= exit; open goes before unjudged.
- A session without a trade holds at the last traded close (adjusted), so a delisting exits there.
- `costs` is the share of a round trip, taken off each return; a hit is a return above 0 after costs.
- Each pick is a holding of its own: picked on two sessions in a row, an instrument has two holdings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.evaluation.prices import Prices, Rows
from scans.kernels.compare import above

WAIT = 5
DROPPED, PENDING = -1, -2
"""In place of an entry's row: nothing traded within `WAIT` sessions; the record ends before they are over."""

JUDGED, OPEN, UNJUDGED, NEVER = range(4)
"""States of a holding; NEVER: the pick was dropped."""

BLOCK = 8192


@dataclass(frozen=True, slots=True)
class PickSet:
    """Picks of one version, (P,) each: rows and columns of `Prices`, sessions ascending."""

    day: Rows
    column: Rows

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True)
class Paths:
    """The picks from their entry on.

    entry (P,) row of `Prices`, or DROPPED or PENDING; horizons ascending (H,); final, peak, trough (P, H): close at the
    end, highest high and lowest low so far, as shares of the price paid; step (P, longest) returns of each session
    of the holding (the first from open to close). Values that lie past the record are NaN.
    """

    picks: PickSet
    sessions: int
    horizons: tuple[int, ...]
    entry: Rows
    paid: Floats
    final: Floats
    peak: Floats
    trough: Floats
    step: Floats
    clean: Bools


@dataclass(frozen=True, slots=True)
class Holdings:
    """The picks over one horizon, (P,) each; the floats are fractions and NaN where a holding was not judged.

    exit: row of `Prices`, -1 where there is none; gross and net: before and after costs; best and worst: excursions
    over the holding's highs and lows; hit: net return above 0.
    """

    horizon: int
    costs: float
    day: Rows
    column: Rows
    state: NDArray[np.int8]
    entry: Rows
    exit: Rows
    gross: Floats
    net: Floats
    best: Floats
    worst: Floats
    hit: Bools
    step: Floats

    @property
    def judged(self) -> Bools:
        """(P,): the holdings that have a return."""
        mask: Bools = self.state == JUDGED
        return mask


def enter(prices: Prices, picks: PickSet) -> Rows:
    """The row on which each pick is bought, (P,), else DROPPED or PENDING."""
    last = len(prices.sessions) - 1
    ahead = picks.day[:, None] + np.arange(1, WAIT + 1)
    inside = ahead <= last
    trades = prices.traded[np.minimum(ahead, last), picks.column[:, None]] & inside
    bought = picks.day + 1 + trades.argmax(axis=1)
    missed = np.where(inside[:, -1], DROPPED, PENDING)
    return np.where(trades.any(axis=1), bought, missed).astype(np.intp)


def follow(prices: Prices, picks: PickSet, horizons: tuple[int, ...]) -> Paths:
    """The picks from their entry on, for `horizons` in sessions, each above 0."""
    horizons = tuple(sorted(set(horizons)))
    entry = enter(prices, picks)
    shape = (len(picks), len(horizons))
    paths = Paths(
        picks=picks,
        sessions=len(prices.sessions),
        horizons=horizons,
        entry=entry,
        paid=np.full(len(picks), np.nan),
        final=np.full(shape, np.nan),
        peak=np.full(shape, np.nan),
        trough=np.full(shape, np.nan),
        step=np.full((len(picks), horizons[-1]), np.nan),
        clean=np.zeros(shape, dtype=bool),
    )
    bought = np.flatnonzero(entry >= 0)
    for low in range(0, len(bought), BLOCK):
        _follow(prices, paths, bought[low : low + BLOCK])
    return paths


def _follow(prices: Prices, paths: Paths, some: Rows) -> None:
    """Fill `paths` for the picks `some`, all of which were bought."""
    sessions, instruments = prices.close.shape
    entry, column = paths.entry[some], paths.picks.column[some]
    ends = np.array(paths.horizons) - 1
    row = entry[:, None] + np.arange(paths.horizons[-1])
    past = row >= sessions
    cell = np.minimum(row, sessions - 1) * instruments + column[:, None]
    opened = prices.open[entry, column]
    paths.paid[some] = opened
    close = np.take(prices.close, cell)
    close[past] = np.nan
    before = np.concatenate([opened[:, None], close[:, :-1]], axis=1)
    paths.step[some] = close / before - 1
    paths.final[some] = close[:, ends] / opened[:, None]
    for field, kept, gather in (
        (prices.high, paths.peak, np.maximum),
        (prices.low, paths.trough, np.minimum),
    ):
        reached = gather.accumulate(np.take(field, cell), axis=1)[:, ends] / opened[:, None]
        reached[past[:, ends]] = np.nan
        kept[some] = reached
    counted = np.take(prices.actions, cell[:, ends])
    paths.clean[some] = counted == np.take(prices.actions, cell[:, :1])


def hold(paths: Paths, horizon: int, *, costs: float = 0.0) -> Holdings:
    """The picks over `horizon`, one of those followed. `costs` is the share of a round trip."""
    at = paths.horizons.index(horizon)
    bought = paths.entry >= 0
    last = paths.entry + horizon - 1
    closed = bought & (last < paths.sessions)
    state = np.select([paths.entry == DROPPED, ~closed, ~paths.clean[:, at]], [NEVER, OPEN, UNJUDGED], JUDGED).astype(
        np.int8
    )
    judged = state == JUDGED
    final = np.where(judged, paths.final[:, at], np.nan)
    return Holdings(
        horizon=horizon,
        costs=costs,
        day=paths.picks.day,
        column=paths.picks.column,
        state=state,
        entry=paths.entry,
        exit=np.where(closed, last, -1),
        gross=final - 1,
        net=final - 1 - costs,
        best=np.where(judged, paths.peak[:, at] - 1, np.nan),
        worst=np.where(judged, paths.trough[:, at] - 1, np.nan),
        hit=above(final, 1 + costs),
        step=paths.step[:, :horizon],
    )
