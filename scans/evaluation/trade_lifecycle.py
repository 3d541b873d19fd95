"""The life of a pick that has a plan: when it was entered, and which of target, stop and holding limit ended it.

Derived from bars alone, so catching up after a missed day, or a backfill, gives the same history.

1. Entry: at the open of the next session it trades on, within `WAIT` sessions; a buy stop instead when a high reaches
   it, at the stop or at the open above it, within `WAIT_STOP` sessions. Neither: the pick lapses.
2. From then on, each session it trades: an open at or through a level fills there; else a low at the stop fills at the
   stop, also where the high reached the target in the same bar; else a high at the target fills at the target.
3. On the last session of the holding limit (the entry session is the first), or the first after it that it trades on,
   what is still held expires at the close.

Where the definitions are silent: levels count on the entry session too, but not where a buy stop was filled inside a
bar (its low may have come before); a lapsed pick had no position; a suspected corporate action while it waits or is
held ends it without a price, since its levels mean nothing any more. Levels meet by the ties rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Floats
from scans.evaluation.prices import Prices
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
    """What became of P picks: status into `STATUSES`; rows of entry and exit, -1 where there is none yet; prices
    adjusted, NaN likewise; held: sessions since the entry, that one counted."""

    status: NDArray[np.int8]
    entered: Rows
    entry: Floats
    left: Rows
    exit: Floats
    held: NDArray[np.int64]


def follow_plans(prices: Prices, plans: Plans) -> Lifecycles:
    """Follow every pick through the bars of `prices`, to their end."""
    count, sessions = len(plans.row), len(prices.sessions)
    lives = Lifecycles(
        status=np.full(count, WAITING, dtype=np.int8),
        entered=np.full(count, -1, dtype=np.intp),
        entry=np.full(count, np.nan),
        left=np.full(count, -1, dtype=np.intp),
        exit=np.full(count, np.nan),
        held=np.zeros(count, dtype=np.int64),
    )
    alive = np.arange(count)
    for step in range(1, sessions):
        alive = alive[(lives.status[alive] <= OPEN) & (plans.row[alive] + step < sessions)]
        if not len(alive):
            break
        _session(prices, plans, lives, alive, step)
    return lives


def _session(prices: Prices, plans: Plans, lives: Lifecycles, who: Rows, step: int) -> None:
    """One session, `step` after their own, of the picks `who`, all still waiting or open."""
    row, column = plans.row[who] + step, plans.column[who]
    acted = prices.actions[row, column] != prices.actions[plans.row[who], column]
    _leave(lives, who[acted], row[acted], SUSPECT, np.nan)
    who, row, column = who[~acted], row[~acted], column[~acted]

    traded = prices.traded[row, column]
    waiting = lives.status[who] == WAITING
    inside = _enter(prices, plans, lives, who[waiting & traded], row[waiting & traded])
    stops = np.isfinite(plans.entry[who])
    late = (lives.status[who] == WAITING) & (step >= np.where(stops, WAIT_STOP, WAIT))
    lives.status[who[late]] = LAPSED

    holding = lives.status[who] == OPEN
    who, row, traded = who[holding], row[holding], traded[holding]
    lives.held[who] = row - lives.entered[who] + 1
    exposed = traded & ~np.isin(who, inside)
    _levels(prices, plans, lives, who[exposed], row[exposed])
    still = traded & (lives.status[who] == OPEN)
    limit = plans.holding_max[who]
    over = still & (limit > 0) & (lives.held[who] >= limit)
    _leave(lives, who[over], row[over], EXPIRED, prices.close[row[over], plans.column[who[over]]])


def _enter(prices: Prices, plans: Plans, lives: Lifecycles, who: Rows, row: Rows) -> Rows:
    """Enter those that wait and trade; gives those whose buy stop was filled inside the bar."""
    column = plans.column[who]
    opened, high, trigger = prices.open[row, column], prices.high[row, column], plans.entry[who]
    at_once = np.isnan(trigger) | at_least(opened, trigger)
    inside = ~at_once & at_least(high, trigger)
    filled = at_once | inside
    lives.status[who[filled]] = OPEN
    lives.entered[who[filled]] = row[filled]
    lives.entry[who[filled]] = np.where(at_once, opened, trigger)[filled]
    return who[inside]


def _levels(prices: Prices, plans: Plans, lives: Lifecycles, who: Rows, row: Rows) -> None:
    column = plans.column[who]
    opened, high, low = (field[row, column] for field in (prices.open, prices.high, prices.low))
    stop, target = plans.stop[who], plans.target[who]
    gap_down, gap_up = at_least(stop, opened), at_least(opened, target)
    stopped = gap_down | (~gap_up & at_least(stop, low))
    reached = ~stopped & (gap_up | at_least(high, target))
    price = np.where(gap_down | gap_up, opened, np.where(stopped, stop, target))
    for hit, status in ((stopped, STOP), (reached, TARGET)):
        _leave(lives, who[hit], row[hit], status, price[hit])


def _leave(lives: Lifecycles, who: Rows, row: Rows, status: int, price: Floats | float) -> None:
    lives.status[who], lives.left[who], lives.exit[who] = status, row, price
