"""What an operator looks at first: how the versions did last, what waits for a worker, what waits for a decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, F, Max

from scans import queries
from scans.models import RequestStatus, ScannerVersion, ScanRequest, ScanRun, ScanSession, Status

SHOWN_REQUESTS = 8
ALIVE = (RequestStatus.QUEUED, RequestStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class Last:
    """A version's last run on a market, with how many it picked on the last session of it; None where it never ran."""

    version: ScannerVersion
    run: ScanRun | None
    picked: int | None
    active_on: list[str]


def last_runs() -> list[Last]:
    """The last run of each version on each market, in four queries whatever their number."""
    versions = list(ScannerVersion.objects.all())
    active = queries.active_on()
    newest = ScanRun.objects.order_by().values("version", "market").annotate(last=Max("pk"))
    runs = list(ScanRun.objects.filter(pk__in=[row["last"] for row in newest]))
    answers = ScanSession.objects.filter(run__in=runs, date=F("run__last"))
    picked = dict(answers.values_list("run_id", "ranked"))
    found = []
    for version in versions:
        mine = sorted(
            (run for run in runs if run.version_id == version.pk), key=lambda run: run.market
        )
        markets = active.get(version.pk, [])
        found += [Last(version, run, picked.get(run.pk), markets) for run in mine]
        if not mine and version.enabled:
            found.append(Last(version, None, None, markets))
    return found


def latest_published() -> dict[str, date]:
    """Market -> the latest session that anything is published for."""
    rows = ScanSession.objects.filter(published=True).order_by().values_list("market")
    return dict(rows.annotate(last=Max("date")))


def undecided() -> int:
    """How many quarantined sessions nobody has decided about."""
    return ScanSession.objects.filter(status=Status.QUARANTINED, decision=None).count()


def queue() -> dict[str, Any]:
    """What waits and what is at work, and the latest requests."""
    counts = ScanRequest.objects.filter(status__in=ALIVE).order_by().values_list("status")
    alive = dict(counts.annotate(n=Count("pk")))
    return {
        "queued": alive.get(RequestStatus.QUEUED, 0),
        "running": alive.get(RequestStatus.RUNNING, 0),
        "latest": list(ScanRequest.objects.order_by("-pk")[:SHOWN_REQUESTS]),
    }
