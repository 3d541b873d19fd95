"""Background tasks: what was queued, each attempt's state, and what could not be done."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class TaskStatus(models.TextChoices):
    """The state of a task; a dead one is not attempted again unless a person wants it."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


class TaskRecord(models.Model):
    """A task of the queue, from `queued_at` to `finished_at`. The broker carries a message with its number; this row
    decides which worker does it.

    `worker` is the name of the lease of the worker that has it; `sent_at`: when its message was sent last; `next_try`:
    when it may be attempted again after a failure, whose `reason` is kept; `group` and `place` are those of a member of
    a task group, whose `result` the group's parent reads; `request_id` is the identifier of the request that queued it.
    """

    id = models.CharField(max_length=32, primary_key=True)
    kind = models.CharField(max_length=40)
    queue = models.CharField(max_length=20)
    name = models.CharField(max_length=100)
    function = models.CharField(max_length=160)
    args = models.JSONField(default=list)
    kwargs = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    group = models.CharField(max_length=80, blank=True)
    place = models.PositiveIntegerField(null=True)
    status = models.CharField(max_length=10, choices=TaskStatus, default=TaskStatus.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=160, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    result = models.JSONField(null=True)
    queued_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    next_try = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "background task"
        indexes = [
            models.Index(
                fields=["status", "sent_at"], name="task_unfinished", condition=Q(status__in=("waiting", "running"))
            ),
            models.Index(fields=["finished_at", "status"], name="task_finished"),
            models.Index(fields=["name"], name="task_name"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["group", "place"], name="task_group_place", condition=~Q(group=""))
        ]

    def __str__(self) -> str:
        return self.name
