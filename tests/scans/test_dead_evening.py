"""An evening that is not attempted again sends one message, and the market's readiness says why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from marketdata.models import TaskRecord, TaskStatus
from marketdata.operations.tasks import attempts, queueing
from scans.models import Notification, ScannerVersion
from scans.operations.evening import schedule
from scans.queries.readiness import market_readiness
from tests.scans.receiver import Receiver
from tests.task_queues import as_worker, purge_queues

pytestmark = pytest.mark.django_db(transaction=True)
AT, LATER = time(18, 10), time(18, 11)
REASON = "Given up after 5 attempts: OperationalError: the disk is full"


@pytest.fixture
def receiver(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    purge_queues()
    with as_worker(monkeypatch), Receiver() as hook:
        settings.NOTIFY_URL, settings.NOTIFY_SECONDS = hook.url, 5.0
        yield hook
    purge_queues()


def last_attempt(due: datetime, *, at: time = AT, **options: Any) -> TaskRecord:
    """The evening's task in the last attempt of its kind."""
    arguments = {"market": "kr", "at": f"{at:%H:%M}", "due": due.isoformat(), "collects": False, **options}
    queueing.enqueue("evening", name=f"evening kr {at}", **arguments)
    row = TaskRecord.objects.get(kind="evening", status=TaskStatus.WAITING)
    TaskRecord.objects.filter(pk=row.pk).update(attempts=4)
    assert attempts.claim(row)
    return row


def fail(row: TaskRecord) -> None:
    attempts.record_failure(row, OperationalError("the disk is full"))


@pytest.fixture
def due(market: Any, probe: Any, sessions: Any, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """18:10 in Seoul of the last session, and the clock is five minutes later."""
    moment = datetime.combine(sessions[-1], time(9, 10), tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: moment + timedelta(minutes=5))
    return moment


def test_the_last_failure_of_an_evening_is_one_message(receiver: Receiver, due: datetime) -> None:
    row = last_attempt(due, versions=["rises"])
    fail(row)
    fail(row)  # as a second process that has seen the same worker lost
    row.refresh_from_db()
    assert row.status == TaskStatus.DEAD
    notification = Notification.objects.get()
    assert (notification.session, notification.outcome, notification.reason) == (due.date(), "failed", REASON)
    assert len(receiver.received) == 1
    assert REASON in receiver.received[0]["text"]
    failed = {version.version: version.reason for version in market_readiness("kr", timezone.now()).versions}
    assert failed["rises"] == "The evening ended before it published this version."


def test_a_failure_that_may_pass_sends_nothing(receiver: Receiver, due: datetime) -> None:
    row = last_attempt(due, versions=["rises"])
    TaskRecord.objects.filter(pk=row.pk).update(attempts=1)
    row.refresh_from_db()
    fail(row)
    row.refresh_from_db()
    assert row.status == TaskStatus.WAITING
    assert not receiver.received


def test_of_two_evenings_the_last_of_the_day_sends_the_failure_of_both(receiver: Receiver, due: datetime) -> None:
    for at, slug, adds in ((AT, "rises", False), (LATER, "rises-10", True)):
        schedule.set_schedule("kr", as_of=due, at=at, versions=[slug], collects=False, adds=adds)
    fail(last_attempt(due, versions=["rises"]))
    assert not receiver.received
    fail(last_attempt(due, at=LATER, versions=["rises-10"]))
    (body,) = receiver.received
    assert [(row["scanner_version"], row["status"]) for row in body["versions"]] == [
        ("rises", "failed"),
        ("rises-10", "failed"),
    ]


def test_an_evening_of_a_version_that_is_gone_is_a_message(receiver: Receiver, due: datetime) -> None:
    row = last_attempt(due, versions=["gone"])
    attempts.task_number.set(row.pk)
    TaskRecord.objects.update(status=TaskStatus.WAITING)
    from scans import tasks

    assert "gone" in tasks.evening(**row.kwargs)
    (body,) = receiver.received
    assert "gone" in body["text"]
    assert ScannerVersion.objects.filter(slug="rises").exists()
