"""The context of the console's page of system figures."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from caching.memory import get_memory_use
from scans.queries.run_statistics import SESSIONS, get_run_statistics
from seismo_site.system import request_times
from seismo_site.system.cache_figures import MB, WINDOW, cache_counts, window_counts

ROUTES = 25
"""The slowest routes, and requests, that are listed."""


def system_context() -> dict[str, Any]:
    """Run statistics, cache figures, and the slowest routes and requests."""
    counts, bodies, memory = cache_counts(), request_times.read_requests(), get_memory_use()
    return {
        "sessions": SESSIONS,
        "statistics": get_run_statistics(),
        "cache": counts.total.items(),
        "window": WINDOW,
        "recent": window_counts(counts, int(time.time() // 60)),
        "memory": memory,
        "memory_mb": memory.used / MB if memory else 0,
        "routes": request_times.get_route_times(bodies)[:ROUTES],
        "slowest": [
            (row, 1000 * row.seconds, datetime.fromtimestamp(row.at, UTC))
            for row in request_times.get_slowest(bodies)[:ROUTES]
        ],
    }
