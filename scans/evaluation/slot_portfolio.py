"""A portfolio of equal slots that trades the picks of a version.

1. On each session the orders of the session before fill at the open, the best rank first, while a slot is free and the
   name is not in the portfolio. An order is the equity of the last close divided by the slots, at most the pick's
   `limit` (a share of its turnover) and at most the cash. A slot that is sold on a session is free from the next on.
2. A position is sold where its trade ends (`trade_lifecycle`), at that price.
3. The equity is the cash and all positions at the close.

Costs of a round trip are a share of the order: half is paid at the entry, half at the exit. Amounts are money, so
orders may hold fractions of a share.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Floats
from scans.evaluation.prices import Rows

BOUGHT, FULL, IN_PORTFOLIO, NO_CASH = range(4)
REASONS = ("bought", "full", "in_portfolio", "no_cash")


@dataclass(frozen=True, slots=True)
class Trades:
    """Q possible trades in the order of preference within a session. entered and left: rows of the prices, left -1 for
    one that has not ended; prices adjusted; costs of the round trip, a share; limit of the order in currency."""

    column: Rows
    entered: Rows
    entry: Floats
    left: Rows
    exit: Floats
    costs: Floats
    limit: Floats

    def __len__(self) -> int:
        return len(self.column)


@dataclass(frozen=True, slots=True)
class SlotPortfolio:
    """equity and invested (T,) at each close, in currency; positions (T,) at each close; reason (Q,) into `REASONS`;
    order (Q,): the money spent on each trade, 0 for those not made; paid: all costs."""

    equity: Floats
    invested: Floats
    positions: Rows
    reason: NDArray[np.int8]
    order: Floats
    paid: float


def trade_slots(close: Floats, trades: Trades, *, slots: int, capital: float) -> SlotPortfolio:
    """The portfolio over the sessions of `close` (T, N), adjusted."""
    entering = _by_row(trades.entered, range(len(trades)))
    reason = np.full(len(trades), BOUGHT, dtype=np.int8)
    order = np.zeros(len(trades))
    equity, invested = np.zeros((2, len(close)))
    positions = np.zeros(len(close), dtype=np.intp)
    cash, value, paid = capital, capital, 0.0
    own: dict[int, int] = {}
    for row in range(len(close)):
        for trade in entering.get(row, []):
            reason[trade], amount = _order(trades, trade, own, slots, value, cash)
            if reason[trade] == BOUGHT:
                own[int(trades.column[trade])], order[trade] = trade, amount
                cost = amount * float(trades.costs[trade]) / 2
                cash, paid = cash - amount - cost, paid + cost
        for trade in [trade for trade in own.values() if trades.left[trade] == row]:
            del own[int(trades.column[trade])]
            cost = float(order[trade] * trades.costs[trade]) / 2
            cash += float(order[trade] * trades.exit[trade] / trades.entry[trade]) - cost
            paid += cost
        open_trades = np.array(list(own.values()), dtype=np.intp)
        worth = order[open_trades] * close[row, trades.column[open_trades]] / trades.entry[open_trades]
        invested[row], positions[row] = worth.sum(), len(own)
        equity[row] = value = cash + float(invested[row])
    return SlotPortfolio(equity, invested, positions, reason, order, paid)


def _by_row(rows: Rows, trades: Iterable[int]) -> dict[int, list[int]]:
    """Row -> its trades."""
    result: dict[int, list[int]] = {}
    for trade in trades:
        result.setdefault(int(rows[trade]), []).append(trade)
    return result


def _order(trades: Trades, trade: int, own: dict[int, int], slots: int, value: float, cash: float) -> tuple[int, float]:
    """The reason and the amount of an order."""
    if int(trades.column[trade]) in own:
        return IN_PORTFOLIO, 0.0
    if len(own) >= slots:
        return FULL, 0.0
    affordable = cash / (1 + float(trades.costs[trade]) / 2)
    amount = min(value / slots, float(trades.limit[trade]), affordable)
    return (BOUGHT, amount) if amount > 0 else (NO_CASH, 0.0)
