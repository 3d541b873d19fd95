"""The identifier of the request, or of the task, that the present code works for."""

from __future__ import annotations

from contextvars import ContextVar

NONE = "-"
request_id: ContextVar[str] = ContextVar("request_id", default=NONE)


def get_request_id() -> str:
    """The identifier; "" where there is neither request nor task."""
    identifier = request_id.get()
    return "" if identifier == NONE else identifier
