"""From a request to the task that it queues: the request's identifier travels with the task, and each line that a
worker logs meanwhile carries it. A task that no request queued has its own."""

from __future__ import annotations

from typing import Any

from django_q import signals

from seismo_site.logging import request_id

KEY = "request_id"


def install() -> None:
    """Have the queue call the functions below."""
    signals.pre_enqueue.connect(mark, dispatch_uid="seismo_site.task_log")
    signals.pre_execute.connect(begin, dispatch_uid="seismo_site.task_log")
    signals.post_execute_in_worker.connect(end, dispatch_uid="seismo_site.task_log")


def mark(task: dict[str, Any], **_: Any) -> None:
    """Put the identifier of the request in hand into a task that is queued."""
    if request_id.get() != "-":
        task[KEY] = request_id.get()


def begin(task: dict[str, Any], **_: Any) -> None:
    """Log under the identifier of the task that is taken up."""
    request_id.set(str(task.get(KEY) or task["id"]))


def end(**_: Any) -> None:
    """Log under none."""
    request_id.set("-")
