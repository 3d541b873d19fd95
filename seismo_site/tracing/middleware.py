"""The span of a request. A caller's `traceparent` (W3C Trace Context) makes it part of the caller's trace."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from seismo_site.metrics import path_template
from seismo_site.tracing.provider import request_attributes, tracer

PROPAGATOR = TraceContextTextMapPropagator()
SERVER_ERROR = 500


class TraceMiddleware:
    """A span from the arrival of a request to its answer, named by method and path template."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        parent = PROPAGATOR.extract({"traceparent": request.META.get("HTTP_TRACEPARENT", "")})
        attributes = {
            "http.request.method": request.method or "",
            "url.path": request.path,
            **request_attributes(),
        }
        with tracer().start_as_current_span(
            request.method or "HTTP", context=parent, kind=SpanKind.SERVER, attributes=attributes
        ) as span:
            response = self.get_response(request)
            if request.resolver_match is not None:
                route = path_template(request.resolver_match.route)
                span.update_name(f"{request.method} {route}")
                span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= SERVER_ERROR:
                span.set_status(StatusCode.ERROR)
        return response
