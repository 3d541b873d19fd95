"""Spans of SQL statements and of calls of the cache, inside a span that is sent: a queue that is looked at twice a
second makes none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from opentelemetry.trace import SpanKind, StatusCode

from caching.store import Store
from seismo_site.tracing.provider import is_traced, request_attributes, tracer

R = TypeVar("R")
LONGEST = 2_000
"""Characters of a statement in its span."""


def install() -> None:
    """Make spans of the statements of every connection from now on, and of the cache's calls."""
    connection_created.connect(_trace_statements, dispatch_uid="seismo_site.tracing")
    Store.around = staticmethod(call_cache)


def _trace_statements(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if execute_statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(execute_statement)


def execute_statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    """Execute the statement in a span: its text has placeholders, never the values."""
    if not is_traced():
        return execute(sql, params, many, context)
    text = str(sql)
    operation = text.lstrip("( ").split(None, 1)[0].upper() if text.strip() else "SQL"
    attributes = {
        "db.system.name": context["connection"].vendor,
        "db.operation.name": operation,
        "db.query.text": text[:LONGEST],
        **request_attributes(),
    }
    with tracer().start_as_current_span(
        operation, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            return execute(sql, params, many, context)
        except Exception as error:  # whose text may hold values
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise


def call_cache(name: str, call: Callable[[], R]) -> R:
    """The result of a call of the cache, in a span."""
    if not is_traced():
        return call()
    with tracer().start_as_current_span(f"cache {name}", kind=SpanKind.CLIENT, attributes=request_attributes()) as span:
        result = call()
        if name == "get":
            span.set_attribute("cache.hit", result is not None)
        return result
