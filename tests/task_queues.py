"""Both task queues, wherever they are, and this process as their worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django_q.brokers import get_broker

from marketdata.operations.tasks.attempts import WorkerLease


def queue_size() -> int:
    """How many messages wait in both."""
    return sum(int(get_broker(key).queue_size()) for key in settings.TASK_QUEUES.values())


def purge_queues() -> None:
    """Take every message out of both."""
    for key in settings.TASK_QUEUES.values():
        get_broker(key).purge_queue()


@contextmanager
def as_worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process may claim tasks as a worker; the lease that it gets by that ends, with its thread."""
    monkeypatch.setattr(WorkerLease, "lease", None)
    yield
    if WorkerLease.lease is not None:
        WorkerLease.lease.__exit__(None, None, None)
