"""What waits for a task worker, and whether one is there.

Where there is Redis, clusters leave their statistics in it. In the database alone they leave none that other processes
see: there each worker process holds a lease of its own from its start to its end (`hold_worker_lease`).
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
"""How long a task may wait before that alone tells that nobody works the queue. An idle worker takes one at once."""


Counted = tuple[int, datetime | None, int]
"""How many wait, since when the oldest does, how many are taken."""


class QueueUnavailable(Exception):
    """The server that keeps the queue does not answer."""


@dataclass(frozen=True, slots=True)
class Queue:
    """`waiting` tasks, the oldest for `age` (None: nothing waits, or it cannot be told); `taken`: those a worker holds,
    where the queue is in the database; `workers`: the worker processes (with Redis the clusters) that are running, None
    where they cannot be seen."""

    waiting: int
    age: timedelta | None
    taken: int
    workers: int | None

    @property
    def neglected(self) -> bool:
        """Whether tasks wait and nobody is there to take them."""
        if not self.waiting or self.workers or self.taken:
            return False
        return self.workers == 0 or (self.age or timedelta()) > PATIENCE

    def __str__(self) -> str:
        told = f"{self.waiting} waiting"
        if self.age is not None:
            told += f", the oldest for {_span(self.age)}"
        if self.neglected:
            return f"{told}, and no task worker is running: start manage.py qcluster"
        if self.workers is not None:
            told += f"; task workers running: {self.workers}"
        return told


WORKER = "task worker "
"""How the lease of a worker process begins; its host and number follow."""
START_HINT = "No task worker is running, so it waits: start one with `manage.py qcluster`."


def hold_worker_lease() -> Lease:
    """Hold, from now to the end of this process, the lease that says that a task worker is running."""
    delete_inactive(WORKER)
    process = this_process()
    return Lease(f"{WORKER}{process.pid} of {process.hostname} {uuid.uuid4().hex[:8]}").__enter__()


def advice(now: datetime) -> str:
    """What to say to a person whose task was queued: how to start a worker where none is running, "" where one is or
    that is not known."""
    try:
        return START_HINT if queue_state(now).workers == 0 else ""
    except (QueueUnavailable, DatabaseError):
        return ""


def in_database() -> bool:
    """Whether the queue is in the database."""
    return bool(Conf.ORM)


def queue_state(now: datetime) -> Queue:
    """The queue as it stands; raises QueueAway, or DatabaseError where it is in the database."""
    if in_database():
        return _read(now, _in_database)
    try:
        return _read(now, _on_redis)
    except Exception as error:  # its client has errors of its own, and takes long to import
        raise QueueUnavailable(f"The task queue does not answer: {error}") from error


def _read(now: datetime, counted: Callable[[Any, datetime], Counted]) -> Queue:
    broker = get_broker()
    waiting, since, taken = counted(broker, now)
    age = None if since is None else max(now - since, timedelta())
    return Queue(waiting, age, taken, _workers(broker))


def _in_database(broker: Any, now: datetime) -> Counted:
    """A task's lock is when it was put in, or, once it is taken, when it may be taken again."""
    waits = Q(lock__lte=now)
    found = OrmQ.objects.filter(key=broker.list_key).aggregate(
        waiting=Count("pk", filter=waits),
        since=Min("lock", filter=waits),
        taken=Count("pk", filter=~waits),
    )
    return found["waiting"], found["since"], found["taken"]


def _on_redis(broker: Any, _: datetime) -> Counted:
    """Tasks are taken from the list's head, so the oldest stands there."""
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


def _span(age: timedelta) -> str:
    """A duration in the largest unit that it has two of."""
    seconds = int(age.total_seconds())
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
