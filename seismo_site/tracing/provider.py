"""The tracer: its identifiers, the share of traces that are sent, and the exporter over OTLP/HTTP."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from multiprocessing.util import Finalize, register_after_fork
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from caching.circuit_breaker import CircuitBreaker
from marketdata.request_id import get_request_id

TRACE_ID = re.compile(r"[0-9a-f]{32}")
PATH = "/v1/traces"
EXPORT_SECONDS, REST_SECONDS = 4.0, 30.0
"""After the first a collector that does not answer has lost a batch; it is left alone for the second."""
REQUEST_ID = "seismo.request_id"


class Exporter(OTLPSpanExporter):
    """The exporter behind a circuit breaker: a collector that is away costs one wait now and then, not one a batch."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint=endpoint, timeout=EXPORT_SECONDS)
        self.breaker = CircuitBreaker(threshold=1, rest=REST_SECONDS)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans; while the breaker is open they are dropped."""
        if not self.breaker.allows():
            return SpanExportResult.FAILURE
        result = super().export(spans)
        if result is SpanExportResult.SUCCESS:
            self.breaker.succeeded()
        else:
            self.breaker.failed()
        return result


class RequestIdGenerator(RandomIdGenerator):
    """Trace identifiers from request identifiers: the one that a response carries finds its trace, and a task of that
    request is part of it, whichever way its message came."""

    def generate_trace_id(self) -> int:
        """The request identifier as a number where it has the form of a trace identifier, else a digest of it; random
        without one."""
        identifier = get_request_id()
        if not identifier:
            return super().generate_trace_id()
        is_hex = TRACE_ID.fullmatch(identifier) and int(identifier, 16)
        return int(identifier if is_hex else hashlib.sha256(identifier.encode()).hexdigest()[:32], 16)


def install(endpoint: str, *, share: float, version: str) -> None:
    """Send spans to `endpoint` from now on, of `share` (0 to 1) of all traces."""
    sampler = TraceIdRatioBased(share)
    provider = TracerProvider(
        # A caller's traceparent says which trace a request belongs to, not whether Seismo sends it.
        sampler=ParentBased(sampler, remote_parent_sampled=sampler, remote_parent_not_sampled=sampler),
        resource=Resource.create({"service.name": "seismo", "service.version": version}),
        id_generator=RequestIdGenerator(),
        shutdown_on_exit=True,
    )
    address = endpoint.rstrip("/")
    exporter = Exporter(address if address.endswith(PATH) else address + PATH)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)
    register_after_fork(provider, flush_at_end)


def flush_at_end(provider: TracerProvider) -> None:
    """Send what is left as a forked process ends: it runs no exit handlers but multiprocessing's."""
    Finalize(None, provider.force_flush, exitpriority=0)


def tracer() -> trace.Tracer:
    """Seismo's tracer."""
    return trace.get_tracer("seismo")


def is_traced() -> bool:
    """Whether the code runs inside a span that is sent."""
    return trace.get_current_span().is_recording()


def request_attributes() -> dict[str, str]:
    """The request identifier as an attribute; none without a request or task."""
    identifier = get_request_id()
    return {REQUEST_ID: identifier} if identifier else {}


def start_span(name: str, attributes: dict[str, Any]) -> AbstractContextManager[trace.Span]:
    """A span of `marketdata.spans`."""
    return tracer().start_as_current_span(name, attributes={**request_attributes(), **attributes})
