"""Days of which a source's answer differs from the calendar, until a person decides or the source agrees again.

1. A day without bars follows the answer, by an override with the source's name: a person confirms it by saving it.
2. A day of which bars are recorded, and one with a person's override, stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet

from marketdata.models import CalendarChange, CalendarOverride, StockPrice
from marketdata.queries.market_calendar import MarketCalendar, get_overrides, has_session, make_calendars

Kind = CalendarChange.Kind
DECIDE = "confirm or correct it in the admin's calendar overrides."


@dataclass(frozen=True, slots=True)
class CalendarDisagreement:
    """The source calls `day` a session (`is_open`) or closed, against the calendar. `counts_open`: what it counts as;
    `is_decided`: by a person's override."""

    market: str
    day: date
    source: str
    is_open: bool
    counts_open: bool
    is_decided: bool

    @property
    def sentence(self) -> str:
        """The source's answer, how the day counts, and what to do."""
        words = {True: "a session", False: "closed"}
        says, counts = words[self.is_open], words[self.counts_open]
        head = f"{self.source} calls {self.day} {says} on market {self.market}, against the calendar"
        if self.is_decided:
            return f"{head}: it counts as {counts} by a person's override."
        if self.is_open == self.counts_open:
            return f"{head}: it counts as {counts} since then; {DECIDE}"
        return f"{head}: it counts as {counts} still, since bars of it are recorded; {DECIDE}"


def calendar_changes(markets: Iterable[str]) -> QuerySet[CalendarChange]:
    """The changes that disagreements depend on, the earliest first."""
    return CalendarChange.objects.filter(market__in=markets).order_by("at", "pk")


def make_disagreements(
    calendar: MarketCalendar, changes: Iterable[CalendarChange], overrides: Iterable[CalendarOverride], since: date
) -> tuple[CalendarDisagreement, ...]:
    """The disagreements about days of a market from `since` on, by day."""
    market = calendar.market.name
    last = {(row.date, row.source): row for row in changes if row.market == market and row.date >= since}
    writers = {row.date: row.source for row in overrides if row.market == market}
    result = []
    for (day, source), row in sorted(last.items()):
        counts_open = has_session(calendar.sessions, day)
        is_decided = writers.get(day) == ""
        if row.kind == Kind.WRITTEN and not is_decided and writers.get(day) == source and counts_open == row.is_open:
            result.append(CalendarDisagreement(market, day, source, row.is_open, counts_open, is_decided=False))
        elif row.kind == Kind.DISPUTED and counts_open != row.is_open:
            result.append(CalendarDisagreement(market, day, source, row.is_open, counts_open, is_decided))
    return tuple(result)


class DisagreementQueries:
    """The queries of the disagreements about the calendar of a market: evaluated one by one, or with others in one
    statement by `evaluate_together(*query_sets)`."""

    def __init__(self, market: str) -> None:
        self.market = market
        self.overrides, self.changes = get_overrides([market]), calendar_changes([market])

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        """All of them."""
        return [self.overrides, self.changes]

    def disagreements(self, since: date) -> tuple[CalendarDisagreement, ...]:
        """Those about days from `since` on, by day."""
        (calendar,) = make_calendars([self.market], self.overrides)
        return make_disagreements(calendar, self.changes, self.overrides, since)


def get_disagreements(market: str, since: date) -> tuple[CalendarDisagreement, ...]:
    """The disagreements about days of `market` from `since` on, by day."""
    return DisagreementQueries(market).disagreements(since)


def has_question(market: str, day: date) -> bool:
    """Whether a person may have to decide about a day that is as the calendar has it: bars of it are recorded, or a
    source has said otherwise."""
    rows = {"market": market, "date": day}
    return StockPrice.objects.filter(**rows).exists() or CalendarChange.objects.filter(**rows).exists()
