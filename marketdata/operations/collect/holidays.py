"""Synchronises the calendar overrides with the holidays of a source, where these differ from the calendar.

A source tolerates about one such call a day, so it is called once a day at most; an answer without the day itself does
not count. An override written by a source is withdrawn when a later answer contradicts it, also for the last days;
every change is recorded (`CalendarChange`). The override of a person stays, and so does a day of which bars are
recorded: these are disputed, for a person to decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.conf import settings
from django.db import transaction

from marketdata import calendars
from marketdata.market_time import market_date
from marketdata.markets import Market, get_market
from marketdata.models import CalendarChange, CalendarOverride, SourceVisit, StockPrice
from marketdata.operations import generations
from marketdata.sources.daily import HolidaySource

VISIT_KIND = "holidays"
DAYS_BACK = 14
"""Days in the past whose overrides by the source are compared with its answer again."""

Kind = CalendarChange.Kind


@dataclass(frozen=True, slots=True)
class HolidayReport:
    """Outcome of a synchronisation: `days` in the answer up to `until`; overrides written, overrides withdrawn, and the
    days that differ and stay as they are. `is_due` is False where the source had answered that day already,
    `complete` where its answer lacks the day itself."""

    is_due: bool
    days: int = 0
    until: date | None = None
    written: tuple[date, ...] = ()
    removed: tuple[date, ...] = ()
    disputed: tuple[date, ...] = ()
    complete: bool = True


def is_due(source: HolidaySource, *, market: str, as_of: datetime) -> bool:
    """Whether the answer for the day of `as_of` is missing."""
    rules = get_market(market)
    visit = SourceVisit.objects.filter(source=source.name, what=VISIT_KIND).first()
    return visit is None or market_date(visit.at, rules) != market_date(as_of, rules)


def sync(source: HolidaySource, *, market: str, as_of: datetime) -> HolidayReport:
    """Request the days from today on and record the answer. SourceError where the source has no holidays."""
    rules = get_market(market)
    today = market_date(as_of, rules)
    if not is_due(source, market=market, as_of=as_of):
        return HolidayReport(is_due=False)
    own_overrides = CalendarOverride.objects.filter(market=rules.name, source=source.name)
    oldest = own_overrides.filter(date__gte=today - timedelta(days=DAYS_BACK), date__lt=today)
    start = min([today, *oldest.values_list("date", flat=True)])
    answer = {holiday.day: holiday.is_open for holiday in source.holidays(start)}
    with transaction.atomic():
        if today in answer:
            SourceVisit.objects.update_or_create(source=source.name, what=VISIT_KIND, defaults={"at": as_of})
        changes = _changes(rules, source.name, answer, today)
        _record(rules, source.name, changes, answer, as_of)
        if any(kind in (Kind.WRITTEN, Kind.WITHDRAWN) for kind, _, _ in changes):
            generations.advance_family(rules.name)
    days = {kind: tuple(day for each, day, _ in changes if each is kind) for kind in Kind}
    return HolidayReport(
        is_due=True,
        days=len(answer),
        until=max(answer, default=None),
        written=days[Kind.WRITTEN],
        removed=days[Kind.WITHDRAWN],
        disputed=days[Kind.DISPUTED],
        complete=today in answer,
    )


def _changes(market: Market, source: str, answer: dict[date, bool], today: date) -> list[tuple[Kind, date, bool]]:
    """Write and withdraw overrides by the answer; (kind, day, whether open) of each change, by day."""
    calendar = calendars.get_calendar_sessions(market.calendar, cache=settings.CALENDAR_DIR, overrides={})
    rows = {row.date: row for row in CalendarOverride.objects.filter(market=market.name, date__in=list(answer))}
    prices = StockPrice.objects.filter(market=market.name, date__gte=min(answer, default=today), date__lte=today)
    recorded = set(prices.order_by().values_list("date", flat=True).distinct())
    changes = []
    for day, is_open in sorted(answer.items()):
        row, expected = rows.get(day), bool(np.isin(np.datetime64(day), calendar))
        counts = expected if row is None else row.is_open
        if counts != is_open and (day in recorded or (row is not None and row.source != source)):
            changes.append((Kind.DISPUTED, day, is_open))
        elif row is not None and row.source != source:
            continue
        elif is_open != expected:
            if row is None or row.is_open != is_open:
                CalendarOverride.objects.update_or_create(
                    market=market.name,
                    date=day,
                    defaults={"is_open": is_open, "source": source, "note": f"{source}, answer of {today}"},
                )
                changes.append((Kind.WRITTEN, day, is_open))
        elif row is not None:
            row.delete()
            changes.append((Kind.WITHDRAWN, day, is_open))
    return changes


def _record(
    market: Market, source: str, changes: list[tuple[Kind, date, bool]], answer: dict[date, bool], at: datetime
) -> None:
    """A row for each change: a day that stays disputed has one row, and one more once the source agrees."""
    rows = CalendarChange.objects.filter(market=market.name, source=source, date__in=list(answer)).order_by("at", "pk")
    disputed = {row.date: row.is_open for row in {row.date: row for row in rows}.values() if row.kind == Kind.DISPUTED}
    changed = {day for _, day, _ in changes}
    agreed = [(Kind.AGREED, day, answer[day]) for day in sorted(disputed.keys() - changed)]
    CalendarChange.objects.bulk_create(
        CalendarChange(market=market.name, date=day, source=source, kind=kind, is_open=is_open, at=at)
        for kind, day, is_open in [*changes, *agreed]
        if kind is not Kind.DISPUTED or disputed.get(day) != is_open
    )
