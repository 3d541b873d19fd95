"""Readings of sessions: whether the bars of a session may still change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import QuerySet

from marketdata.models import SessionReading


class ReadingTimes(NamedTuple):
    """When a session's bars were read before they were settled, and when they were settled, None: not yet."""

    read_at: datetime
    settled_at: datetime | None


def get_readings(market: str, first: date | str, last: date | str) -> dict[date, ReadingTimes]:
    """The readings of the sessions from `first` to `last` that were recorded before they were settled, by session."""
    rows = SessionReading.objects.filter(market=market, date__range=(first, last))
    times = rows.values_list("date", "read_at", "settled_at")
    return {day: ReadingTimes(read_at, settled_at) for day, read_at, settled_at in times}


def get_unsettled(market: str, first: date, last: date) -> list[date]:
    """The sessions from `first` to `last` whose bars may still change, ascending."""
    rows = SessionReading.objects.filter(market=market, date__range=(first, last), settled_at=None)
    return list(rows.order_by("date").values_list("date", flat=True))


def get_provisional_readings(markets: Sequence[str]) -> QuerySet[SessionReading, tuple[str, date, datetime]]:
    """(market, session, when its bars were read) of the sessions whose bars may still change."""
    rows = SessionReading.objects.filter(market__in=markets, settled_at=None)
    return rows.values_list("market", "date", "read_at")
