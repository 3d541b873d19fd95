"""The message to the operator on days that a source calls otherwise than the calendar: once, in both languages."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from marketdata.operations.collect import holidays
from scans.models import Notification
from scans.notices.message import render
from scans.operations.evening import evening as evenings
from scans.operations.evening import notify
from scans.operations.evening.evening import EveningRequest
from scans.operations.evening.notification_content import notification_message
from tests.marketdata.operations.kis_setup import KisSetup, evening

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

MONDAY, TUESDAY = date(2026, 8, 24), date(2026, 8, 25)


@pytest.fixture(autouse=True)
def operator(settings: Any) -> None:
    settings.NOTIFY_EMAIL = ["desk@example.org"]
    settings.PUBLIC_URL = "https://seismo.example.org"


def send(day: date) -> None:
    notify.send_calendar("kr", clock=lambda: evening(day))


def test_a_day_that_a_source_closes_is_one_message(mailoutbox: list[Any]) -> None:
    with KisSetup({}, closed=frozenset({TUESDAY})) as kis:
        holidays.sync(kis.source, market="kr", as_of=evening(MONDAY))
        for _ in range(2):
            send(MONDAY)
        (mail,) = mailoutbox
        assert mail.subject == "Seismo KRX 2026-08-24 (Mon): a source disputes the calendar"
        sentence = (
            "kis calls 2026-08-25 closed on market kr, against the calendar: it counts as closed since then; confirm "
            "or correct it in the admin's calendar overrides."
        )
        assert mail.body == f"{sentence}\nhttps://seismo.example.org/kr/sources\n"
        assert Notification.objects.get().outcome == "notice"
        korean = render(notification_message(Notification.objects.get(), "ko"), with_subject=True)
        assert "KRX 2026-08-24 (월): 소스의 응답이 달력과 다름" in korean
        assert "kr 시장 2026-08-25: kis의 응답으로는 휴장이지만 달력과 다릅니다. 이제 휴장으로 처리합니다." in korean
        kis.exchange.closed = frozenset()
        holidays.sync(kis.source, market="kr", as_of=evening(TUESDAY))
        send(TUESDAY)
    assert mailoutbox[1].body.startswith("kis calls 2026-08-25 a session again, as the calendar of market kr has it.")
    assert len(mailoutbox) == 2


def test_an_evening_whose_session_was_closed_sends_it(mailoutbox: list[Any], settings: Any) -> None:
    with KisSetup({}, closed=frozenset({MONDAY})) as kis:
        kis.exchange.today = MONDAY
        own = {"app_key": "PSimitationkey", "app_secret": "imitation-secret", "base_url": kis.exchange.url}
        settings.SOURCES = settings.SOURCES | {"kis": settings.SOURCES["kis"] | own | {"token_every": 0.001}}
        for _ in range(2):
            report = evenings.run_evening(EveningRequest("kr"), clock=lambda: evening(MONDAY), warm_up=lambda *_: None)
            assert report.session is None
    (mail,) = mailoutbox
    assert "kis calls 2026-08-24 closed on market kr" in mail.body
    assert Notification.objects.get().kind == Notification.CALENDAR
