"""Evenings and their schedules as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from scans.notices.text import notification_subject, notification_text
from scans.operations.evening.report import EveningReport
from scans.queries.schedules import EveningSchedule


def evening_text(told: EveningReport) -> str:
    """What came of an evening."""
    if told.session is None:
        return f"{told.reason}\n"
    body = {
        "market": told.market,
        "session": told.session,
        "outcome": str(told.outcome),
        "seconds": told.seconds,
        **told.content(),
    }
    news = "" if told.news else "It came out as before: nobody was notified again.\n"
    return f"{notification_subject(body)}\n{notification_text(body)}{news}"


def schedules_text(found: Sequence[EveningSchedule]) -> str:
    """One line for each schedule."""
    return "".join(_line(one) for one in found) or "No market has a schedule.\n"


def _line(one: EveningSchedule) -> str:
    by = ", ".join(one.versions) or "every version that fits"
    collecting = "" if one.collects else ", without collecting"
    told = f"{one.market}: every day at {one.at:%H:%M} {one.zone}, by {by}{collecting}"
    if one.next_run:
        there = one.next_run.astimezone(ZoneInfo(one.zone))
        told += f"; next {there:%Y-%m-%d %H:%M %Z} ({one.next_run:%Y-%m-%d %H:%M} UTC)"
    return f"{told}\n"
