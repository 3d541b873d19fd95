"""The grid of an instrument's order prices, with the tick that its exchange gave for it.

An exchange gives the present tick of each instrument (`operations.collect.tick_sizes`): where it differs from the
published table, it replaces the tick in the band of that price. A reading of the evening of a session, or of the `KEPT`
days before, counts for the session; without one the published table counts alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from caching.memo import Memo
from marketdata import ticks
from marketdata.markets import get_market
from marketdata.models import TickReading
from marketdata.ticks import TickGrid

KEPT = 7
"""Days for which a reading counts."""
REFRESH = 60.0
"""Seconds for which a process keeps a reading."""
_READINGS: Memo[Mapping[str, str]] = Memo(most=32)


def get_order_grid(
    market: str, session: date, segment: str, *, code: str = "", near: ticks.Price | None = None
) -> TickGrid | None:
    """The grid of `code`, which trades `near` a price, on a session; None where the market has none."""
    grid, price = ticks.get_grid(market, session, segment), ticks.to_decimal(near)
    if grid is None or price is None or price <= 0 or not get_market(market).has_candles:
        return grid
    tick = get_sizes(market, session).get(code)
    return grid if tick is None else grid.with_tick(price, Decimal(tick))


def get_sizes(market: str, session: date) -> Mapping[str, str]:
    """Code -> tick of the reading that counts for a session; empty without one."""

    def read() -> Mapping[str, str]:
        range_ = (session - timedelta(days=KEPT), session + timedelta(days=1))
        readings = TickReading.objects.filter(market=market, date__range=range_).order_by("-date")
        sizes: Mapping[str, str] | None = readings.values_list("sizes", flat=True).first()
        return sizes or {}

    return _READINGS.get((market, session), int(time.monotonic() / REFRESH), read)


def forget_readings() -> None:
    """Have the next grid read the record, as after a new reading."""
    _READINGS.clear()
