"""Phases of sessions, by hand from the notices of the exchanges."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings

from marketdata.markets import get_market
from marketdata.session_hours import SessionHours
from marketdata.session_phases import Phase


def hours(market: str) -> SessionHours:
    return SessionHours(get_market(market), Path(settings.CALENDAR_DIR))


def begins(market: str, session: str) -> list[tuple[str, str]]:
    phases = hours(market).phases(date.fromisoformat(session))
    assert all(one.ends == other.begins for one, other in pairwise(phases))
    return [(f"{phase.begins:%H:%M}", str(phase.phase)) for phase in phases]


BEFORE = [
    ("00:00", "pre_open"), ("08:30", "opening_auction"), ("09:00", "continuous"), ("15:20", "closing_auction"),
    ("15:30", "closed"), ("15:40", "off_hours"), ("16:00", "after_market"),
]  # fmt: skip


def test_the_after_market_of_krx_begins_on_its_day() -> None:
    assert begins("kr", "2026-09-11") == [*BEFORE, ("18:00", "closed")]
    assert begins("kr", "2026-09-14") == [*BEFORE, ("20:00", "closed")]


def test_days_with_other_hours() -> None:
    """The entrance exam moves everything by an hour, the first session only its beginning."""
    assert begins("kr", "2026-11-19")[1:7] == [
        ("09:30", "opening_auction"), ("10:00", "continuous"), ("16:20", "closing_auction"), ("16:30", "closed"),
        ("16:40", "off_hours"), ("17:00", "after_market"),
    ]  # fmt: skip
    assert begins("kr", "2027-01-04")[1:4] == [
        ("09:30", "opening_auction"), ("10:00", "continuous"), ("15:20", "closing_auction"),
    ]  # fmt: skip


def test_a_half_day_in_new_york_and_a_day_of_coins() -> None:
    assert begins("us", "2026-11-27") == [
        ("00:00", "pre_open"), ("04:00", "pre_market"), ("09:30", "continuous"), ("13:00", "after_market"),
        ("17:00", "closed"),
    ]  # fmt: skip
    assert begins("upbit", "2026-11-27") == [("00:00", "continuous")]


@pytest.mark.parametrize(
    ("moment", "phase"),
    [
        ("2026-11-16T07:00", Phase.PRE_OPEN),
        ("2026-11-16T15:19", Phase.CONTINUOUS),
        ("2026-11-16T15:20", Phase.CLOSING_AUCTION),
        ("2026-11-16T15:35", Phase.CLOSED),
        ("2026-11-16T16:00", Phase.AFTER_MARKET),
        ("2026-11-17T09:30", Phase.CLOSED),
        ("2026-11-15T12:00", Phase.PRE_OPEN),
    ],
)
def test_the_phase_of_a_session_at_a_moment(moment: str, phase: Phase) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Asia/Seoul"))
    assert hours("kr").phase(date(2026, 11, 16), at) is phase


def test_an_override_moves_the_phases() -> None:
    day = date(2026, 11, 16)
    moved = SessionHours(get_market("kr"), Path(settings.CALENDAR_DIR), {day: (None, 13 * 60)})
    begin = {str(phase.phase): f"{phase.begins:%H:%M}" for phase in moved.phases(day)}
    assert (begin["closing_auction"], begin["off_hours"]) == ("12:50", "13:10")
