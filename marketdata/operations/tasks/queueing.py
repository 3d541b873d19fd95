"""Queueing of background tasks by kind: the row of each, and the message that a broker carries.

1. `enqueue` sends a task to its kind's queue. django-q2's signal makes its row first (`record_task`), also for a task
   of a schedule.
2. The message may be lost or arrive twice: the row decides (`attempts`), and `recovery` sends it again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from marketdata.models import TaskRecord, TaskStatus
from marketdata.operations.task_queue import in_database, queue_key
from marketdata.request_id import get_request_id
from marketdata.task_kind import TaskKind

NAME_LENGTH = 100
REQUEST_ID = "request_id"
"""In a message: the identifier of the request that queued the task."""


def task_kind(kind: str) -> TaskKind:
    """The kind of that name; ValueError for an unknown one."""
    kinds: Mapping[str, TaskKind] = settings.TASK_KINDS
    if kind not in kinds:
        raise ValueError(f"There is no kind of task {kind!r}: choose among {', '.join(kinds)}.")
    return kinds[kind]


def enqueue(kind: str, *args: Any, name: str, **kwargs: Any) -> str:
    """Queue a task of this kind; returns its number."""
    row = task_kind(kind)
    options = {"task_name": name, "group": kind, "cluster": queue_key(row.queue)}
    # One transaction waits once for SQLite's lock; Redis carries a message only once the row can be read.
    with transaction.atomic() if in_database() else nullcontext():
        return str(async_task(row.function, *args, **kwargs, q_options=options))


def record_task(task: Mapping[str, Any]) -> None:
    """Create the row of a task that django-q2 is about to send, where its function is of a kind."""
    kind = _kind_of(str(task["func"]), task.get("cluster"))
    if kind is None:
        return
    now = timezone.now()
    TaskRecord.objects.create(
        id=task["id"],
        kind=kind,
        queue=task_kind(kind).queue,
        name=str(task["name"])[:NAME_LENGTH],
        function=task["func"],
        args=list(task["args"]),
        kwargs=dict(task["kwargs"]),
        request_id=task.get(REQUEST_ID, ""),
        queued_at=now,
        sent_at=now,
    )


def unfinished_names(names: Iterable[str]) -> set[str]:
    """Those of these names whose task waits or runs."""
    rows = TaskRecord.objects.filter(name__in=list(names), status__in=(TaskStatus.WAITING, TaskStatus.RUNNING))
    return set(rows.values_list("name", flat=True))


def is_waiting(name: str) -> bool:
    """Whether a task of this name waits."""
    return TaskRecord.objects.filter(name=name[:NAME_LENGTH], status=TaskStatus.WAITING).exists()


def create_members(kind: str, group: str, members: Sequence[Mapping[str, Any]], *, name: str) -> None:
    """Create the rows of a group's members, one for each of these keyword arguments, and send their messages; rows
    that exist already remain as they are."""
    now, chosen = timezone.now(), task_kind(kind)
    rows = [
        TaskRecord(
            id=uuid.uuid4().hex,
            kind=kind,
            queue=chosen.queue,
            name=f"{name} {place + 1} of {len(members)}"[:NAME_LENGTH],
            function=chosen.function,
            kwargs=dict(member),
            request_id=get_request_id(),
            group=group,
            place=place,
            queued_at=now,
            sent_at=now,
        )
        for place, member in enumerate(members)
    ]
    TaskRecord.objects.bulk_create(rows, ignore_conflicts=True)
    made = set(TaskRecord.objects.filter(group=group).values_list("pk", flat=True))
    for row in rows:
        if row.pk in made:
            send(row)


def send(row: TaskRecord) -> None:
    """Send the message of a row."""
    key = queue_key(row.queue)
    task = {
        "id": row.pk,
        "name": row.name,
        "func": row.function,
        "args": tuple(row.args),
        "kwargs": row.kwargs,
        "group": row.group or row.kind,
        "cluster": key,
        "ack_failure": True,
        "started": timezone.now(),
    }
    if row.request_id:
        task[REQUEST_ID] = row.request_id
    get_broker(key).enqueue(SignedPackage.dumps(task))


def _kind_of(function: str, cluster: str | None) -> str | None:
    kinds: Mapping[str, TaskKind] = settings.TASK_KINDS
    names = [name for name, kind in kinds.items() if kind.function == function]
    return next((name for name in names if queue_key(kinds[name].queue) == cluster), names[-1] if names else None)
