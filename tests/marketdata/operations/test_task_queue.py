"""Whether a task worker of each queue is running, seen by other processes by its lease."""

from __future__ import annotations

import pytest
from django.utils import timezone
from django_q.conf import Conf

from marketdata.models import LeaseRow
from marketdata.operations import task_queue
from marketdata.operations.lease import Lease

pytestmark = pytest.mark.django_db


def test_a_worker_is_seen_while_its_process_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    assert task_queue.queue_state(timezone.now()).workers == 0
    assert "start one with `manage.py qcluster`" in task_queue.advice(timezone.now())
    lease = task_queue.hold_worker_lease()
    with Lease("evening of market kr"):  # no worker
        assert task_queue.queue_state(timezone.now()).workers == 1
    assert "No task worker of queue high is running" in task_queue.advice(timezone.now())
    monkeypatch.setattr(Conf, "CLUSTER_NAME", task_queue.queue_key("high"))
    served = task_queue.hold_worker_lease()
    assert task_queue.advice(timezone.now()) == ""
    assert [queue.workers for queue in task_queue.queue_states(timezone.now())] == [1, 1]
    LeaseRow.objects.update(process_started=1)  # as if it had been killed
    assert task_queue.queue_state(timezone.now()).workers == 0
    other = task_queue.hold_worker_lease()
    assert LeaseRow.objects.count() == 1  # the row of the killed one is gone
    for one in (lease, served, other):
        one.__exit__(None, None, None)
