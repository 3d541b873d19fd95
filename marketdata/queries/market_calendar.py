"""Calendars of markets: sessions and their hours, with the overrides that operators and sources recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.conf import settings
from django.db.models import QuerySet

from marketdata import calendars
from marketdata.market_time import market_date
from marketdata.markets import Market, get_market
from marketdata.models import CalendarOverride
from marketdata.record import Days
from marketdata.session_hours import SessionHours


@dataclass(frozen=True, slots=True)
class MarketCalendar:
    """A market's calendar: `sessions` (S,) ascending; `hours`, their opening and closing times; `opened` and
    `closed`, the days that an override calls so. A market such as kr-adj has the overrides of kr, unless it has its own
    for the day."""

    market: Market
    sessions: Days
    hours: SessionHours
    opened: frozenset[date]
    closed: frozenset[date]

    def quoted_hours(self, as_of: datetime) -> tuple[datetime, datetime] | None:
        """The hours of today's continuous trading, until they end; None where the market is closed."""
        today = market_date(as_of, self.market)
        if np.datetime64(today) not in self.sessions or as_of >= self.hours.quoted_hours(today)[1]:
            return None
        return self.hours.quoted_hours(today)


def get_calendar(market: str) -> MarketCalendar:
    """The calendar of `market`."""
    return get_calendars([market])[0]


def get_sessions(market: str) -> Days:
    """All sessions of the market's calendar, (S,) ascending."""
    return get_calendar(market).sessions


def has_session(calendar: Days, day: date) -> bool:
    """Whether these sessions, ascending, contain that day."""
    date64 = np.datetime64(day)
    at = int(np.searchsorted(calendar, date64))
    return at < len(calendar) and bool(calendar[at] == date64)


def get_hours(market: str) -> SessionHours:
    """Opening and closing times of the market's sessions."""
    return get_calendar(market).hours


def get_calendars(markets: Sequence[str]) -> list[MarketCalendar]:
    """The calendar of each of `markets`, in one query."""
    return make_calendars(markets, get_overrides(markets))


def get_overrides(markets: Sequence[str]) -> QuerySet[CalendarOverride]:
    """The overrides that the calendars of `markets` depend on."""
    return CalendarOverride.objects.filter(
        market__in={name for market in markets for name in get_market(market).family}
    )


def make_calendars(markets: Sequence[str], overrides: Iterable[CalendarOverride]) -> list[MarketCalendar]:
    """The calendar of each of `markets` with these overrides."""
    rows = list(overrides)
    return [_calendar(get_market(name), rows) for name in markets]


def _calendar(market: Market, overrides: Iterable[CalendarOverride]) -> MarketCalendar:
    rows = _by_day(market, overrides)
    timed = _by_day(market, [row for row in overrides if row.minutes != (None, None)])
    is_open = {day: row.is_open for day, row in rows.items()}
    return MarketCalendar(
        market,
        calendars.get_calendar_sessions(market.calendar, cache=settings.CALENDAR_DIR, overrides=is_open),
        SessionHours(market, settings.CALENDAR_DIR, {day: row.minutes for day, row in timed.items()}),
        frozenset(day for day, row in rows.items() if row.is_open),
        frozenset(day for day, row in rows.items() if not row.is_open),
    )


def _by_day(market: Market, overrides: Iterable[CalendarOverride]) -> dict[date, CalendarOverride]:
    """The override of each day: the market's own, else that of the market whose rules it has."""
    return {row.date: row for name in market.family for row in overrides if row.market == name}
