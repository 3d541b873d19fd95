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
from marketdata.operations.tasks.figures import failure_shares
from marketdata.queries import instruments
from scans.queries import readiness
from seismo_site.health.bodies import AliveBody, ReadyBody
from seismo_site.health.probes import Probe

LOGGER = logging.getLogger(__name__)
ORDER = ("up", "degraded", "down")
WAIT = 2.0
"""Seconds for all parts together."""

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
        results = states()
        worst = max((state for state, _ in results.values()), key=ORDER.index)
        down = results["database"][0] == "down"
        parts = {name: {"state": state, "detail": text} for name, (state, text) in results.items()}
        overall = "down" if down else "up" if worst == "up" else "degraded"
        return Response({"state": overall, **parts}, status=503 if down else 200)


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
    """Hits of the cache in this process, for each kind of answer."""
    rates = []
    for what, counts in STATS.snapshot().items():
        hits = counts["hits"] + counts["shared"]
        rates.append(f"{what} {hits:.0f} of {hits + counts['misses']:.0f}")
    return [f"found in this process: {', '.join(rates)}"] if rates else []


def queue() -> PartState:
    """The queue of tasks: how many wait, whether a task worker is there, and how many fail."""
    now = timezone.now()
    state = task_queue.queue_state(now)
    shares = [f"{share:.2%} of {window}" for window, share in failure_shares(now).items() if share]
    failed = f"; failed tasks: {', '.join(shares)}" if shares else ""
    return "degraded" if state.neglected else "up", f"{state}{failed}"


def lake() -> PartState:
    """How fresh the lake is: months behind the record, and the last recorded day of each market."""
    behind, last = instruments.get_record_ages()
    days = ", ".join(f"{market} until {day}" for market, day in last.items()) or "nothing recorded"
    stale = {market: months for market, months in behind.items() if months}
    if stale:
        counts = ", ".join(f"{market} {months}" for market, months in stale.items())
        return "degraded", f"months behind the record: {counts}; {days}"
    return "up", days


def sessions() -> PartState:
    """Whether the last closed session of each market that has bars is recorded and scanned."""
    markets = readiness.recorded_markets_readiness(timezone.now())
    wrong = [market.reason for market in markets if market.is_alarming]
    if wrong:
        return "degraded", " ".join(wrong)
    return "up", ", ".join(f"{market.market} {market.state}" for market in markets) or "nothing recorded"


PROBES: dict[str, Probe[PartState]] = {
    "database": Probe(database, needs_database=True),
    "cache": Probe(cache, needs_database=False),
    "queue": Probe(queue, needs_database=True),
    "lake": Probe(lake, needs_database=True),
    "sessions": Probe(sessions, needs_database=True),
}


def states() -> dict[str, PartState]:
    """Part -> its state within `WAIT` seconds, in the order of `PROBES`. Where the database is down, parts that need it
    are not probed."""
    until = time.monotonic() + WAIT
    begun = {name: probe.begin() for name, probe in PROBES.items() if not probe.needs_database}
    begun["database"] = PROBES["database"].begin()
    results = {"database": _state("database", begun["database"], until)}
    if results["database"][0] != "down":
        begun |= {name: probe.begin() for name, probe in PROBES.items() if name not in begun}
    for name in PROBES:
        if name not in begun:
            results[name] = "down", "not checked: it needs the database, which does not answer"
        elif name not in results:
            results[name] = _state(name, begun[name], until)
    return {name: results[name] for name in PROBES}


def _state(name: str, future: Future[PartState], until: float) -> PartState:
    """The result of a probe; the log, not the caller, gets the error."""
    try:
        return future.result(max(until - time.monotonic(), 0))
    except TimeoutError:
        LOGGER.warning("%s has not answered within %g s", name, WAIT)
        return "down", f"has not answered within {WAIT:g} s"
    except (DatabaseError, OSError, task_queue.QueueUnavailable) as error:
        LOGGER.warning("%s does not answer: %s", name, error)
    except Exception:  # a defect, with where it is
        LOGGER.exception("%s does not answer", name)
    return "down", "does not answer; see the log"
