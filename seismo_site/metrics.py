"""Prometheus metrics: request durations, answers of the cache, and the state of the installation.

Each worker counts into files of its own below the data directory and this host's name; the worker that serves the
metrics adds them up. Counts of a worker that has ended are dropped: to Prometheus that is a counter
reset.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from rest_framework.request import Request
from rest_framework.views import APIView

from caching.stats import STATS
from marketdata.operations import task_queue
from marketdata.queries import instruments
from marketdata.queries.readiness import ReadinessState
from marketdata.web.api.access import StaffOnly
from scans.queries import readiness

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


class InstallationCollector:
    """The state of the installation, read for each scrape."""

    def collect(self) -> Iterator[Any]:
        behind, last = instruments.get_record_ages()
        stale = GaugeMetricFamily(
            "seismo_lake_stale_months", "Months of the lake behind the record.", labels=["market"]
        )
        for market, months in behind.items():
            stale.add_metric([market], months)
        yield stale
        session = GaugeMetricFamily("seismo_last_session", "The last recorded session, as YYYYMMDD.", labels=["market"])
        for market, day in last.items():
            session.add_metric([market], int(day.replace("-", "")))
        yield session
        yield from _ages()
        yield from _queue()


def _ages() -> Iterator[Any]:
    """Of every market with bars, except generated ones."""
    age = GaugeMetricFamily(
        "seismo_session_age",
        "Closed sessions since the last complete one of the record; 0: the record has the last closed session.",
        labels=["market"],
    )
    overdue = GaugeMetricFamily(
        "seismo_session_overdue",
        "1 where the last closed session should be recorded and scanned and is not, or is published from older data.",
        labels=["market"],
    )
    for market in readiness.recorded_markets_readiness(timezone.now()):
        if market.state is not ReadinessState.DEMO:
            age.add_metric([market.market], market.record.behind)
            overdue.add_metric([market.market], float(market.is_alarming))
    yield age
    yield overdue


def _queue() -> Iterator[Any]:
    """Nothing where the queue's server does not answer: Prometheus then says that the figures are absent."""
    try:
        state = task_queue.queue_state(timezone.now())
    except task_queue.QueueUnavailable:
        return
    waiting = GaugeMetricFamily("seismo_tasks_waiting", "Tasks that no worker has taken yet.")
    waiting.add_metric([], state.waiting)
    yield waiting
    age = GaugeMetricFamily("seismo_task_age_seconds", "How long the oldest of them has waited.")
    age.add_metric([], state.age.total_seconds() if state.age else 0.0)
    yield age


class MetricsView(APIView):
    """The page that Prometheus reads, with the token of one of the staff."""

    permission_classes = (StaffOnly,)
    schema = None

    def get(self, request: Request) -> HttpResponse:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        registry.register(InstallationCollector())
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
