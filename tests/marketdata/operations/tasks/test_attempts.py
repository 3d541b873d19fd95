"""A task is done once whatever becomes of its messages and workers; failures that may pass are attempted again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from django_q.models import Failure

from marketdata.models import LeaseRow, TaskRecord, TaskStatus
from marketdata.operations.tasks import attempts, queueing
from marketdata.operations.tasks.figures import failure_shares
from marketdata.operations.tasks.recovery import recover, revive
from marketdata.sources.base import SourceUnavailable
from seismo_site.task_kinds import KINDS
from tests.task_queues import as_worker, purge_queues, queue_size

pytestmark = pytest.mark.django_db
CALLS: list[int] = []
ERRORS: list[BaseException] = []


@attempts.tracked
def task(number: int) -> str:
    """Fails with the next of `ERRORS`."""
    CALLS.append(number)
    if ERRORS:
        raise ERRORS.pop(0)
    return f"done {number}"


@pytest.fixture(autouse=True)
def empty(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    CALLS.clear()
    ERRORS.clear()
    purge_queues()
    with as_worker(monkeypatch):
        yield
    purge_queues()


def message(row: TaskRecord) -> Any:
    """The row's message reaches a worker."""
    attempts.task_number.set(row.pk)
    return task(*row.args)


def queued(number: int = 7) -> TaskRecord:
    queueing.enqueue("scan", number, name=f"scan request {number}")
    return TaskRecord.objects.get()


def state(row: TaskRecord) -> tuple[str, int]:
    row.refresh_from_db()
    return row.status, row.attempts


def test_a_task_is_done_once_however_often_its_message_arrives() -> None:
    row = queued()
    assert (row.kind, row.queue, row.function, row.args) == ("scan", "high", "scans.tasks.process_scan_request", [7])
    assert queue_size() == 1
    assert message(row) == "done 7"
    assert message(row) == "scan request 7 does not wait"
    assert (CALLS, state(row)) == ([7], (TaskStatus.DONE, 1))
    assert row.result == "done 7"


@pytest.mark.parametrize("error", [OperationalError("locked"), SourceUnavailable("away"), ConnectionError("reset")])
def test_a_failure_that_may_pass_is_attempted_again_after_growing_pauses(error: Exception) -> None:
    row, pauses = queued(), KINDS["scan"].pauses
    assert list(pauses) == sorted(set(pauses))
    for count, pause in enumerate(pauses, start=1):
        ERRORS.append(error)
        before = timezone.now()
        with pytest.raises(type(error)):
            message(row)
        assert state(row) == (TaskStatus.WAITING, count)
        assert row.next_try
        assert before <= row.next_try - timedelta(seconds=pause) <= timezone.now()
        assert message(row) == "scan request 7 does not wait"  # not before its time
        TaskRecord.objects.update(next_try=before)
    assert message(row) == "done 7"
    assert (len(CALLS), state(row)) == (5, (TaskStatus.DONE, 5))


def test_another_failure_is_dead_at_once_and_may_be_revived() -> None:
    row = queued()
    ERRORS.append(KeyError("code"))
    with pytest.raises(KeyError):
        message(row)
    assert state(row) == (TaskStatus.DEAD, 1)
    assert row.reason == "KeyError: 'code'"
    purge_queues()
    assert revive(row, timezone.now())
    assert (queue_size(), state(row)) == (1, (TaskStatus.WAITING, 0))
    assert not revive(row, timezone.now())
    assert message(row) == "done 7"


def test_a_failure_that_never_passes_ends() -> None:
    row = queued()
    for _ in range(5):
        ERRORS.append(OperationalError("locked"))
        with pytest.raises(OperationalError):
            message(row)
        TaskRecord.objects.update(next_try=None)
    assert state(row) == (TaskStatus.DEAD, 5)


def test_the_task_of_a_lost_worker_is_done_again() -> None:
    row = queued()
    assert attempts.claim(row)
    purge_queues()
    assert recover(timezone.now()) == 0  # its worker is there
    LeaseRow.objects.update(process_started=1)  # as if it had been killed
    assert recover(timezone.now()) == 1
    assert (queue_size(), state(row), row.reason) == (1, (TaskStatus.WAITING, 1), "its worker was lost")
    assert recover(timezone.now()) == 0
    assert attempts.WorkerLease.lease is not None
    attempts.WorkerLease.lease.__exit__(None, None, None)
    attempts.WorkerLease.lease = None
    assert message(row) == "done 7"


def test_a_late_worker_does_not_change_what_another_did() -> None:
    row = queued()
    assert attempts.claim(row)
    late = TaskRecord.objects.get()
    attempts.record_failure(row, "its worker was lost")
    assert message(row) == "done 7"
    attempts.record_failure(late, KeyError("late"))
    assert state(row) == (TaskStatus.DONE, 2)


def test_a_lost_message_is_sent_again_once() -> None:
    row = queued()
    purge_queues()
    assert recover(timezone.now()) == 0
    later = timezone.now() + timedelta(seconds=16)
    assert (recover(later), recover(later), queue_size()) == (1, 0, 1)
    assert message(row) == "done 7"
    assert recover(later + timedelta(hours=1)) == 0


def test_a_message_is_not_repeated_beside_others_that_wait() -> None:
    queued()
    assert recover(timezone.now() + timedelta(seconds=16)) == 0
    assert queue_size() == 1


def test_the_share_of_failures() -> None:
    now = datetime(2026, 8, 20, tzinfo=UTC)
    assert failure_shares(now) == {"24 hours": None, "30 days": None}
    ends = (
        [(TaskStatus.DONE, 1)] * 3 + [(TaskStatus.DEAD, 1)] + [(TaskStatus.DONE, 48)] * 4 + [(TaskStatus.DEAD, 24 * 31)]
    )
    for n, (status, hours) in enumerate(ends):
        finished = now - timedelta(hours=hours)
        TaskRecord.objects.create(
            id=str(n), kind="scan", queue="high", status=status, queued_at=now, sent_at=now, finished_at=finished
        )
    assert failure_shares(now) == {"24 hours": 1 / 4, "30 days": 1 / 8}


def test_rows_of_failed_tasks_go_as_those_of_their_record_do() -> None:
    now = timezone.now()
    for days in (34, 36):
        ended = now - timedelta(days)
        Failure.objects.create(
            id=f"{days}", name=f"{days}", func="os.getcwd", started=ended, stopped=ended, success=False
        )
        TaskRecord.objects.create(
            id=f"{days}", kind="scan", queue="high", status=TaskStatus.DEAD, queued_at=ended, sent_at=ended,
            finished_at=ended,
        )  # fmt: skip
    recover(now)
    assert list(Failure.objects.values_list("pk", flat=True)) == ["34"]
    assert list(TaskRecord.objects.values_list("pk", flat=True)) == ["34"]


def test_a_time_limit_is_no_failure_that_passes() -> None:
    row = queued()
    ERRORS.append(SystemExit(signal.SIGALRM))
    with pytest.raises(SystemExit):
        message(row)
    assert state(row) == (TaskStatus.DEAD, 1)
