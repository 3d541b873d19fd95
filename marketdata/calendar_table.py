"""Corrections of exchange_calendars: dated days and hours that take precedence over the library, each with its source.

Days and hours of the admin (`CalendarOverride`) take precedence over both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import NamedTuple


class Hours(NamedTuple):
    """Opening and closing time of a session on the clock of its exchange."""

    opens: time
    closes: time


CLOSED_DAYS: Mapping[str, frozenset[date]] = {
    "XKRX": frozenset(
        {
            date(2026, 6, 3),  # nationwide local elections
            date(2026, 7, 17),  # Constitution Day, a public holiday again (KRX notice of 2026-05-20)
        }
    )
}
"""Weekdays on which an exchange was closed although the library has a session."""

EXAM_HOURS = Hours(time(10, 0), time(16, 30))
"""University entrance exam: everything one hour later (KRX notices of each year)."""
FIRST_SESSION_HOURS = Hours(time(10, 0), time(15, 30))
"""The first session of a year opens an hour later (KRX Business Regulation, Article 4)."""

SESSION_HOURS: Mapping[str, Mapping[date, Hours]] = {
    "XKRX": {
        date(2021, 11, 18): EXAM_HOURS,
        date(2022, 11, 17): EXAM_HOURS,
        date(2023, 11, 16): EXAM_HOURS,
        date(2024, 11, 14): EXAM_HOURS,
        date(2025, 11, 13): EXAM_HOURS,
        date(2026, 11, 19): EXAM_HOURS,
        date(2022, 1, 3): FIRST_SESSION_HOURS,
        date(2023, 1, 2): FIRST_SESSION_HOURS,
        date(2024, 1, 2): FIRST_SESSION_HOURS,
        date(2025, 1, 2): FIRST_SESSION_HOURS,
        date(2026, 1, 2): FIRST_SESSION_HOURS,
        date(2027, 1, 4): FIRST_SESSION_HOURS,
    }
}
"""Sessions with special hours that the library has wrong, or that a later version may lose."""
