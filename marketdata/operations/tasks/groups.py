"""Task groups: a task that splits sends its members out and joins their results.

1. The members' rows are made once, by the number of the parent and the group's name: a parent that is done again finds
   those that have ended, and only the others are done.
2. The parent does waiting members itself, beside every worker that takes their messages: a group needs no other worker.
   Each member is done once, since its row is claimed; that of a lost worker is done again.
3. When all have ended the parent goes on with their rows (the join).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from marketdata.models import TaskRecord, TaskStatus
from marketdata.operations.lease import LeaseLost
from marketdata.operations.tasks import attempts
from marketdata.operations.tasks.queueing import create_members
from marketdata.operations.tasks.recovery import recover

LOOK_AGAIN = 0.2
UNFINISHED = (TaskStatus.WAITING, TaskStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A member: its keyword arguments, its result (None before it has one), the reason why it is dead."""

    arguments: Mapping[str, Any]
    result: Any
    error: str

    @classmethod
    def of(cls, row: TaskRecord) -> GroupMember:
        """The member of a row."""
        return cls(row.kwargs, row.result, row.reason if row.status == TaskStatus.DEAD else "")


def run_group(
    kind: str,
    name: str,
    members: Sequence[Mapping[str, Any]],
    *,
    progress: Callable[[Sequence[GroupMember]], None] = lambda members: None,
) -> list[GroupMember]:
    """The members of a group once all have ended, one for each of these keyword arguments and in their order.

    Call it inside a task. `progress` gets all of them whenever one has ended; an exception of it ends the group:
    members that wait are dropped, and those that run end by their own permits.
    """
    parent = attempts.running_task.get()
    if parent is None:
        raise RuntimeError("A task group is part of a task.")
    group = f"{parent.pk}:{name}"
    create_members(kind, group, members, name=f"{parent.name}: {name}")
    ended, rows = -1, TaskRecord.objects.filter(group=group).order_by("place")
    try:
        while True:
            states = list(rows.all())
            count = sum(row.status not in UNFINISHED for row in states)
            if count != ended:
                ended = count
                progress([GroupMember.of(row) for row in states])
            if ended == len(members):
                return [GroupMember.of(row) for row in states]
            if not _do_one(states):
                recover(timezone.now())
                time.sleep(LOOK_AGAIN)
    except BaseException:
        rows.filter(status=TaskStatus.WAITING).delete()
        raise


def member_permit() -> None:
    """Lock the row of the member that this code runs in until the transaction ends; LeaseLost where another worker has
    it. Call it inside the transaction that publishes."""
    row = attempts.running_task.get()
    if row is not None and not attempts.own_row(row).select_for_update().exists():
        raise LeaseLost(f"{row.name} was given to another worker: nothing more is published here.")


def in_task() -> bool:
    """Whether this code runs in a task, and so may send out a group."""
    return attempts.running_task.get() is not None and not transaction.get_connection().in_atomic_block


def _do_one(rows: Sequence[TaskRecord]) -> bool:
    """Do one waiting member here; returns whether there was one."""
    for row in rows:
        if row.status == TaskStatus.WAITING and attempts.claim(row):
            function = import_string(row.function).__wrapped__
            with suppress(Exception):  # its row has the reason
                attempts.attempt(row, lambda: function(*row.args, **row.kwargs))  # noqa: B023
            return True
    return False
