"""Whether this process lives, and whether what it needs is there."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

from django.db import DatabaseError, connection
from django_q.tasks import queue_size
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from caching.stats import STATS
from caching.store import STORE
from marketdata import catalogue
from marketdata.api.forms import Alive, Readiness

LOGGER = logging.getLogger(__name__)
ORDER = ("up", "degraded", "down")
Found = tuple[str, str]


class Open(APIView):
    """For probes: no user, no limit."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()


class Live(Open):
    """This process answers. It asks nothing else."""

    @extend_schema(operation_id="health_live", tags=["health"], responses={200: Alive})
    def get(self, request: Request) -> Response:
        return Response({"state": "up"})


class Ready(Open):
    """Database, cache, queue and lake, each with its state. Without the database nothing can be answered (503);
    everything else only makes answers slower or older (degraded)."""

    @extend_schema(
        operation_id="health_ready",
        tags=["health"],
        responses={200: Readiness, 503: OpenApiResponse(Readiness, "The database is down")},
    )
    def get(self, request: Request) -> Response:
        found = {name: _state(name, probe) for name, probe in PROBES.items()}
        worst = max((one[0] for one in found.values()), key=ORDER.index)
        down = found["database"][0] == "down"
        told = {name: {"state": state, "detail": text} for name, (state, text) in found.items()}
        overall = "down" if down else "up" if worst == "up" else "degraded"
        return Response({"state": overall, **told}, status=503 if down else 200)


def database() -> Found:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "up", connection.vendor


def cache() -> Found:
    key, value = "health:probe", uuid.uuid4().hex
    if STORE.put(key, value, 60) and STORE.get(key):
        return "up", "; ".join(["writes and reads", *_rates()])
    return "degraded", "does not answer: every answer is computed"


def _rates() -> list[str]:
    """How much of what was asked for this process found in the cache, for each kind of answer."""
    told = []
    for what, counts in STATS.snapshot().items():
        found = counts["hits"] + counts["shared"]
        told.append(f"{what} {found:.0f} of {found + counts['misses']:.0f}")
    return [f"found in this process: {', '.join(told)}"] if told else []


def queue() -> Found:
    waiting = queue_size()
    return "up", f"{waiting} waiting"


def lake() -> Found:
    """How fresh the lake is: months behind the record, and the last recorded day of each market."""
    behind, last = catalogue.freshness()
    days = ", ".join(f"{market} until {day}" for market, day in last.items()) or "nothing recorded"
    stale = {market: months for market, months in behind.items() if months}
    if stale:
        told = ", ".join(f"{market} {months}" for market, months in stale.items())
        return "degraded", f"months behind the record: {told}; {days}"
    return "up", days


PROBES: dict[str, Callable[[], Found]] = {
    "database": database,
    "cache": cache,
    "queue": queue,
    "lake": lake,
}


def _state(name: str, probe: Callable[[], Found]) -> Found:
    """What the probe found; what went wrong is for the log, not for whoever asks."""
    try:
        return probe()
    except (DatabaseError, OSError, RuntimeError) as error:
        LOGGER.warning("%s does not answer: %s", name, error)
    except Exception:  # a queue's broker has errors of its own
        LOGGER.exception("%s does not answer", name)
    return "down", "does not answer; see the log"
