"""The order prices of a plan: its exact levels on the tick grid of the market, shown beside them.

A plan is kept exact, in the raw currency of the pick's session; nothing recorded and no digest depends on order prices.
The grid is that of the pick's session.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Protocol

from marketdata import ticks
from marketdata.queries.tick_sizes import get_order_grid
from marketdata.ticks import LEVELS

COLUMNS = tuple(f"order_{name}" for name in LEVELS)
"""The names of order prices in a flat row."""

OrderPrices = dict[str, float | None]


class Pick(Protocol):
    """A pick with a plan: a rank."""

    market: str
    date: date
    code: str
    segment: str
    close: float
    entry: float | None
    target: float | None
    stop: float | None


def order_prices(
    plan: Mapping[str, Any], *, market: str, session: date, segment: str, code: str = "", close: float | None = None
) -> OrderPrices | None:
    """`LEVELS` of a plan as order prices, a level that the plan lacks as None; None where the market has no tick grid
    on that session (`ticks.missing_grid_reason` says why). `code` and `close`: the instrument and its price, for the
    tick that its exchange gives."""
    grid = get_order_grid(market, session, segment, code=code, near=close)
    if grid is None:
        return None
    prices = {name: grid.order(plan[name], name) for name in LEVELS}
    return {name: None if price is None else float(price) for name, price in prices.items()}


def pick_order_prices(pick: Pick) -> OrderPrices | None:
    """The order prices of a rank."""
    plan = {"entry": pick.entry, "target": pick.target, "stop": pick.stop}
    where: dict[str, Any] = {"market": pick.market, "session": pick.date, "segment": pick.segment}
    return order_prices(plan, **where, code=pick.code, close=pick.close)


def tick_size(close: float, *, market: str, session: date, segment: str, code: str) -> float | None:
    """The tick of an instrument's band at `close`; None where the market has no tick grid on that session."""
    grid = get_order_grid(market, session, segment, code=code, near=close)
    price = ticks.to_decimal(close)
    return None if grid is None or price is None else float(grid.tick(price))


def pick_tick(pick: Pick) -> float | None:
    """The tick at the close of a rank."""
    return tick_size(pick.close, market=pick.market, session=pick.date, segment=pick.segment, code=pick.code)


def add_order_prices(rank: Mapping[str, Any], *, market: str, session: date) -> dict[str, Any]:
    """A row of an answer that is not recorded (see `answers.Answer`) with its `order` and `tick`."""
    where: dict[str, Any] = {"market": market, "session": session, "segment": rank["segment"], "code": rank["code"]}
    return {
        **rank,
        "order": order_prices(rank, **where, close=rank["close"]),
        "tick": tick_size(rank["close"], **where),
    }


def pick_plan(pick: Pick) -> dict[str, Any]:
    """The levels of a rank, and its `order`."""
    return {**{name: getattr(pick, name) for name in LEVELS}, "order": pick_order_prices(pick)}


def order_columns(prices: OrderPrices | None) -> OrderPrices:
    """`COLUMNS` of order prices."""
    return {f"order_{name}": prices[name] if prices else None for name in LEVELS}
