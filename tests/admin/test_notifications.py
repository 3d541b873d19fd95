"""Notifications in the admin: their text, and sending them again."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django_q.models import Schedule

from scans.admin.notifications import KINDS
from scans.models import Delivery, EveningOutcome, Notification
from scans.operations.evening import evening
from tests.admin.views import page, sentences
from tests.scans.conftest import AS_OF


def sentence() -> Notification:
    """That of the market's last session, which two versions scan."""
    request = evening.EveningRequest(
        "kr",
        versions=["rises", "rises-10"],
        session=date(2024, 4, 30),
        collects=False,
    )
    evening.run_evening(request, clock=lambda: AS_OF, warm_up=lambda market, versions: None)
    return Notification.objects.get()


def test_notification_page_shows_the_report(scanned: Any, looking: Client) -> None:
    row = sentence()
    best = row.versions[0]["picks"][0]
    listed = page(looking, reverse("admin:scans_notification_changelist"))
    behind = row.readiness["sessions_behind"]
    subject = f"Seismo KRX 2024-04-30 (Tue), {behind} sessions behind: rises {row.versions[0]['matched']} picks"
    assert subject in listed
    shown = page(looking, reverse("admin:scans_notification_change", args=[row.pk]))
    assert f"1. {best['code']}" in shown
    assert "Send again" not in shown


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("disputed days", "notice")), ("ko", ("달력 이견", "알림", "소스의 응답이 달력과 다름"))],
)
def test_a_message_on_the_calendar_is_a_notice(looking: Client, language: str, words: tuple[str, ...]) -> None:
    Notification.objects.create(
        market="kr",
        session=date(2026, 11, 30),
        kind=Notification.CALENDAR,
        outcome=EveningOutcome.NOTICE,
        reason="kis calls 2026-12-01 closed on market kr, against the calendar.",
        digest="x",
        created_at=AS_OF,
        changed_at=AS_OF,
    )
    looking.cookies["django_language"] = language
    listed = page(looking, reverse("admin:scans_notification_changelist"))
    rows = listed[listed.index('<table id="result_list"') :]
    assert all(word in rows for word in words)


def test_it_is_sent_again(scanned: Any, client: Client, settings: Any) -> None:
    settings.NOTIFY_EMAIL = ["ann@example.org"]
    row = sentence()
    user = User.objects.create_user("sender", is_staff=True)
    named = ["view_notification", "change_notification"]
    user.user_permissions.set(Permission.objects.filter(codename__in=named))
    client.force_login(user)
    assert "Send again" in page(client, reverse("admin:scans_notification_change", args=[row.pk]))
    address = reverse("admin:scans_notification_again", args=[row.pk])
    assert "to everyone who received it" in page(client, address)
    assert Delivery.objects.get().sent_at == AS_OF
    done = client.post(address, {"confirmed": "yes"}, follow=True)
    assert sentences(done) == ["To be sent again by email."]
    assert (Delivery.objects.get().sent_at, Schedule.objects.get().func) == (
        None,
        "scans.tasks.deliver",
    )
    assert LogEntry.objects.get().user == user


def test_every_kind_of_notification_is_listed_filtered_and_shown(looking: Client) -> None:
    """A message on a disputed day was left out of the names, and the list answered with an error."""
    constants = {value for name, value in vars(Notification).items() if name.isupper() and isinstance(value, str)}
    assert set(Notification.KINDS) == constants
    for number, kind in enumerate(Notification.KINDS):
        versions = [{"scanner_version": "rises", "touches": []}] if kind == Notification.INTRADAY else []
        row = Notification.objects.create(
            market="kr",
            session=date(2024, 4, 30),
            kind=kind,
            as_of=AS_OF,
            outcome="done",
            reason="KRX calls it closed.",
            versions=versions,
            digest=str(number),
            created_at=AS_OF,
            changed_at=AS_OF,
        )
        listed = page(looking, reverse("admin:scans_notification_changelist"), kind=kind)
        name = str(KINDS[kind])
        assert listed.count(f">{name}<") == 2, "in the filter and in the row"
        assert name in page(looking, reverse("admin:scans_notification_change", args=[row.pk]))


def test_without_a_channel(scanned: Any, console: Client) -> None:
    address = reverse("admin:scans_notification_again", args=[sentence().pk])
    done = console.post(address, {"confirmed": "yes"}, follow=True)
    assert "set SEISMO_NOTIFY_URL or SEISMO_NOTIFY_EMAIL or SEISMO_NOTIFY_APPRISE" in sentences(done)[0]
