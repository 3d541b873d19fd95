"""Reports and schedules of evenings as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from marketdata.market_time import market_zone
from scans.notices.message import render
from scans.operations.evening.report import EveningReport
from scans.queries.schedules import EveningSchedule
from scans.wording.evening_message import evening_message

NO_WORKER = "No task worker is running: start one with `manage.py qcluster`, or nothing runs at that time."


def evening_text(report: EveningReport) -> str:
    """The report of an evening as text."""
    if report.session is None:
        return f"{report.reason}\n"
    body = {
        "market": report.market,
        "session": report.session,
        "outcome": str(report.outcome),
        "seconds": report.seconds,
        **report.content(),
    }
    news = "" if report.news else "The result is as before: no notification was sent again.\n"
    return f"{render(evening_message(body, 'en'), with_subject=True)}\n{news}"


def schedules_text(schedules: Sequence[EveningSchedule]) -> str:
    """One line for each schedule."""
    return "".join(_line(schedule) for schedule in schedules) or "No market has a schedule.\n"


def replaced_text(before: Sequence[EveningSchedule], after: Sequence[EveningSchedule]) -> str:
    """The schedules that are no more, one line each."""
    kept = {(one.market, one.at, one.versions) for one in after}
    gone = [one for one in before if (one.market, one.at, one.versions) not in kept]
    return "".join(f"{one.market}: no longer at {one.at:%H:%M}, by {_versions(one)}\n" for one in gone)


def _versions(schedule: EveningSchedule) -> str:
    return ", ".join(schedule.versions) or "every version that fits"


def _line(schedule: EveningSchedule) -> str:
    collecting = "" if schedule.collects else ", without collecting"
    line = f"{schedule.market}: every day at {schedule.at:%H:%M} {schedule.zone}, by {_versions(schedule)}{collecting}"
    if schedule.next_run:
        local = schedule.next_run.astimezone(market_zone(schedule.market))
        utc = "" if schedule.zone == "UTC" else f" ({schedule.next_run:%Y-%m-%d %H:%M} UTC)"
        line += f"; next {local:%Y-%m-%d %H:%M %Z}{utc}"
    if schedule.preclose:
        line += f"; before the close at {' and '.join(f'{at:%H:%M}' for at in schedule.preclose)}"
        line += ", volumes scaled" if schedule.scales_volume else ""
    if schedule.settled:
        line += f"; settled from {schedule.settled.astimezone(market_zone(schedule.market)):%Y-%m-%d %H:%M %Z} on"
    if schedule.watched:
        line += "; signals watched every minute while it trades, for readers who want messages"
    return f"{line}\n"
