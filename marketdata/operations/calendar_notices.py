"""Changes of the calendar by a source's answers of which the operator has not been notified."""

from __future__ import annotations

from datetime import date, datetime

from marketdata.models import CalendarChange


def take_calendar_changes(market: str, *, since: date, at: datetime) -> dict[date, str]:
    """The days from `since` on with changes that are not notified yet, ascending, now marked as notified; and the
    sentence of a day whose override was withdrawn, "" for any other. Call it in the transaction of the message."""
    rows = CalendarChange.objects.filter(market=market, notified_at=None, date__gte=since).order_by("date", "at", "pk")
    changes = list(rows.select_for_update())
    CalendarChange.objects.filter(pk__in=[row.pk for row in changes]).update(notified_at=at)
    return {row.date: _withdrawal(row) for row in changes}


def _withdrawal(row: CalendarChange) -> str:
    if row.kind != CalendarChange.Kind.WITHDRAWN:
        return ""
    state = "a session" if row.is_open else "closed"
    return f"{row.source} calls {row.date} {state} again, as the calendar of market {row.market} has it."
