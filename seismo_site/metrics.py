"""Prometheus metrics: request durations, answers of the cache, and the state of the installation.

Each worker counts into files of its own below the data directory and this host's name; the worker that serves the
metrics adds them up. Counts of a worker that has ended are dropped: to Prometheus that is a counter
reset.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

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

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


FOLDER: Path = settings.METRICS_DIR
"""The directory of the counts of this host's workers."""


def remove_dead_workers() -> None:
    """Remove the counts of workers that are gone."""
    for file in FOLDER.glob("*.db"):
        number = file.stem.rpartition("_")[2]
        if number.isdecimal() and not _lives(int(number)):
            file.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


FOLDER.mkdir(parents=True, exist_ok=True)
remove_dead_workers()

SECONDS = Histogram(
    "seismo_http_request_seconds",
    "Seconds from the arrival of a request to its answer.",
    ("method", "route", "status"),
    buckets=BUCKETS,
)
ANSWERS = Counter("seismo_cache_answers", "Answers by how the cache served them.", ("what", "outcome"))


def count_answers(what: str, outcome: str, number: int) -> None:
    """Count answers of the cache for Prometheus too."""
    ANSWERS.labels(what, outcome).inc(number)


class MetricsMiddleware:
    """Each request by method, route (the pattern, never the address) and status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        STATS.listener = count_answers

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = "none" if match is None else match.route
        method = request.method if request.method in METHODS else "other"
        SECONDS.labels(method, route, response.status_code).observe(time.perf_counter() - began)
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
