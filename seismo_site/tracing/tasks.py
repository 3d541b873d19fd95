"""The span of a task, below that of the request or the task that queued it: the message carries its `traceparent`."""

from __future__ import annotations

from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any

from django_q import signals
from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from seismo_site.tracing.provider import request_attributes, tracer

KEY = "traceparent"
PROPAGATOR = TraceContextTextMapPropagator()
_running: ContextVar[ExitStack | None] = ContextVar("running_span", default=None)


def install() -> None:
    """Have the queue call the functions below, after those of `task_log`."""
    signals.pre_enqueue.connect(mark, dispatch_uid="seismo_site.tracing")
    signals.pre_execute.connect(begin, dispatch_uid="seismo_site.tracing")
    signals.post_execute_in_worker.connect(end, dispatch_uid="seismo_site.tracing")


def mark(task: dict[str, Any], **_: Any) -> None:
    """Put the current span into a task that is queued."""
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier)
    if KEY in carrier:
        task[KEY] = carrier[KEY]


def begin(task: dict[str, Any], **_: Any) -> None:
    """Start the span of the task that is taken up."""
    parent = PROPAGATOR.extract({KEY: str(task.get(KEY, ""))})
    attributes = {"task.id": str(task["id"]), "task.name": str(task["name"]), **request_attributes()}
    name = f"task {task.get('group') or task['func']}"
    stack = ExitStack()
    stack.enter_context(
        tracer().start_as_current_span(name, context=parent, kind=SpanKind.CONSUMER, attributes=attributes)
    )
    _running.set(stack)


def end(task: dict[str, Any], **_: Any) -> None:
    """End it."""
    stack = _running.get()
    if stack is not None:
        if not task.get("success", True):
            get_current_span().set_status(Status(StatusCode.ERROR, str(task.get("result"))[:200]))
        _running.set(None)
        stack.close()
