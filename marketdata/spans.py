"""Spans: the parts of a request or task that a trace shows, each with a name and attributes. The site installs the
tracer where traces are on (`SEISMO_TRACES`); otherwise a span is nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

OFF = nullcontext()


class Tracer:
    """`start(name, attributes)` starts a span and returns the context in which it is current; None: traces are off."""

    start: Callable[[str, dict[str, Any]], AbstractContextManager[Any]] | None = None


def span(name: str, **attributes: str | float) -> AbstractContextManager[Any]:
    """A context whose duration is a span; its exception is the span's error."""
    return OFF if Tracer.start is None else Tracer.start(name, attributes)
