"""An imitation of an OpenTelemetry collector's receiver for OTLP over HTTP: binary protobuf posted to /v1/traces
(opentelemetry.io/docs/specs/otlp, "OTLP/HTTP"), decoded as Jaeger and an OpenTelemetry Collector do."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.exchanges.server import Exchange, Request, Response

ERROR = 2
"""STATUS_CODE_ERROR of opentelemetry/proto/trace/v1/trace.proto."""


@dataclass(frozen=True, slots=True)
class Span:
    """A received span; identifiers in hexadecimal digits, `parent` "" for a root."""

    trace: str
    id: str
    parent: str
    name: str
    failed: bool
    attributes: dict[str, Any]
    service: str


class Collector(Exchange):
    """The spans that clients sent, in `spans`; `refused`: whether batches are answered with status 503."""

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.spans: list[Span] = []
        self.batches = 0
        self.refused = False
        self._lock = threading.Lock()

    def answer(self, request: Request, fault: str | None) -> Response:
        if (request.method, request.path) != ("POST", "/v1/traces"):
            return Response.json({"code": 5, "message": "Not Found"}, 404)
        if request.headers.get("content-type") != "application/x-protobuf":
            return Response.json({"code": 3, "message": "Unsupported Media Type"}, 415)
        if self.refused:
            return Response.json({"code": 14, "message": "Unavailable"}, 503)
        is_packed = request.headers.get("content-encoding") == "gzip"
        try:
            body = ExportTraceServiceRequest.FromString(gzip.decompress(request.body) if is_packed else request.body)
        except DecodeError:
            return Response.json({"code": 3, "message": "Bad Request"}, 400)
        with self._lock:
            self.batches += 1
            self.spans.extend(_spans(body))
        return Response(body=ExportTraceServiceResponse().SerializeToString(), kind="application/x-protobuf")

    def named(self, start: str) -> list[Span]:
        """The spans whose name begins so."""
        return [span for span in self.spans if span.name.startswith(start)]

    def ancestors(self, span: Span) -> list[str]:
        """The names above a span, the nearest first."""
        by_id, names = {each.id: each for each in self.spans}, []
        while span.parent in by_id:
            span = by_id[span.parent]
            names.append(span.name)
        return names


def _spans(body: ExportTraceServiceRequest) -> list[Span]:
    return [
        Span(
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            name=span.name,
            failed=span.status.code == ERROR,
            attributes=_attributes(span.attributes),
            service=_attributes(resource.resource.attributes).get("service.name", ""),
        )
        for resource in body.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
