"""When a session has closed, by the market's clock, whatever the zone of the moment."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from marketdata import calendars
from marketdata.markets import get_market
from marketdata.session_hours import SessionHours
from tests.answers.record_calendars import CALENDARS


def hours(name: str, **overrides: tuple[int | None, int | None]) -> SessionHours:
    overridden = {date.fromisoformat(day): minutes for day, minutes in overrides.items()}
    return SessionHours(get_market(name), Path(settings.CALENDAR_DIR), overridden)


WEEK = np.array(["2026-08-17", "2026-08-18", "2026-08-19", "2026-08-20", "2026-08-21"], dtype="datetime64[D]")


@pytest.mark.parametrize(
    ("name", "moment", "session"),
    [
        ("kr", "2026-08-20T15:29:59+09:00", "2026-08-19"),
        ("kr", "2026-08-20T15:30:00+09:00", "2026-08-20"),
        ("kr", "2026-08-20T06:30:00+00:00", "2026-08-20"),  # 15:30 in Seoul
        ("kr", "2026-08-20T20:00:00-04:00", "2026-08-20"),  # 09:00 of the 21st in Seoul
        ("kr", "2026-08-24T09:00:00+09:00", "2026-08-21"),  # the Monday after
        ("us", "2026-08-20T19:59:59+00:00", "2026-08-19"),  # 15:59:59 in New York
        ("us", "2026-08-20T20:00:00+00:00", "2026-08-20"),
        ("us", "2026-08-21T09:00:00+09:00", "2026-08-20"),  # 20:00 of the 20th in New York
        ("upbit", "2026-08-21T00:00:00+00:00", "2026-08-20"),
        ("upbit", "2026-08-20T23:00:00+00:00", "2026-08-19"),
        ("bithumb", "2026-08-20T15:00:00+00:00", "2026-08-20"),  # midnight in Seoul
    ],
)
def test_the_last_closed_session_follows_the_clock_of_the_market(name: str, moment: str, session: str) -> None:
    place = hours(name).last_closed(WEEK, datetime.fromisoformat(moment))
    assert str(WEEK[place]) == session


def test_no_session_has_closed_before_the_first() -> None:
    assert hours("kr").last_closed(WEEK, datetime.fromisoformat("2026-08-17T09:00+09:00")) == -1
    assert hours("kr").last_closed(WEEK[:0], datetime.fromisoformat("2026-08-17T09:00Z")) == -1


def test_a_close_has_the_zone_of_its_market() -> None:
    assert hours("us").closing(date(2026, 1, 5)).isoformat() == "2026-01-05T16:00:00-05:00"
    assert hours("us").closing(date(2026, 8, 20)).isoformat() == "2026-08-20T16:00:00-04:00"


# Opening and closing by the exchange's notices (KRX, NYSE), each looked up by hand.
@pytest.mark.parametrize(
    ("name", "day", "opens", "closes"),
    [
        ("kr", "2026-08-20", "09:00", "15:30"),
        ("kr", "2026-09-14", "09:00", "15:30"),  # trading after hours is no part of the session
        ("kr", "2016-07-29", "09:00", "15:00"),  # until then KRX closed at 15:00
        ("kr", "2016-08-01", "09:00", "15:30"),
        ("kr", "2020-12-03", "10:00", "16:30"),  # entrance exams
        ("kr", "2021-11-18", "10:00", "16:30"),
        ("kr", "2022-11-17", "10:00", "16:30"),
        ("kr", "2023-11-16", "10:00", "16:30"),
        ("kr", "2024-11-14", "10:00", "16:30"),
        ("kr", "2025-11-13", "10:00", "16:30"),
        ("kr", "2026-11-19", "10:00", "16:30"),
        ("kr-adj", "2026-11-19", "10:00", "16:30"),
        ("kr", "2026-11-20", "09:00", "15:30"),
        ("kr", "2026-01-02", "10:00", "15:30"),  # first sessions of their years
        ("kr", "2027-01-04", "10:00", "15:30"),
        ("us", "2026-11-25", "09:30", "16:00"),
        ("us", "2026-11-27", "09:30", "13:00"),  # half days
        ("us", "2026-12-24", "09:30", "13:00"),
        ("us", "2025-07-03", "09:30", "13:00"),
        ("upbit", "2026-08-20", "00:00", "00:00"),
    ],
)
def test_a_session_has_the_hours_of_its_day(name: str, day: str, opens: str, closes: str) -> None:
    session, of = date.fromisoformat(day), hours(name)
    assert f"{of.opening(session):%H:%M}" == opens
    assert f"{of.closing(session):%H:%M}" == closes


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        ("2025-11-13T15:43:00+09:00", "2025-11-12"),
        ("2025-11-13T16:29:59+09:00", "2025-11-12"),
        ("2025-11-13T16:30:00+09:00", "2025-11-13"),
        ("2025-11-14T15:30:00+09:00", "2025-11-14"),
    ],
)
def test_on_exam_day_a_session_closes_an_hour_later(moment: str, session: str) -> None:
    week = np.arange("2025-11-10", "2025-11-15", dtype="datetime64[D]")
    place = hours("kr").last_closed(week, datetime.fromisoformat(moment))
    assert str(week[place]) == session


def test_a_half_day_of_new_york_is_closed_from_13_on() -> None:
    days = np.array(["2026-11-25", "2026-11-27"], dtype="datetime64[D]")
    of = hours("us")
    assert of.last_closed(days, datetime.fromisoformat("2026-11-27T12:59:59-05:00")) == 0
    assert of.last_closed(days, datetime.fromisoformat("2026-11-27T13:00:00-05:00")) == 1


def test_recorded_hours_win_and_leave_the_other_to_the_calendar() -> None:
    day, of = date(2026, 8, 20), hours("kr", **{"2026-08-20": (None, 12 * 60)})
    assert f"{of.opening(day):%H:%M} {of.closing(day):%H:%M}" == "09:00 12:00"
    both = hours("kr", **{"2025-11-13": (9 * 60, 930)})
    assert f"{both.opening(date(2025, 11, 13)):%H:%M}" == "09:00"
    assert f"{both.closing(date(2025, 11, 13)):%H:%M}" == "15:30"


def test_a_day_that_no_calendar_opens_has_the_usual_hours() -> None:
    saturday = date(2026, 8, 22)
    assert f"{hours('kr').closing(saturday):%H:%M}" == "15:30"
    # the only day between two exam days and the year's end would be misled by its neighbour
    assert f"{hours('kr').closing(date(2025, 11, 15)):%H:%M}" == "15:30"


def test_how_much_later_than_usual_a_session_closes() -> None:
    assert hours("kr").later_than_usual(date(2026, 11, 19)) == timedelta(hours=1)
    assert hours("kr").later_than_usual(date(2026, 1, 2)) == timedelta(0)
    assert hours("us").later_than_usual(date(2026, 11, 27)) == timedelta(0)


def test_a_damaged_file_of_hours_is_built_again(tmp_path: Path) -> None:
    whole = SessionHours(get_market("kr"), tmp_path)
    assert f"{whole.closing(date(2026, 8, 20)):%H:%M}" == "15:30"
    files = sorted(tmp_path.glob("*.npy"))
    assert len(files) == 2
    for file in files:
        file.write_bytes(file.read_bytes()[:100])
    calendars.get_calendar_hours.cache_clear()
    assert f"{whole.closing(date(2026, 8, 20)):%H:%M}" == "15:30"


@pytest.mark.slow
@pytest.mark.parametrize("calendar", CALENDARS)
def test_calendars_that_come_with_the_program_are_those_of_the_library(calendar: str) -> None:
    """Where another version of the library is pinned: `python -m tests.answers.record_calendars`."""
    bundled = calendars.read_bundled(calendar)
    assert bundled is not None
    for ours, theirs in zip(bundled, calendars.build_by_library(calendar), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_a_calendar_of_another_version_or_damaged_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = calendars.bundled_path("XNYS").read_bytes()
    for content in (None, b"", whole[:200], whole[:-40]):
        file = tmp_path / "XNYS.npz"
        if content is not None:
            file.write_bytes(content)
        monkeypatch.setattr(calendars, "bundled_path", lambda _, file=file: file)
        assert calendars.read_bundled("XNYS") is None
    cache = tmp_path / "cache"
    days = calendars.get_calendar_sessions("XNYS", cache=cache, overrides={})
    assert np.datetime64("2026-07-02") in days
    assert np.datetime64("2026-07-03") not in days  # observed for Independence Day
    assert len(list(cache.iterdir())) == 2


def test_the_dated_closures_need_no_row(tmp_path: Path) -> None:
    days = calendars.get_calendar_sessions("XKRX", cache=Path(settings.CALENDAR_DIR), overrides={})
    assert not np.isin(np.array(["2026-06-03", "2026-07-17"], dtype="datetime64[D]"), days).any()
    opened = calendars.get_calendar_sessions(
        "XKRX", cache=Path(settings.CALENDAR_DIR), overrides={date(2026, 7, 17): True}
    )
    assert np.datetime64("2026-07-17") in opened
