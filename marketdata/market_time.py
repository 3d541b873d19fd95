"""Moments on the clock of a market: its zone, its days, and text with the name of the zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from marketdata.markets import Market, UnknownMarket, get_market


def market_zone(market: str | Market) -> ZoneInfo:
    """The time zone in which a market's days begin; UTC where `market` is no market's name."""
    try:
        return ZoneInfo((get_market(market) if isinstance(market, str) else market).timezone)
    except UnknownMarket:
        return ZoneInfo("UTC")


def market_date(moment: datetime, market: str | Market) -> date:
    """The day of an aware `moment` in the market's time zone."""
    return moment.astimezone(market_zone(market)).date()


def market_time(moment: datetime, market: str) -> str:
    """An aware `moment` on the market's clock: "2026-08-21 18:42 KST"."""
    return f"{moment.astimezone(market_zone(market)):%Y-%m-%d %H:%M %Z}"


def utc_time(moment: datetime) -> str:
    """An aware `moment` in UTC: "2026-08-21 09:42 UTC"."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
