"""From a request to the task that it queues: the request's identifier travels with the task, and each line that a
worker logs meanwhile carries it. A task that no request queued has its own. A worker says from its start on that it is
there."""

from __future__ import annotations

import logging
from typing import Any

from django.db import DatabaseError
from django_q import signals

from marketdata.operations.processes import end_with_parent
from marketdata.request_id import request_id

LOGGER = logging.getLogger(__name__)


def install() -> None:
    """Have the queue call the functions below."""
    signals.pre_enqueue.connect(mark, dispatch_uid="seismo_site.task_log")
    signals.pre_execute.connect(begin, dispatch_uid="seismo_site.task_log")
    signals.post_execute_in_worker.connect(end, dispatch_uid="seismo_site.task_log")
    signals.post_spawn.connect(attend, dispatch_uid="seismo_site.task_log")


def mark(task: dict[str, Any], **_: Any) -> None:
    """Put the identifier of the request in hand into a task that is queued, and make its row."""
    from marketdata.operations.tasks import queueing  # not imported by commands that queue nothing

    if request_id.get() != "-":
        task[queueing.REQUEST_ID] = request_id.get()
    queueing.record_task(task)


def begin(task: dict[str, Any], **_: Any) -> None:
    """Log under the identifier of the task that is taken up."""
    from marketdata.operations.tasks import attempts, queueing

    request_id.set(str(task.get(queueing.REQUEST_ID) or task["id"]))
    attempts.task_number.set(str(task["id"]))


def attend(**_: Any) -> None:
    """Have other processes see that a task worker is running; one that cannot say so works all the same."""
    from marketdata.operations.tasks import attempts

    end_with_parent()
    try:
        attempts.WorkerLease.name()
    except DatabaseError:
        LOGGER.exception("This task worker is not seen by other processes")


def end(**_: Any) -> None:
    """Log under none."""
    request_id.set("-")
