"""Both task queues, wherever they are."""

from __future__ import annotations

from django.conf import settings
from django_q.brokers import get_broker


def queue_size() -> int:
    """How many messages wait in both."""
    return sum(int(get_broker(key).queue_size()) for key in settings.TASK_QUEUES.values())


def purge_queues() -> None:
    """Take every message out of both."""
    for key in settings.TASK_QUEUES.values():
        get_broker(key).purge_queue()
