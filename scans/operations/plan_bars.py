"""The bars and the plans of recorded picks, from which their trades follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marketdata.panel import Floats, Panel
from marketdata.queries.window import open_window
from marketdata.record import Days, Record
from scans.evaluation.prices import Prices, price_arrays
from scans.evaluation.tradability import Tradability, daily_bars, tradability
from scans.evaluation.trade_lifecycle import Plans
from scans.models import ScanRank
from scans.queries.order_prices import pick_order_prices


@dataclass(frozen=True, slots=True)
class PlanBars:
    """Prices over sessions, the raw closes (T, N), what could be bought and sold, and the panel they are of."""

    prices: Prices
    raw: Floats
    fills: Tradability
    panel: Panel


def read_plan_bars(record: Record, days: Days, *, amounts: int = 0, hindsight: bool = False) -> PlanBars:
    """The bars of the sessions `days`; the panel has the turnover of so many sessions more (`amounts`). With
    `hindsight` the moves of a liquidation are returns, which later sessions alone can show."""
    window = open_window(record, days, 253)
    fields = dict.fromkeys(("open", "high", "low", "close", "volume", "raw_close", "market_cap"), 0)
    if amounts:
        fields["amount"] = amounts
    panel, suspicions = window.read_with_suspicions(fields, threads=2)
    is_limited = record.market.suspect_move is not None
    fills = tradability(daily_bars(panel), limited=is_limited, hindsight=hindsight)
    prices = price_arrays(panel, suspicions, fills.liquidation)
    return PlanBars(prices, panel.tail("raw_close", 0), fills, panel)


def pick_plans(ranks: Sequence[ScanRank], revision: int, bars: PlanBars) -> Plans:
    """The plans of `ranks` by a revision of the signals' rules."""
    prices = bars.prices
    row = np.searchsorted(prices.sessions, np.array([rank.date for rank in ranks], dtype="datetime64[D]"))
    column = prices.columns(np.array([rank.code for rank in ranks]), row)
    scale = prices.close[row, column] / bars.raw[row, column]
    orders = [pick_order_prices(rank) if revision > 1 else None for rank in ranks]

    def level(name: str, *, exact: bool = False) -> Floats:
        values = []
        for rank, order in zip(ranks, orders, strict=True):
            price = getattr(rank, name) if order is None or exact else order[name]
            values.append(np.nan if price is None else price)
        levels: Floats = scale * np.array(values)
        return levels

    return Plans(
        row=row,
        column=column,
        entry=level("entry", exact=revision < 3),
        target=level("target"),
        stop=level("stop"),
        holding_max=np.array([rank.holding_max for rank in ranks], dtype=np.int64),
    )
