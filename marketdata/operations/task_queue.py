"""State of the task queue: waiting tasks and running workers.

With Redis, clusters write their statistics to it. With the database alone their statistics are invisible to other
processes: each worker process has a lease from its start to its end (`hold_worker_lease`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.db import DatabaseError
from django.db.models import Count, Min, Q
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import BadSignature, SignedPackage
from django_q.status import Stat

from marketdata.operations.lease import Lease, count_active, delete_inactive
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
    the queue is in the database; `workers`: running worker processes (with Redis clusters), None for unknown."""

    waiting: int
    age: timedelta | None
    taken: int
    workers: int | None

    @property
    def neglected(self) -> bool:
        """Whether tasks wait and no worker takes them."""
        if not self.waiting or self.workers or self.taken:
            return False
        return self.workers == 0 or (self.age or timedelta()) > PATIENCE

    def __str__(self) -> str:
        text = f"{self.waiting} waiting"
        if self.age is not None:
            text += f", the oldest for {_duration(self.age)}"
        if self.neglected:
            return f"{text}, and no task worker is running: start manage.py qcluster"
        if self.workers is not None:
            text += f"; task workers running: {self.workers}"
        return text


WORKER = "task worker "
"""The first part of the name of a worker's lease; its host and number follow."""
START_HINT = "No task worker is running, so it waits: start one with `manage.py qcluster`."


def hold_worker_lease() -> Lease:
    """Take the lease of a running task worker until the end of this process."""
    delete_inactive(WORKER)
    process = this_process()
    return Lease(f"{WORKER}{process.pid} of {process.hostname} {uuid.uuid4().hex[:8]}").__enter__()


def advice(now: datetime) -> str:
    """A hint for a person whose task was queued: how to start a worker where none is running, "" where one is or that
    is unknown."""
    try:
        return START_HINT if queue_state(now).workers == 0 else ""
    except (QueueUnavailable, DatabaseError):
        return ""


def in_database() -> bool:
    """Whether the queue is in the database."""
    return bool(Conf.ORM)


def queue_state(now: datetime) -> Queue:
    """The state of the queue; raises QueueAway, or DatabaseError where it is in the database."""
    if in_database():
        return _read(now, _database_counts)
    try:
        return _read(now, _redis_counts)
    except Exception as error:  # its client has errors of its own, and takes long to import
        raise QueueUnavailable(f"The task queue does not answer: {error}") from error


def _read(now: datetime, counted: Callable[[Any, datetime], QueueCounts]) -> Queue:
    broker = get_broker()
    waiting, since, taken = counted(broker, now)
    age = None if since is None else max(now - since, timedelta())
    return Queue(waiting, age, taken, _workers(broker))


def _database_counts(broker: Any, now: datetime) -> QueueCounts:
    """A task's lock is when it was put in, or, once it is taken, when it may be taken again."""
    is_waiting = Q(lock__lte=now)
    counts = OrmQ.objects.filter(key=broker.list_key).aggregate(
        waiting=Count("pk", filter=is_waiting),
        since=Min("lock", filter=is_waiting),
        taken=Count("pk", filter=~is_waiting),
    )
    return counts["waiting"], counts["since"], counts["taken"]


def _redis_counts(broker: Any, _: datetime) -> QueueCounts:
    """Tasks are taken from the list's head, so the oldest is there."""
    waiting, oldest = broker.queue_size(), broker.connection.lindex(broker.list_key, 0)
    try:
        since = SignedPackage.loads(oldest)["started"] if oldest else None
    except BadSignature:  # of an installation with another secret key
        since = None
    return waiting, since, 0


def _workers(broker: Any) -> int | None:
    if in_database() and isinstance(broker.cache, LocMemCache):
        return count_active(WORKER)  # statistics are each process's own
    return len(Stat.get_all(broker))


def _duration(age: timedelta) -> str:
    """A duration in the largest unit that it has two of."""
    seconds = int(age.total_seconds())
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
