"""Which days the exchange opens, into the override table: only where the calendar says otherwise.

A source tolerates about one such call a day, so it is asked once a day at most. What a person wrote into the table
stands, and is named where the source disagrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.conf import settings
from django.db import transaction

from marketdata import calendars
from marketdata.markets import market as market_named
from marketdata.models import CalendarOverride, SourceVisit
from marketdata.operations import generations
from marketdata.operations.collect.planning import zone
from marketdata.sources.daily import HolidaySource

WHAT = "holidays"


@dataclass(frozen=True, slots=True)
class Holidays:
    """What was told of so many days up to `until`: overrides written, those no longer needed, and the days on which a
    person's own override says otherwise. `asked` is False where the source had been asked that day already."""

    asked: bool
    days: int = 0
    until: date | None = None
    written: tuple[date, ...] = ()
    removed: tuple[date, ...] = ()
    disputed: tuple[date, ...] = ()


def sync(source: HolidaySource, *, market: str, as_of: datetime) -> Holidays:
    """Ask for the days from today on and record them. SourceError where the source cannot tell."""
    named = market_named(market)
    today = as_of.astimezone(zone(named)).date()
    visit = SourceVisit.objects.filter(source=source.name, what=WHAT).first()
    if visit and visit.at.astimezone(zone(named)).date() == today:
        return Holidays(asked=False)
    told = {one.day: one.is_open for one in source.holidays(today)}
    note = f"{source.name}, asked on {today}"
    known = calendars.sessions(named.calendar, cache=settings.CALENDAR_DIR, overrides={})
    written, removed, disputed = [], [], []
    with transaction.atomic():
        SourceVisit.objects.update_or_create(source=source.name, what=WHAT, defaults={"at": as_of})
        rows = {
            row.date: row
            for row in CalendarOverride.objects.filter(market=named.name, date__in=list(told))
        }
        for day, is_open in sorted(told.items()):
            row, expected = rows.get(day), bool(np.isin(np.datetime64(day), known))
            ours = row is not None and row.note.startswith(f"{source.name}, asked on ")
            if row is not None and not ours:
                if row.is_open != is_open:
                    disputed.append(day)
            elif is_open != expected:
                if row is None or row.is_open != is_open:
                    CalendarOverride.objects.update_or_create(
                        market=named.name, date=day, defaults={"is_open": is_open, "note": note}
                    )
                    written.append(day)
            elif row is not None:
                row.delete()
                removed.append(day)
        if written or removed:
            generations.advance_family(named.name)
    return Holidays(
        True, len(told), max(told, default=None), tuple(written), tuple(removed), tuple(disputed)
    )
