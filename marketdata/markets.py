"""Table of markets: calendar, currency, time zone, segments and limits of each.

A name of the form `kr-anything` is a second market with the rules of `kr`, kept wholly apart from it in the
record and the lake: a file of adjusted prices is loaded as `kr-adj` so that adjusted and raw never mix.

Facts: KRX daily price limit 30 % (since 2015-06-15) is the exchange's own rule, and tick sizes are in `ticks`; XKRX,
XNYS and 24/7 are the names exchange_calendars gives the calendars.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, time
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from marketdata import ticks
from marketdata.nearest_name import did_you_mean

NAME_PATTERN = re.compile(r"(?P<base>[a-z]+)(-[a-z0-9]{1,7})?")

OWN_EQUAL, OWN_CAP = "own-equal", "own-cap"
"""The market's own series: all weights alike, and weights by carried market cap."""
OWN_INDEX = ""
"""In place of a series' name: own-equal, on which regimes depend where nothing else is chosen."""
OWN_NAMES = (OWN_INDEX, OWN_EQUAL, OWN_CAP)


class UnknownMarket(ValueError):
    """An unknown name of a market; the message lists the known ones."""


@dataclass(frozen=True, slots=True)
class Market:
    """Facts of one market.

    `suspect_move` is the move of the raw close, as a fraction, beyond which a bar without a base price is a
    suspected corporate action; None where the market has no daily limit. `evening_at` is the local time in `timezone`
    at which a session's evening is run by default. On KRX that is 15:35: since 2026-09-14 it trades again from 16:00 to
    20:00, and bars of the same day then follow those trades; `settled_at` is the local time of the next day at which
    the session is read again, None where that is not needed. Opening and closing times are in `session_hours`.
    """

    name: str
    calendar: str
    currency: str
    timezone: str
    evening_at: time
    segments: tuple[str, ...]
    suspect_move: float | None
    settled_at: time | None = None

    @property
    def family(self) -> tuple[str, ...]:
        """The names whose closures apply to this market: its own, and that of the market whose rules it has."""
        base = self.name.partition("-")[0]
        return (self.name,) if base == self.name else (base, self.name)

    @property
    def has_candles(self) -> bool:
        """Whether candles of its coins can be collected: the market is an exchange's own."""
        return self.calendar == COIN_MARKET.calendar and self.name in MARKETS

    def tick(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        """The possible rounding error of recorded prices: the tick at each price by the latest table, 1e-8 for coins,
        whose prices are not restated."""
        latest = None if self.calendar == COIN_MARKET.calendar else ticks.get_grid(self.name, date.max)
        return np.full(len(prices), 1e-8) if latest is None else latest.ticks(prices)

    def order_price(
        self,
        price: ticks.Price | None,
        side: ticks.Side | str,
        session: date,
        *,
        segment: str = "",
        kind: str = "stock",
    ) -> Decimal | None:
        """The price of an order on the market's grid of `session`; None where there is none (`ticks.order_price`)."""
        return ticks.order_price(price, side, session, self.name, segment=segment, kind=kind)


COIN_MARKET = Market(
    name="upbit",
    calendar="24/7",
    currency="KRW",
    timezone="UTC",
    evening_at=time(0, 10),  # of the next day
    segments=("KRW",),
    suspect_move=None,
)
"""Coins quoted in won: every day is a session, the segment is the quote currency, and there is no daily limit."""

MARKETS = {
    "kr": Market(
        name="kr",
        calendar="XKRX",
        currency="KRW",
        timezone="Asia/Seoul",
        evening_at=time(15, 35),
        segments=("KOSPI", "KOSDAQ", "KOSDAQ GLOBAL"),
        suspect_move=0.31,
        settled_at=time(8, 15),
    ),
    "us": Market(
        name="us",
        calendar="XNYS",
        currency="USD",
        timezone="America/New_York",
        evening_at=time(18, 0),
        segments=("US",),
        suspect_move=None,
        settled_at=time(10, 15),
    ),
    "upbit": COIN_MARKET,
    # The same coins on another exchange, whose days are Korean days.
    "bithumb": replace(COIN_MARKET, name="bithumb", timezone="Asia/Seoul"),
}

MARKET_NAMES = {"kr": "KRX", "us": "US", "upbit": "Upbit", "bithumb": "Bithumb"}
"""Their names for people, the same in every language."""


@lru_cache(256)
def get_market(name: str) -> Market:
    """The market of that name; raises `UnknownMarket`."""
    match = NAME_PATTERN.fullmatch(name)
    base = MARKETS.get(match["base"]) if match else None
    if base is None:
        raise UnknownMarket(
            f"Unknown market {name!r}: choose one of {', '.join(MARKETS)}, "
            "or a name such as kr-adj for a second market with the rules of kr."
            f"{did_you_mean(name, MARKETS)}"
        )
    return replace(base, name=name)


def is_market(name: str) -> bool:
    """Whether `name` is a valid name of a market."""
    match = NAME_PATTERN.fullmatch(name)
    return match is not None and match["base"] in MARKETS
