"""State of the task queues: waiting tasks and running workers of each.

There are two: `high`, where a person waits for the result, and `low`. Each is a list of the broker (the database's or
Redis), and each worker process has a lease from its start to its end (`hold_worker_lease`), on either broker.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Min, Q
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import BadSignature, SignedPackage

from marketdata.operations.lease import Lease, active_silences, delete_inactive
from marketdata.operations.processes import this_process

PATIENCE = timedelta(seconds=30)
"""How long a task may wait before the queue counts as neglected. An idle worker takes a task at once."""


QueueCounts = tuple[int, datetime | None, int]
"""Count of waiting tasks, since when the oldest waits, count of taken ones."""


class QueueUnavailable(Exception):
    """The server that keeps the queue does not answer."""


@dataclass(frozen=True, slots=True)
class Queue:
    """`waiting` tasks, the oldest for `age` (None: nothing waits, or unknown); `taken`: tasks that a worker has, where
    the queue is in the database; `workers`: running worker processes, None for unknown; `name`: high, low, or "" for
    both together, whose tasks are `neglected` where one of the two is; `silence`: since the last heartbeat of that
    worker which has been silent for longest."""

    waiting: int
    age: timedelta | None
    taken: int
    workers: int | None
    name: str = ""
    parts: tuple[Queue, ...] = ()
    silence: timedelta | None = None

    @property
    def neglected(self) -> bool:
        """Whether tasks wait and no worker takes them."""
        if self.parts:
            return any(part.neglected for part in self.parts)
        if not self.waiting or self.workers or self.taken:
            return False
        return self.workers == 0 or (self.age or timedelta()) > PATIENCE

    def __str__(self) -> str:
        text = f"{self.waiting} waiting"
        if self.age is not None:
            text += f", the oldest for {_duration(self.age)}"
        if self.neglected:
            idle = [part.name for part in self.parts if part.neglected and self.workers]
            of_queue = f" of queue {' and '.join(idle)}" if idle else ""
            return f"{text}, and no task worker{of_queue} is running: start manage.py qcluster"
        if self.workers is not None:
            text += f"; task workers running: {self.workers}"
        return text


WORKER = "task worker "
"""The first part of the name of a worker's lease; its queue, number and host follow."""
START_HINT = "No task worker is running, so it waits: start one with `manage.py qcluster`."


def queue_key(name: str) -> str:
    """The broker's name of a queue (django-q2's cluster name)."""
    return str(settings.TASK_QUEUES[name])


def this_queue() -> str:
    """The queue that this process's cluster serves."""
    return next((name for name in settings.TASK_QUEUES if queue_key(name) == Conf.CLUSTER_NAME), "")


def hold_worker_lease() -> Lease:
    """Take the lease of a running task worker until the end of this process."""
    delete_inactive(WORKER)
    process = this_process()
    name = f"{WORKER}{this_queue()} {process.pid} of {process.hostname[:90]} {uuid.uuid4().hex[:8]}"
    return Lease(name).__enter__()


def advice(now: datetime) -> str:
    """A hint for a person whose task was queued: how to start a worker where a queue has none, "" where each has one or
    that is unknown."""
    try:
        idle = [queue.name for queue in queue_states(now) if queue.workers == 0]
    except (QueueUnavailable, DatabaseError):
        return ""
    if len(idle) == 1:
        return START_HINT.replace("task worker", f"task worker of queue {idle[0]}")
    return START_HINT if idle else ""


def in_database() -> bool:
    """Whether the queue is in the database."""
    return bool(Conf.ORM)


def queue_state(now: datetime) -> Queue:
    """The state of both queues together; raises QueueUnavailable, or DatabaseError."""
    parts = queue_states(now)
    ages = [part.age for part in parts if part.age is not None]
    workers = [part.workers for part in parts if part.workers is not None]
    return Queue(
        sum(part.waiting for part in parts),
        max(ages, default=None),
        sum(part.taken for part in parts),
        sum(workers) if workers else None,
        parts=tuple(parts),
    )


def queue_states(now: datetime) -> list[Queue]:
    """The state of each queue, high first; raises QueueUnavailable, or DatabaseError."""
    if in_database():
        return _read(now, _database_counts(now))
    try:
        counts = _redis_counts()
    except Exception as error:  # its client has errors of its own, and takes long to import
        raise QueueUnavailable(f"The task queue does not answer: {error}") from error
    return _read(now, counts)


def _read(now: datetime, counts: Mapping[str, QueueCounts]) -> list[Queue]:
    silences: dict[str, list[timedelta]] = {}
    for lease, silence in active_silences(WORKER).items():
        silences.setdefault(lease.removeprefix(WORKER).split()[0], []).append(silence)
    rows = []
    for name in settings.TASK_QUEUES:
        waiting, since, taken = counts.get(queue_key(name), (0, None, 0))
        age = None if since is None else max(now - since, timedelta())
        silent = silences.get(name, [])
        rows.append(Queue(waiting, age, taken, len(silent), name, silence=max(silent, default=None)))
    return rows


def _database_counts(now: datetime) -> dict[str, QueueCounts]:
    """A task's lock is when it was put in, or, once it is taken, when it may be taken again."""
    is_waiting = Q(lock__lte=now)
    counts = OrmQ.objects.values("key").annotate(
        waiting=Count("pk", filter=is_waiting),
        since=Min("lock", filter=is_waiting),
        taken=Count("pk", filter=~is_waiting),
    )
    return {row["key"]: (row["waiting"], row["since"], row["taken"]) for row in counts}


def _redis_counts() -> dict[str, QueueCounts]:
    """Tasks are taken from the list's head, so the oldest is there."""
    counts: dict[str, QueueCounts] = {}
    for key in map(queue_key, settings.TASK_QUEUES):
        broker = get_broker(key)
        waiting, oldest = broker.queue_size(), broker.connection.lindex(broker.list_key, 0)
        try:
            since = SignedPackage.loads(oldest)["started"] if oldest else None
        except BadSignature:  # of an installation with another secret key
            since = None
        counts[key] = waiting, since, 0
    return counts


def _duration(age: timedelta) -> str:
    """A duration in the largest unit that it has two of."""
    seconds = int(age.total_seconds())
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
