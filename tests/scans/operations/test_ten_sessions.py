"""Sessions of KRX played with a clock: evenings on quotes, mornings on the exchange's own list, days that differ."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from marketdata.markets import get_market
from marketdata.models import CalendarOverride, SessionReading, StockPrice
from scans.models import EveningOutcome, Notification, Reading, ScanSession
from scans.operations.evening import schedule
from scans.queries.settling import settling_figures
from scans.queries.versions import get_versions
from tests.exchanges.krx_open_api import KST
from tests.scans.operations.settling_setup import SettlingDesk, closes, picks, trading_days
from tests.scans.probe import Probe

pytestmark = [pytest.mark.slow, pytest.mark.one_backend]
EXAM = date(2026, 11, 19)


@pytest.fixture
def desk(db: None, data_dir: Path, settings: Any, probe: Probe) -> Iterator[SettlingDesk]:
    with SettlingDesk(settings, data_dir, trading_days("2026-11-25", 45), size=12) as made:
        yield made


def test_ten_sessions(desk: SettlingDesk, mailoutbox: list[Any], settings: Any) -> None:
    """Every evening in its hours is published provisionally, at 18:10 nothing is; the next morning every close is the
    exchange's own, and one message reports each list that changed."""
    settings.NOTIFY_EMAIL = ["desk@example.org"]
    played = desk.days[-11:-1]
    assert EXAM in played
    changed: list[tuple[date, str]] = []
    wrong, market = 0, get_market("kr")
    for number, day in enumerate(played):
        hour = "16:35" if day == EXAM else "15:35"
        due = schedule.next_moment(market, market.evening_at, desk.at(f"{day}T00:01"))
        assert f"{due.astimezone(KST):%H:%M}" == hour
        report = desk.evening(f"{day}T{hour}:00")
        assert report.failures() == []
        answer = ScanSession.objects.get(date=day, published=True)
        assert answer.reading == Reading.PROVISIONAL
        assert answer.read_at is not None
        assert f"{answer.read_at.astimezone(KST):%H:%M}" == hour
        before, on_time = picks(day), closes(day)
        desk.evening(f"{day}T18:10:00")  # bars of the day have moved by now
        assert (picks(day), closes(day)) == (before, on_time)
        if before and number >= 2 and len(changed) < 2:  # a close that the evening had otherwise than the exchange
            code = min(before)
            bar = next(bar for bar in desk.kis.market[code].bars if bar.session == day)
            desk.closes[day] = {code: bar.base - 50}
            changed.append((day, code))
        following = desk.days[desk.days.index(day) + 1]
        morning = desk.morning(f"{following}T08:15:00")
        assert (morning.failures, morning.collected.error) == ({}, "")
        official = desk.official(day)
        wrong += sum(close != official[code] for code, close in closes(day).items())
        assert picks(day) == before - {code for changed_day, code in changed if changed_day == day}
        assert ScanSession.objects.get(date=day, published=True).reading == Reading.SETTLED
    assert wrong == 0
    assert SessionReading.objects.exclude(settled_at=None).count() == 10
    notices = Notification.objects.filter(kind=Notification.SETTLED).order_by("session")
    assert [row.session for row in notices] == [day for day, _ in changed]
    subjects = [mail.subject for mail in mailoutbox]
    assert sum(" settled: " in subject for subject in subjects) == 2
    (figures,) = settling_figures("kr", get_versions("kr", ["rises"]))
    assert (figures.sessions, figures.unchanged, figures.left, figures.entered) == (10, 8, 0.2, 0)


def test_bars_of_the_day_are_refused_at_ten_past_six(desk: SettlingDesk) -> None:
    """The session is read the next morning and scanned by the next evening."""
    monday, tuesday = date(2026, 11, 16), date(2026, 11, 17)
    report = desk.evening(f"{monday}T18:10:00")
    assert report.outcome == EveningOutcome.INCOMPLETE
    assert "run this from 15:31 to 15:59, or from 08:00 of the next day on" in report.reason
    assert not StockPrice.objects.filter(date=monday).exists()
    desk.morning(f"{tuesday}T08:15:00")
    assert closes(monday) == desk.official(monday)
    assert desk.evening(f"{tuesday}T15:35:00").failures() == []
    assert ScanSession.objects.filter(published=True, date=tuesday).exists()


@pytest.mark.parametrize("closed", ["2026-06-03", "2026-07-17", "2026-12-31", "2026-11-21"])
def test_nothing_happens_on_a_closed_day(desk: SettlingDesk, closed: str) -> None:
    report = desk.evening(f"{closed}T15:35:00")
    assert (report.session, report.collected) == (None, None)
    assert "nothing to do" in report.reason
    assert sum(desk.krx.calls.values()) == 0
    assert not SessionReading.objects.exists()


def test_a_sudden_closure_is_a_question(desk: SettlingDesk) -> None:
    """No instrument traded on Tuesday and the exchange has no list: nothing is scanned, nothing is called a holiday."""
    monday, tuesday, wednesday = date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 18)
    desk.evening(f"{monday}T15:35:00")
    desk.morning(f"{tuesday}T08:15:00")
    for share in desk.kis.market.values():
        share.bars[:] = [bar for bar in share.bars if bar.session != tuesday]
    report = desk.evening(f"{tuesday}T15:35:00")
    assert report.outcome == EveningOutcome.INCOMPLETE
    assert "closed?" in report.reason or "no instrument has a bar" in report.reason
    morning = desk.morning(f"{wednesday}T08:15:00")
    assert "record it in the calendar overrides" in morning.collected.error
    assert not ScanSession.objects.filter(date=tuesday).exists()
    assert not CalendarOverride.objects.filter(date=tuesday).exists()
