"""Moments on the clock of a market as text, always with the name of the zone."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from marketdata.markets import UnknownMarket, get_market


def market_zone(market: str) -> tzinfo:
    """The time zone of a market; UTC where `market` is no market's name."""
    try:
        return ZoneInfo(get_market(market).timezone)
    except UnknownMarket:
        return UTC


def market_time(moment: datetime, market: str) -> str:
    """An aware `moment` on the market's clock: "2026-08-21 18:42 KST"."""
    return f"{moment.astimezone(market_zone(market)):%Y-%m-%d %H:%M %Z}"


def utc_time(moment: datetime) -> str:
    """An aware `moment` in UTC: "2026-08-21 09:42 UTC"."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
