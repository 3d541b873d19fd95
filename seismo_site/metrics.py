"""Prometheus metrics: request durations, answers of the cache, and the state of the installation.

Each worker counts into files of its own below the data directory and this host's name; the worker that serves the
metrics adds them up. Counts of a worker that has ended are dropped: to Prometheus that is a counter
reset.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from rest_framework.request import Request
from rest_framework.views import APIView

from caching.stats import STATS
from marketdata.web.api.access import StaffOnly
from seismo_site.installation_metrics import InstallationCollector
from seismo_site.system import cache_figures, process_files, request_times

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


settings.METRICS_DIR.mkdir(parents=True, exist_ok=True)
process_files.remove_dead_processes()

SECONDS = Histogram(
    "seismo_http_request_seconds",
    "Seconds from the arrival of a request to its answer.",
    ("method", "route", "status"),
    buckets=BUCKETS,
)
API_SECONDS = Histogram(
    "api_request_duration_seconds",
    "The same of requests below /api/, by the template of their path.",
    ("path", "method", "status"),
    buckets=BUCKETS,
)
ANSWERS = Counter("seismo_cache_answers", "Answers by how the cache served them.", ("what", "outcome"))


def count_answers(what: str, outcome: str, number: int) -> None:
    """Count answers of the cache for Prometheus too."""
    ANSWERS.labels(what, outcome).inc(number)


@cache
def path_template(route: str) -> str:
    """A route as OpenAPI writes it: `/api/{market}/stocks/{code}`."""
    return "/" + PARAMETER.sub(r"{\1}", route)


class MetricsMiddleware:
    """Each request by method, route (the pattern, never the address) and status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        STATS.listener = count_answers
        cache_figures.install()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = "none" if match is None else match.route
        method = request.method if request.method in METHODS else "other"
        seconds = time.perf_counter() - began
        SECONDS.labels(method, route, response.status_code).observe(seconds)
        if route.startswith("api/"):
            API_SECONDS.labels(path_template(route), method, response.status_code).observe(seconds)
        if match is not None:  # static files have no route
            request_times.TIMES.add(request, method=method, route=route, status=response.status_code, seconds=seconds)
        return response


class MetricsView(APIView):
    """The page that Prometheus reads, with the token of one of the staff."""

    permission_classes = (StaffOnly,)
    schema = None

    def get(self, request: Request) -> HttpResponse:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        registry.register(InstallationCollector())
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
