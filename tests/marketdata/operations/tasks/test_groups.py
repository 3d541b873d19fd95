"""A group: each member is done once, by whichever worker has it, and its parent joins the results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from marketdata.models import TaskRecord, TaskStatus
from marketdata.operations.lease import LeaseLost
from marketdata.operations.tasks import attempts, groups, queueing
from marketdata.operations.tasks.attempts import attempt, claim, tracked
from marketdata.operations.tasks.groups import GroupMember, run_group
from marketdata.operations.tasks.recovery import revive
from tests.task_queues import as_worker, purge_queues, queue_size

pytestmark = pytest.mark.django_db(transaction=True)
DONE: list[int] = []
MEMBERS = [{"number": n} for n in range(4)]


@tracked
def member(number: int) -> int:
    """A member that fails where its number is negative."""
    DONE.append(number)
    if number < 0:
        raise ValueError("negative")
    return number * number


@pytest.fixture(autouse=True)
def kind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    path = f"{__name__}.member"
    monkeypatch.setitem(settings.TASK_KINDS, "member", replace(settings.TASK_KINDS["range"], function=path))
    monkeypatch.setattr(groups, "LOOK_AGAIN", 0.0)
    DONE.clear()
    purge_queues()
    with as_worker(monkeypatch):
        yield
    purge_queues()


def parent() -> TaskRecord:
    queueing.enqueue("evening", name="evening of kr")
    row = TaskRecord.objects.get(kind="evening")
    TaskRecord.objects.filter(pk=row.pk).update(status=TaskStatus.WAITING, next_try=None)
    assert claim(row)
    return row


def join(row: TaskRecord, members: Any = MEMBERS) -> Any:
    return attempt(row, lambda: [part.result for part in run_group("member", "square", members)])


def test_a_parent_does_its_members_where_no_other_worker_is() -> None:
    assert join(parent()) == [0, 1, 4, 9]
    assert DONE == [0, 1, 2, 3]
    assert queue_size() == 5  # the messages of the parent and its members, which do nothing more
    for row in TaskRecord.objects.filter(kind="member"):
        attempts.task_number.set(row.pk)
        assert "does not wait" in str(member(**row.kwargs))
    assert DONE == [0, 1, 2, 3]


def test_a_member_that_another_worker_lost_is_done_again_and_no_other() -> None:
    row = parent()
    group = f"{row.pk}:square"
    queueing.create_members("member", group, MEMBERS, name="square")
    made = {part.place: part for part in TaskRecord.objects.filter(group=group)}
    TaskRecord.objects.filter(pk=made[1].pk).update(status=TaskStatus.DONE, result=100)
    gone = {"status": TaskStatus.RUNNING, "attempts": 1, "worker": "task worker low of a host that is gone"}
    TaskRecord.objects.filter(pk=made[2].pk).update(**gone)
    assert join(row) == [0, 100, 4, 9]
    assert DONE == [0, 3, 2]


def test_a_parent_that_is_done_again_does_only_what_is_left() -> None:
    row = parent()
    states = []

    def progress(members: Any) -> None:
        states.append([part.result for part in members])
        if len(states) == 3:
            raise SystemExit("killed")

    with pytest.raises(SystemExit):
        attempt(row, lambda: run_group("member", "square", MEMBERS, progress=progress))
    assert states == [[None] * 4, [0, None, None, None], [0, 1, None, None]]
    assert DONE == [0, 1]
    assert revive(row, timezone.now())
    assert claim(row)
    assert join(row) == [0, 1, 4, 9]
    assert DONE == [0, 1, 2, 3]


def test_a_dead_member_has_its_reason_and_the_others_their_results() -> None:
    row = parent()
    joined = attempt(row, lambda: len(run_group("member", "square", [{"number": -1}, {"number": 2}])))
    assert joined == 2
    rows = TaskRecord.objects.filter(kind="member").order_by("place")
    assert [GroupMember.of(part).error for part in rows] == ["ValueError: negative", ""]
    assert [part.result for part in rows] == [None, 4]


def test_the_fence_of_a_member() -> None:
    row = parent()

    def late() -> None:
        with transaction.atomic():
            groups.member_permit()
        TaskRecord.objects.filter(pk=row.pk).update(worker="another", started_at=timezone.now())
        with transaction.atomic(), pytest.raises(LeaseLost):
            groups.member_permit()

    attempt(row, late)
