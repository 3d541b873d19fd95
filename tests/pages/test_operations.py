"""The page of operations: workers, queues, last evenings, versions, deliveries; for staff alone."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_q.models import Schedule

from marketdata.operations import task_queue
from marketdata.operations.collect.missing_data import CollectionSummary
from marketdata.operations.lease import Lease
from scans.models import Delivery, Notification, ScannerVersion, ScanRun
from scans.operations.evening import schedule
from scans.pages import operations
from tests.pages.test_korean import english_words

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db

AT = datetime(2026, 8, 21, 9, 42, tzinfo=UTC)
"""18:42 in Seoul."""


@pytest.fixture(autouse=True)
def no_memo() -> None:
    cache.clear()
    operations.STATISTICS.clear()


@pytest.fixture
def staff(browser: Client, trader: User) -> Client:
    from django.contrib.auth.models import Permission

    trader.is_staff = True
    trader.save()
    trader.user_permissions.add(Permission.objects.get(codename="change_notification"))
    return browser


@pytest.fixture
def evenings(db: None) -> Notification:
    """Evenings of KRX on two days, the last of 12.5 s with 3.2 s of collection; its mail sent, its webhook given up."""
    for day, seconds in ((20, 60.0), (21, 12.5)):
        row = Notification.objects.create(
            market="kr",
            session=date(2026, 8, day),
            outcome="partial",
            seconds=seconds,
            collection=asdict(CollectionSummary(source="kis", seconds=3.2)),
            digest=f"{day}",
            created_at=AT,
            changed_at=AT,
        )
    Delivery.objects.create(notification=row, channel="email", digest="21", attempts=1, sent_at=AT)
    Delivery.objects.create(
        notification=row, channel="webhook", digest="21", attempts=5, given_up=True, error="HTTP 500"
    )
    version = ScannerVersion.objects.create(slug="mine", engine="v1")
    for day, status in ((19, "failed"), (20, "published"), (21, "published")):
        ScanRun.objects.create(
            scanner_version=version,
            market="kr",
            first=date(2026, 8, day),
            last=date(2026, 8, day),
            revision=1,
            params={},
            status=status,
            seconds={"read": 0.5, "features": 1.5, "score": 0.1, "publish": 0.4},
            started_at=AT,
            finished_at=AT + timedelta(seconds=2.5),
        )
    schedule.set_schedule("kr", as_of=AT)
    return row


def text(client: Client, language: str = "en") -> str:
    answer = client.get("/ops", headers={"Accept-Language": language})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_readers_are_refused_and_see_no_link(client: Client, trader: User) -> None:
    assert client.get("/ops").status_code == 302
    client.force_login(trader)
    assert client.get("/ops").status_code == 403
    assert client.post("/ops/test").status_code == 403
    assert 'href="/ops"' not in client.get("/help").content.decode()


def test_anonymous_readers_are_sent_to_the_login(client: Client, settings: Any) -> None:
    settings.ANONYMOUS_READS = True
    assert client.get("/ops").status_code == 302
    assert client.post("/ops/test").status_code == 403


def test_the_page_has_evening_stages_versions_and_deliveries(staff: Client, evenings: Notification) -> None:
    page = text(staff)
    assert 'href="/ops"' in page
    assert "partly failed" in page
    assert "12.5 s" in page
    assert "3.20 s" in page
    assert "60.0 s" not in page
    assert "read 0.50 s · features 1.50 s · score 0.10 s · publish 0.40 s" in page
    assert "67 %" in page
    assert "2.50 s" in page
    next_run = Schedule.objects.get(name="evening kr").next_run
    assert next_run is not None
    assert f"{next_run + timedelta(hours=9):%Y-%m-%d %H:%M} KST" in page
    assert "HTTP 500" in page
    assert f'href="/admin/scans/notification/{evenings.pk}/change/"' in page


def test_without_a_worker_the_page_says_how_to_start_one(staff: Client) -> None:
    page = text(staff)
    assert "No task worker is running, so requests wait." in page
    assert page.count("<code>manage.py qcluster</code>") == 1
    with Lease(f"{task_queue.WORKER}high 1 of here"):
        page = text(staff)
    assert "requests wait" not in page
    assert page.count("<code>manage.py qcluster") == 1
    assert "evenings and ranges” is running. Start one: <code>manage.py qcluster --queue low</code>" in page


def test_queries_do_not_grow(staff: Client, evenings: Notification, one_minute: None) -> None:
    """Session with generations, user, notifications with deliveries, schedules, tasks, workers; runs once a minute."""
    numbers = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as made:
            text(staff)
        numbers.append(len(made))
    assert numbers[1] == numbers[0] - 1 <= 6


def test_no_english_is_visible_on_the_korean_page(staff: Client, evenings: Notification) -> None:
    assert english_words(text(staff, "ko")) <= {"mine", "s"}


def test_the_test_notification_is_that_of_the_last_evening(
    staff: Client, evenings: Notification, settings: Any
) -> None:
    said = staff.post("/ops/test", follow=True).content.decode()
    assert "No channel is configured" in said
    settings.NOTIFY_EMAIL = ("operator@example.org",)
    said = staff.post("/ops/test", follow=True).content.decode()
    assert "email took the test message." in said
    (letter,) = mail.outbox
    assert "2026-08-21" in letter.subject
    assert Delivery.objects.count() == 2
    said = staff.post("/ops/test", follow=True).content.decode()
    assert "A test was sent a moment ago" in said
    assert len(mail.outbox) == 1
