"""A session day on which the exchange did not open, from the evening without bars to the days after a person has
confirmed the closure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from django_q.models import Schedule

from marketdata.models import CalendarOverride, StockPrice
from marketdata.operations import generations
from marketdata.queries.readiness import ReadinessState
from scans.models import Delivery, EveningOutcome, Reading, ScanSession
from scans.operations.evening import notify, schedule
from scans.queries.readiness import market_readiness
from scans.queries.schedules import TASK
from tests.exchanges.krx_open_api import KST
from tests.scans.operations.settling_setup import SettlingDesk, closes, trading_days
from tests.scans.probe import Probe

pytestmark = [pytest.mark.slow, pytest.mark.one_backend]
MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 11, day) for day in (9, 10, 11, 12))


@pytest.fixture
def desk(db: None, data_dir: Path, settings: Any, probe: Probe) -> Iterator[SettlingDesk]:
    settings.NOTIFY_EMAIL = ["desk@example.org"]
    days = [day for day in trading_days("2026-11-12", 35) if day != TUESDAY]
    with SettlingDesk(settings, data_dir, days, size=12) as made:
        assert made.evening(f"{MONDAY}T15:35:00").failures() == []
        assert made.morning(f"{TUESDAY}T08:15:00").collected.error == ""
        yield made


def confirm_closure() -> None:
    CalendarOverride.objects.create(market="kr", date=TUESDAY, is_open=False, note="the exchange did not open")
    generations.advance_family("kr")


def bars_of_tuesday() -> int:
    return StockPrice.objects.filter(market="kr", date=TUESDAY).count()


@pytest.mark.parametrize(
    ("repeats", "bars", "sentence"),
    [(False, 12, "none of 12 instruments traded; closed?"), (True, 0, "no instrument has a bar")],
    ids=["quotes without volume", "quotes of the session before"],
)
@pytest.mark.parametrize("confirmed", ["in the evening", "the next morning"])
def test_sessions_after_a_confirmed_closure(
    desk: SettlingDesk, mailoutbox: list[Any], repeats: bool, bars: int, sentence: str, confirmed: str
) -> None:
    """The sessions after it are collected, scanned and settled as if the calendar had known of the closure."""
    desk.kis.exchange.repeats = repeats
    report = desk.evening(f"{TUESDAY}T15:35:00")
    assert (report.outcome, bars_of_tuesday()) == (EveningOutcome.INCOMPLETE, bars)
    assert sentence in report.reason
    assert market_readiness("kr", desk.now).state == ReadinessState.NOT_READY
    if confirmed == "in the evening":
        confirm_closure()
    asked = sum(desk.krx.calls.values())
    morning = desk.morning(f"{WEDNESDAY}T08:15:00")
    if confirmed == "in the evening":
        assert (morning.collected.error, sum(desk.krx.calls.values())) == ("", asked)
    else:
        assert "record it in the calendar overrides" in morning.collected.error
        confirm_closure()
        assert desk.morning(f"{WEDNESDAY}T08:45:00").collected.error == ""
    ready = market_readiness("kr", desk.now)
    assert (ready.state, ready.record.last_closed, ready.record.undecided) == (ReadinessState.READY, MONDAY, ())

    desk.kis.exchange.repeats = False
    report = desk.evening(f"{WEDNESDAY}T15:35:00")
    assert (report.session, report.outcome, report.reason) == (WEDNESDAY, EveningOutcome.DONE, "")
    assert report.collected is not None
    assert (report.collected.new, report.collected.calls) == (12, 2)  # a list of instruments and one call of quotes
    assert ScanSession.objects.get(date=WEDNESDAY, published=True).reading == Reading.PROVISIONAL
    morning = desk.morning(f"{THURSDAY}T08:15:00")
    assert (morning.failures, morning.collected.error) == ({}, "")
    assert closes(WEDNESDAY) == desk.official(WEDNESDAY)
    assert ScanSession.objects.get(date=WEDNESDAY, published=True).reading == Reading.SETTLED
    assert market_readiness("kr", desk.now).state == ReadinessState.READY
    assert not ScanSession.objects.filter(date=TUESDAY).exists()
    assert [mail.subject.split(":")[0] for mail in mailoutbox] == [
        "Seismo KRX 2026-11-09 (Mon)",
        "Seismo KRX 2026-11-10 (Tue)",
        "Seismo KRX 2026-11-11 (Wed)",
    ]


def test_tries_and_messages_of_the_closed_day_end(desk: SettlingDesk, mailoutbox: list[Any]) -> None:
    """Once the closure is confirmed, neither the schedule nor a worker that comes back tries the day again, and a
    message of it that waits is given up."""
    schedule.set_schedule("kr", as_of=desk.at(f"{TUESDAY}T09:00:00"))
    due = datetime(2026, 11, 10, 15, 35, tzinfo=KST)
    desk.evening(f"{TUESDAY}T15:35:00")
    assert schedule.retry_later("kr", "15:35", as_of=desk.now.replace(minute=36))
    row = Schedule.objects.get(func=TASK)
    assert row.next_run == datetime(2026, 11, 10, 15, 41, tzinfo=KST)
    confirm_closure()
    for moment in (f"{TUESDAY}T15:41:00", f"{WEDNESDAY}T10:00:00"):
        schedule.set_next_run("kr", "15:35", as_of=desk.at(moment))
        since, until = schedule.closing_span("kr", "15:35", due, as_of=desk.now)
        report = desk.evening(moment, since=since, until=until)
        assert (report.session, report.incomplete) == (None, False)
        assert "nothing to do" in report.reason
    row.refresh_from_db()
    assert row.next_run == datetime(2026, 11, 11, 15, 35, tzinfo=KST)
    assert len(mailoutbox) == 2  # Monday's, and the question of Tuesday
    Delivery.objects.filter(notification__session=TUESDAY).update(sent_at=None, sending_at=None)
    waiting = Delivery.objects.get(notification__session=TUESDAY)
    notify.deliver(waiting.pk, as_of=desk.now)
    waiting.refresh_from_db()
    assert (waiting.given_up, waiting.sent_at, len(mailoutbox)) == (True, None, 2)
    assert "closed that day" in waiting.error
