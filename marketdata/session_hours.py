"""When the sessions of a market close.

A session is closed once its closing time has been reached on the market's clock; until then its bars form. Everything
that depends on whether a session has closed goes through `closing` and `last_closed`.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from marketdata.markets import Market

LATEST_FIRST = 4
"""Sessions before today that may not have closed yet, with room: markets close within a day of their date."""


def closing(market: Market, session: date) -> datetime:
    """The moment at which `session` closes, in the market's time zone."""
    return datetime.combine(session, market.closes_at, ZoneInfo(market.timezone))


def last_closed(market: Market, calendar: NDArray[np.datetime64], as_of: datetime) -> int:
    """The place in `calendar` (sessions, ascending) of the last one that has closed by `as_of`; -1 where none has."""
    today = as_of.astimezone(ZoneInfo(market.timezone)).date()
    end = int(np.searchsorted(calendar, np.datetime64(today), side="right")) - 1
    for place in range(end, max(end - LATEST_FIRST, -1), -1):
        session: date = calendar[place].item()
        if closing(market, session) <= as_of:
            return place
    return max(end - LATEST_FIRST, -1)
