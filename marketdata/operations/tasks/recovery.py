"""Recovery of background tasks: those of lost workers, those due again, those whose message was lost.

Each worker's cluster and supervisor calls `recover` at its start, every half minute, and when a worker has died.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, F, Q
from django_q.models import Failure

from marketdata.models import TaskRecord, TaskStatus
from marketdata.operations import lease, task_queue
from marketdata.operations.tasks.attempts import record_failure
from marketdata.operations.tasks.queueing import send

MESSAGE_LOST = timedelta(seconds=15)
"""How long a task waits beside an empty queue before its message counts as lost; a surplus message does nothing."""
MESSAGE_OLD = timedelta(minutes=10)
"""The same beside a queue that is not empty."""
KEPT = timedelta(days=35)
"""How long rows of ended tasks are kept."""
LOST = "its worker was lost"


def recover(now: datetime) -> int:
    """Have every task done that waits for nothing but its message; returns the count of messages sent."""
    running = TaskRecord.objects.filter(status=TaskStatus.RUNNING)
    workers = set(running.order_by().values_list("worker", flat=True))
    lost = lease.inactive(workers) if workers else set()
    for row in running.filter(worker__in=lost):
        record_failure(row, LOST, now)
    TaskRecord.objects.filter(finished_at__lt=now - KEPT).delete()
    Failure.objects.filter(stopped__lt=now - KEPT).delete()  # django-q2 limits the rows of successful tasks alone
    return _send_due(now)


def running_counts() -> dict[str, int]:
    """Queue -> how many of its tasks are at work."""
    rows = TaskRecord.objects.filter(status=TaskStatus.RUNNING).order_by().values_list("queue")
    return dict(rows.annotate(Count("pk")))


def revive(row: TaskRecord, now: datetime) -> bool:
    """Have a dead task attempted from the beginning; returns whether it was dead."""
    dead = TaskRecord.objects.filter(pk=row.pk, status=TaskStatus.DEAD)
    if not dead.update(status=TaskStatus.WAITING, attempts=0, next_try=None, finished_at=None, sent_at=now):
        return False
    row.refresh_from_db()
    send(row)
    return True


def _send_due(now: datetime) -> int:
    waiting = TaskRecord.objects.filter(status=TaskStatus.WAITING)
    if not waiting.exists():
        return 0
    empty = [queue.name for queue in task_queue.queue_states(now) if not queue.waiting]
    is_due = Q(next_try__lte=now, sent_at__lt=F("next_try"))
    is_free = Q(next_try=None) | Q(next_try__lte=now)
    is_lost = is_free & (Q(queue__in=empty, sent_at__lt=now - MESSAGE_LOST) | Q(sent_at__lt=now - MESSAGE_OLD))
    sent = 0
    for row in waiting.filter(is_due | is_lost).order_by("queued_at"):
        if waiting.filter(pk=row.pk, sent_at=row.sent_at).update(sent_at=now):
            send(row)
            sent += 1
    return sent
