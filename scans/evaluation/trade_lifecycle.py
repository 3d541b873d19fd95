"""The life cycle of a pick with a plan: its entry, and its end by target, stop or holding limit.

Derived from bars alone, so catching up after a missed day, or a backfill, gives the same history.

1. Entry: at the open of the next session on which it can be bought, within `WAIT` sessions; a buy stop instead when a
   high reaches it, at the stop or at the open above it, within `WAIT_STOP` sessions. Neither: the pick lapses. So it
   does where that open lies at or through the target or the stop.
2. From then on, each session on which it can be sold: an open at or through a level fills there; else a low at the stop
   fills at the stop, also where the high reached the target in the same bar; else a high at the target fills at the
   target.
3. Of the bar inside which a buy stop was filled the close alone is later for certain: at or beyond the stop it exits at
   the stop. A low at or beyond the stop may be earlier or later; the stop is then a bound of the exit.
4. On the last session of the holding limit (the entry session is the first), or the first after it on which it can be
   sold, an open position expires at the close.

Without `Tradability` (signals of revisions 1 and 2) what trades can be bought and sold, no open lapses, and of a bar
inside which a buy stop was filled nothing counts.

Choices where the definitions are silent: levels count on the session of an entry at the open; of a bar inside which a
buy stop was filled the high does not count; a lapsed pick had no position; on a session that cannot be sold nothing
fills, and a stop reached on it counts only where the next one that can be sold reaches it too; a suspected corporate
action before the entry or after it ends the pick without a price, since its levels mean nothing any more. Levels meet
by the ties rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.evaluation.prices import Prices
from scans.evaluation.tradability import Tradability
from scans.kernels.compare import at_least

WAIT, WAIT_STOP = 5, 20

STATUSES = ("waiting", "open", "target", "stop", "expired", "lapsed", "suspect")
WAITING, OPEN, TARGET, STOP, EXPIRED, LAPSED, SUSPECT = range(7)

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Plans:
    """P picks: `row` and `column` of the session they were made on; entry (a buy stop, NaN: the next open), target and
    stop, all in the adjusted prices of `Prices`, NaN for none; holding_max in sessions, 0 for no limit."""

    row: Rows
    column: Rows
    entry: Floats
    target: Floats
    stop: Floats
    holding_max: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lifecycles:
    """The life cycles of P picks: status into `STATUSES`; rows of entry and exit, -1 where there is none yet; prices
    adjusted, NaN likewise; holding: sessions since the entry, that one counted; bound: the stop of a pick whose entry
    bar may have reached it after the fill, NaN for others."""

    status: NDArray[np.int8]
    entered: Rows
    entry: Floats
    left: Rows
    exit: Floats
    holding: NDArray[np.int64]
    bound: Floats


@dataclass(frozen=True, slots=True)
class _Fills:
    """(T, N) each: the session can be bought, can be sold. `is_exact`: the rules beyond those of revision 2 apply."""

    buyable: Bools
    sellable: Bools
    is_exact: bool


def follow_plans(prices: Prices, plans: Plans, tradability: Tradability | None = None) -> Lifecycles:
    """Follow every pick through the bars of `prices`, to their end; without `tradability` as in revisions 1 and 2."""
    if tradability is None:
        fills = _Fills(prices.traded, prices.traded, is_exact=False)
    else:
        fills = _Fills(tradability.buyable, tradability.sellable, is_exact=True)
    count, sessions = len(plans.row), len(prices.sessions)
    lives = Lifecycles(
        status=np.full(count, WAITING, dtype=np.int8),
        entered=np.full(count, -1, dtype=np.intp),
        entry=np.full(count, np.nan),
        left=np.full(count, -1, dtype=np.intp),
        exit=np.full(count, np.nan),
        holding=np.zeros(count, dtype=np.int64),
        bound=np.full(count, np.nan),
    )
    alive = np.arange(count)
    for step in range(1, sessions):
        alive = alive[(lives.status[alive] <= OPEN) & (plans.row[alive] + step < sessions)]
        if not len(alive):
            break
        _session(prices, plans, lives, fills, alive, step)
    return lives


def _session(prices: Prices, plans: Plans, lives: Lifecycles, fills: _Fills, picks: Rows, step: int) -> None:
    """The session `step` after their own for `picks`, all still waiting or open."""
    row, column = plans.row[picks] + step, plans.column[picks]
    acted = prices.actions[row, column] != prices.actions[plans.row[picks], column]
    _leave(lives, picks[acted], row[acted], SUSPECT, np.nan)
    picks, row, column = picks[~acted], row[~acted], column[~acted]

    buying = (lives.status[picks] == WAITING) & fills.buyable[row, column]
    inside = _enter(prices, plans, lives, picks[buying], row[buying], is_exact=fills.is_exact)
    stops = np.isfinite(plans.entry[picks])
    late = (lives.status[picks] == WAITING) & (step >= np.where(stops, WAIT_STOP, WAIT))
    lives.status[picks[late]] = LAPSED

    holding = lives.status[picks] == OPEN
    picks, row, column = picks[holding], row[holding], column[holding]
    lives.holding[picks] = row - lives.entered[picks] + 1
    sellable, new = fills.sellable[row, column], np.isin(picks, inside)
    exposed = sellable & ~new
    _levels(prices, plans, lives, picks[exposed], row[exposed])
    if fills.is_exact:
        _entry_bar(prices, plans, lives, picks[new], row[new])
    still = sellable & (lives.status[picks] == OPEN)
    limit = plans.holding_max[picks]
    over = still & (limit > 0) & (lives.holding[picks] >= limit)
    _leave(lives, picks[over], row[over], EXPIRED, prices.close[row[over], plans.column[picks[over]]])


def _enter(prices: Prices, plans: Plans, lives: Lifecycles, picks: Rows, row: Rows, *, is_exact: bool) -> Rows:
    """Enters the picks that wait and can be bought; returns the picks whose buy stop was filled inside the bar."""
    column = plans.column[picks]
    opened, high, trigger = prices.open[row, column], prices.high[row, column], plans.entry[picks]
    at_once = np.isnan(trigger) | at_least(opened, trigger)
    inside = ~at_once & at_least(high, trigger)
    if is_exact:
        through = at_once & (at_least(opened, plans.target[picks]) | at_least(plans.stop[picks], opened))
        lives.status[picks[through]] = LAPSED
        at_once &= ~through
    filled = at_once | inside
    lives.status[picks[filled]] = OPEN
    lives.entered[picks[filled]] = row[filled]
    lives.entry[picks[filled]] = np.where(at_once, opened, trigger)[filled]
    return picks[inside]


def _entry_bar(prices: Prices, plans: Plans, lives: Lifecycles, picks: Rows, row: Rows) -> None:
    """The bars inside which a buy stop was filled."""
    stop, column = plans.stop[picks], plans.column[picks]
    stopped = at_least(stop, prices.close[row, column])
    reached = ~stopped & at_least(stop, prices.low[row, column])
    _leave(lives, picks[stopped], row[stopped], STOP, stop[stopped])
    lives.bound[picks[reached]] = stop[reached]


def _levels(prices: Prices, plans: Plans, lives: Lifecycles, picks: Rows, row: Rows) -> None:
    column = plans.column[picks]
    opened, high, low = (field[row, column] for field in (prices.open, prices.high, prices.low))
    stop, target = plans.stop[picks], plans.target[picks]
    gap_down, gap_up = at_least(stop, opened), at_least(opened, target)
    stopped = gap_down | (~gap_up & at_least(stop, low))
    reached = ~stopped & (gap_up | at_least(high, target))
    price = np.where(gap_down | gap_up, opened, np.where(stopped, stop, target))
    for hit, status in ((stopped, STOP), (reached, TARGET)):
        _leave(lives, picks[hit], row[hit], status, price[hit])


def _leave(lives: Lifecycles, picks: Rows, row: Rows, status: int, price: Floats | float) -> None:
    lives.status[picks], lives.left[picks], lives.exit[picks] = status, row, price
