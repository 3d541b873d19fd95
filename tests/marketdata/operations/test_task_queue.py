"""Whether a task worker is running, seen by other processes that have the database alone."""

from __future__ import annotations

import pytest
from django.utils import timezone

from marketdata.models import LeaseRow
from marketdata.operations import task_queue
from marketdata.operations.lease import Lease

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_the_database() -> None:
    if not task_queue.in_database():
        pytest.skip("the queue is in Redis, where clusters leave their statistics")


def test_a_worker_is_seen_while_its_process_lives() -> None:
    assert task_queue.queue_state(timezone.now()).workers == 0
    assert "start one with `manage.py qcluster`" in task_queue.advice(timezone.now())
    lease = task_queue.hold_worker_lease()
    with Lease("evening of market kr"):  # no worker
        assert task_queue.queue_state(timezone.now()).workers == 1
    assert task_queue.advice(timezone.now()) == ""
    LeaseRow.objects.update(process_started=1)  # as if it had been killed
    assert task_queue.queue_state(timezone.now()).workers == 0
    other = task_queue.hold_worker_lease()
    assert LeaseRow.objects.count() == 1  # the row of the killed one is gone
    for one in (lease, other):
        one.__exit__(None, None, None)
