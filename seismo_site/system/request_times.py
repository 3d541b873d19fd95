"""Durations of the latest requests of each route, and the slowest requests with their identifiers.

Of this host's processes together: each records its own once a minute, and as a worker of the web server is asked.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.http import HttpRequest

from seismo_site.system import process_files

NAME = "requests"
LATEST = 200
"""Durations of each route and process that are kept."""
SLOWEST = 30
"""Slowest requests of each process that are kept."""
EVERY = 60.0
"""Seconds between two records."""


@dataclass(frozen=True, slots=True, order=True)
class SlowRequest:
    """One request: `at` is seconds since 1970."""

    seconds: float
    at: float
    identifier: str
    method: str
    route: str
    path: str
    status: int


@dataclass(frozen=True, slots=True)
class RouteTimes:
    """The latest requests of a route: how many they are, and their percentiles in milliseconds."""

    method: str
    route: str
    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    most_ms: float


class RequestTimes:
    """The requests of this process. Shared by threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._routes: defaultdict[tuple[str, str], deque[float]] = defaultdict(lambda: deque(maxlen=LATEST))
        self._slowest: list[SlowRequest] = []
        self._recorded = clock()

    def add(self, request: HttpRequest, *, method: str, route: str, status: int, seconds: float) -> None:
        """Add one request that was answered."""
        now = self._clock()
        with self._lock:
            self._routes[method, route].append(seconds)
            if len(self._slowest) < SLOWEST or seconds > self._slowest[0].seconds:
                identifier = getattr(request, "request_id", "")
                row = SlowRequest(seconds, now, identifier, method, route, request.path[:200], status)
                (heapq.heappush if len(self._slowest) < SLOWEST else heapq.heapreplace)(self._slowest, row)
            is_due = now - self._recorded >= EVERY
        if is_due:
            self.record()

    def record(self) -> None:
        """Write the requests of this process where other processes read them."""
        with self._lock:
            self._recorded = self._clock()
            body = {
                "routes": [[*key, [round(each, 6) for each in times]] for key, times in self._routes.items()],
                "slowest": [[getattr(row, name) for name in SlowRequest.__slots__] for row in self._slowest],
            }
        process_files.write(NAME, body)


TIMES = RequestTimes()


def get_route_times(bodies: Iterable[Any]) -> list[RouteTimes]:
    """The percentiles of each route over the latest requests of all `bodies`, the slowest p95 first."""
    routes: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for body in bodies:
        for method, route, times in body["routes"]:
            routes[method, route] += times
    rows = []
    for (method, route), times in routes.items():
        p50, p95, p99 = np.percentile(np.array(times) * 1000, (50, 95, 99))
        rows.append(RouteTimes(method, route, len(times), p50, p95, p99, max(times) * 1000))
    return sorted(rows, key=lambda row: (-row.p95_ms, row.route, row.method))


def get_slowest(bodies: Iterable[Any]) -> list[SlowRequest]:
    """The slowest requests of all `bodies`, the slowest first."""
    rows = [SlowRequest(*row) for body in bodies for row in body["slowest"]]
    return heapq.nlargest(SLOWEST, rows)


def read_requests() -> list[Any]:
    """The records of each process of this host."""
    return list(process_files.read(NAME))
