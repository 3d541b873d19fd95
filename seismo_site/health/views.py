"""Whether this process lives, and whether what it needs is there."""

from __future__ import annotations

import logging
import time
import uuid
from concurrent.futures import Future

from django.db import DatabaseError, connection
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from caching.stats import STATS
from caching.store import STORE
from marketdata.operations import task_queue
from marketdata.queries import instruments
from scans.queries import readiness
from seismo_site.health.bodies import AliveBody, ReadyBody
from seismo_site.health.probes import Probe

LOGGER = logging.getLogger(__name__)
ORDER = ("up", "degraded", "down")
WAIT = 2.0
"""Seconds that all parts together have to answer: who asks, asks again soon."""

PartState = tuple[str, str]


class ProbeView(APIView):
    """For probes: no user, no limit."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()


class Live(ProbeView):
    """This process answers. It asks nothing else."""

    @extend_schema(operation_id="health_live", tags=["health"], responses={200: AliveBody})
    def get(self, request: Request) -> Response:
        return Response({"state": "up"})


class Ready(ProbeView):
    """Database, cache, queue, lake and sessions, each with its state, within two seconds whatever does not answer.
    Without the database nothing can be answered (503); everything else only makes answers slower or older, or leaves
    a session out (degraded)."""

    @extend_schema(
        operation_id="health_ready",
        tags=["health"],
        responses={200: ReadyBody, 503: OpenApiResponse(ReadyBody, "The database is down")},
    )
    def get(self, request: Request) -> Response:
        found = states()
        worst = max((one[0] for one in found.values()), key=ORDER.index)
        down = found["database"][0] == "down"
        told = {name: {"state": state, "detail": text} for name, (state, text) in found.items()}
        overall = "down" if down else "up" if worst == "up" else "degraded"
        return Response({"state": overall, **told}, status=503 if down else 200)


def database() -> PartState:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "up", connection.vendor


def cache() -> PartState:
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


def queue() -> PartState:
    """What waits for a task worker, and whether one is there."""
    found = task_queue.queue_state(timezone.now())
    return "degraded" if found.neglected else "up", str(found)


def lake() -> PartState:
    """How fresh the lake is: months behind the record, and the last recorded day of each market."""
    behind, last = instruments.get_record_ages()
    days = ", ".join(f"{market} until {day}" for market, day in last.items()) or "nothing recorded"
    stale = {market: months for market, months in behind.items() if months}
    if stale:
        told = ", ".join(f"{market} {months}" for market, months in stale.items())
        return "degraded", f"months behind the record: {told}; {days}"
    return "up", days


def sessions() -> PartState:
    """Whether the last closed session of each market that has bars is recorded and scanned."""
    found = readiness.recorded_markets_readiness(timezone.now())
    wrong = [one.reason for one in found if one.is_alarming]
    if wrong:
        return "degraded", " ".join(wrong)
    return "up", ", ".join(f"{one.market} {one.state}" for one in found) or "nothing recorded"


PROBES: dict[str, Probe[PartState]] = {
    "database": Probe(database, needs_database=True),
    "cache": Probe(cache, needs_database=False),
    "queue": Probe(queue, needs_database=task_queue.in_database()),
    "lake": Probe(lake, needs_database=True),
    "sessions": Probe(sessions, needs_database=True),
}


def states() -> dict[str, PartState]:
    """What each part answers within `WAIT` seconds, in the order of `PROBES`. The database is asked once: where it is
    down, those that need it are not asked."""
    until = time.monotonic() + WAIT
    begun = {name: probe.begin() for name, probe in PROBES.items() if not probe.needs_database}
    begun["database"] = PROBES["database"].begin()
    found = {"database": _state("database", begun["database"], until)}
    if found["database"][0] != "down":
        begun |= {name: probe.begin() for name, probe in PROBES.items() if name not in begun}
    for name in PROBES:
        if name not in begun:
            found[name] = "down", "not asked: it needs the database, which does not answer"
        elif name not in found:
            found[name] = _state(name, begun[name], until)
    return {name: found[name] for name in PROBES}


def _state(name: str, asked: Future[PartState], until: float) -> PartState:
    """What the probe found; what went wrong is for the log, not for whoever asks."""
    try:
        return asked.result(max(until - time.monotonic(), 0))
    except TimeoutError:
        LOGGER.warning("%s has not answered within %g s", name, WAIT)
        return "down", f"has not answered within {WAIT:g} s"
    except (DatabaseError, OSError, task_queue.QueueUnavailable) as error:
        LOGGER.warning("%s does not answer: %s", name, error)
    except Exception:  # a defect, with where it is
        LOGGER.exception("%s does not answer", name)
    return "down", "does not answer; see the log"
