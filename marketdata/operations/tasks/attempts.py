"""Attempts of background tasks: one worker at a time does a task, and a failure that may pass is attempted again.

1. `tracked` wraps a task's function. In a worker it claims the row by a conditional UPDATE: the message of a task that
   is done, or that another worker has, does nothing.
2. The row ends as done with its result, waits for its next try, or is dead with the reason.
3. A worker that dies leaves its row running under a lease that no process holds: `recovery` has it done again. The
   message is acknowledged only after the row has ended, and every function may run twice.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError
from django.db.models import F, Q
from django.utils import timezone
from django.utils.module_loading import import_string

from marketdata.models import TaskRecord, TaskStatus
from marketdata.number_format import count_of
from marketdata.operations import task_queue
from marketdata.operations.lease import Lease, LeaseTaken
from marketdata.operations.tasks.queueing import task_kind
from marketdata.sources.base import SourceUnavailable
from marketdata.task_kind import TaskKind

TRANSIENT = (
    SourceUnavailable,
    LeaseTaken,
    OperationalError,
    InterfaceError,
    ConnectionError,
    TimeoutError,
    task_queue.QueueUnavailable,
)
"""Failures that may pass."""
LONG_AGO = timedelta(days=1)
"""So old, a message is sent again at the next recovery."""
REASON_LENGTH = 500
LOGGER = logging.getLogger(__name__)

task_number: ContextVar[str] = ContextVar("task_number", default="")
"""The number of the task whose message a worker has just taken."""
running_task: ContextVar[TaskRecord | None] = ContextVar("running_task", default=None)
"""The row of the task that this code runs in."""

P = ParamSpec("P")
R = TypeVar("R")


class Draining:
    """Whether this worker's cluster is ending: a message that it took in advance is left to another worker."""

    is_set: Callable[[], bool] = staticmethod(lambda: False)


class WorkerLease:
    """The lease of this process as a task worker, taken once."""

    lease: Lease | None = None

    @classmethod
    def name(cls) -> str:
        """The lease's name; taken here where the worker's start could not."""
        if cls.lease is None:
            cls.lease = task_queue.hold_worker_lease()
        return cls.lease.name


def tracked(function: Callable[P, R]) -> Callable[P, R | str]:
    """The function of a task, of which only a worker that could claim the row runs it."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R | str:
        number = task_number.get()
        task_number.set("")
        row = TaskRecord.objects.filter(pk=number).first() if number else None
        if row is None:
            return function(*args, **kwargs)
        for left in TaskRecord.objects.filter(status=TaskStatus.RUNNING, worker=WorkerLease.name()):
            record_failure(left, "its end was not recorded")  # the database was away
        if Draining.is_set():
            TaskRecord.objects.filter(pk=row.pk).update(sent_at=row.queued_at - LONG_AGO)
            return f"{row.name} is left to another worker"
        if not claim(row):
            return f"{row.name} does not wait"
        return attempt(row, lambda: function(*args, **kwargs))

    return run


def claim(row: TaskRecord) -> bool:
    """Whether this worker has the task now; its row is refreshed."""
    now = timezone.now()
    free = TaskRecord.objects.filter(pk=row.pk, status=TaskStatus.WAITING).filter(
        Q(next_try=None) | Q(next_try__lte=now)
    )
    claimed = free.update(
        status=TaskStatus.RUNNING, attempts=F("attempts") + 1, started_at=now, worker=WorkerLease.name(), next_try=None
    )
    if claimed:
        row.refresh_from_db()
    return bool(claimed)


def attempt(row: TaskRecord, call: Callable[[], R]) -> R:
    """The result of `call`, recorded as that of the claimed row; a failure is recorded and raised."""
    token = running_task.set(row)
    try:
        result = call()
    except BaseException as error:
        record_failure(row, error)
        raise
    else:
        own_row(row).update(status=TaskStatus.DONE, result=result, reason="", finished_at=timezone.now())
        return result
    finally:
        running_task.reset(token)


def may_retry(error: BaseException) -> bool:
    """Whether the task that this code runs in will be attempted again after this error."""
    row = running_task.get()
    return row is not None and isinstance(error, TRANSIENT) and row.attempts < task_kind(row.kind).attempts


def is_repeated() -> bool:
    """Whether the task that this code runs in was attempted before."""
    row = running_task.get()
    return row is not None and row.attempts > 1


def record_failure(row: TaskRecord, error: BaseException | str, at: datetime | None = None) -> None:
    """Have the row attempted again after its kind's pause, or end it as dead; a text says why its worker is lost."""
    kind, now = task_kind(row.kind), at or timezone.now()
    reason = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    passes = isinstance(error, (str, *TRANSIENT)) and row.attempts < kind.attempts
    fields: dict[str, Any] = {"reason": reason[:REASON_LENGTH], "worker": ""}
    if passes:
        pause = 0.0 if isinstance(error, str) else kind.pauses[row.attempts - 1]
        fields |= {"status": TaskStatus.WAITING, "next_try": now + timedelta(seconds=pause)}
        LOGGER.warning("%s is attempted again in %g s: %s", row.name, pause, reason)
    else:
        fields |= {"status": TaskStatus.DEAD, "finished_at": now}
        LOGGER.error("%s is dead after attempt %d: %s", row.name, row.attempts, reason)
        _report_death(row, kind, fields["reason"])
    own_row(row).update(**fields)


def _report_death(row: TaskRecord, kind: TaskKind, reason: str) -> None:
    """Report a task that is not attempted again, where its kind has a report; again where the worker ends before the
    row does, so that a report must be the same twice."""
    if not kind.report or not own_row(row).exists():
        return
    try:
        sentence = f"Given up after {count_of(row.attempts, 'attempt')}: {reason}"
        import_string(kind.report)(sentence, *row.args, **row.kwargs)
    except Exception:  # the row has the reason, and ends
        LOGGER.exception("The end of %s was not reported", row.name)


def own_row(row: TaskRecord) -> Any:
    """The row, as long as the worker of this attempt has it."""
    return TaskRecord.objects.filter(pk=row.pk, status=TaskStatus.RUNNING, worker=row.worker, attempts=row.attempts)
