"""What an operator looks at first: how the versions did last, what waits for a worker, what waits for a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, OuterRef, Subquery

from marketdata.number_format import count_of
from marketdata.queries.readiness import ReadinessState
from scans.models import RequestStatus, ScannerVersion, ScanRequest, ScanRun, ScanSession, Status
from scans.queries import versions as queries
from scans.queries.readiness import Readiness, VersionState

SHOWN_REQUESTS = 8
ALIVE = (RequestStatus.QUEUED, RequestStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class LastRun:
    """A version's last run on a market and the last session of that run; None where it never ran, or failed."""

    version: ScannerVersion
    run: ScanRun | None
    session: ScanSession | None
    active_on: list[str]

    @property
    def picks(self) -> str:
        """What matched on the session, and what of it is listed: "26 matched, 10 listed"."""
        one = self.session
        return f"{one.matched:,} matched, {one.ranked:,} listed" if one else ""


def last_runs() -> list[LastRun]:
    """The last run of each version on each market, in four queries whatever their number."""
    versions = list(ScannerVersion.objects.all())
    active = queries.active_markets()
    newest = ScanRun.objects.order_by().values("version", "market").annotate(last=Max("pk"))
    runs = list(ScanRun.objects.filter(pk__in=[row["last"] for row in newest]))
    latest = ScanSession.objects.filter(run=OuterRef("run")).order_by("-date").values("date")[:1]
    answers = ScanSession.objects.filter(run__in=runs, date=Subquery(latest))
    sessions = {row.run_id: row for row in answers}
    found = []
    for version in versions:
        mine = sorted((run for run in runs if run.version_id == version.pk), key=lambda run: run.market)
        markets = active.get(version.pk, [])
        found += [LastRun(version, run, sessions.get(run.pk), markets) for run in mine]
        if not mine and version.enabled:
            found.append(LastRun(version, None, None, markets))
    return found


def stale_versions(markets: Sequence[Readiness]) -> dict[tuple[str, str], str]:
    """(market, version) -> why what the version has published is not what readers should have by now; enabled versions
    alone, and no session that may still be scanned in time counts against one."""
    found = {}
    for one in markets:
        behind = 0 if one.is_alarming else one.record.behind
        if one.state is ReadinessState.NOT_READY:
            behind = max(behind, 1)
        for version in one.versions:
            if version.state is VersionState.STALE:
                found[one.market, version.version] = version.reason
            elif version.behind is not None and version.behind > behind:
                ago = f"{count_of(version.behind, 'session')} ago"
                found[one.market, version.version] = f"{version.reason}, {ago}"
    return found


def undecided_count() -> int:
    """How many quarantined sessions nobody has decided about."""
    return ScanSession.objects.filter(status=Status.QUARANTINED, decision=None).count()


def queue_state() -> dict[str, Any]:
    """What waits and what is at work, and the latest requests."""
    counts = ScanRequest.objects.filter(status__in=ALIVE).order_by().values_list("status")
    alive = dict(counts.annotate(n=Count("pk")))
    return {
        "queued": alive.get(RequestStatus.QUEUED, 0),
        "running": alive.get(RequestStatus.RUNNING, 0),
        "latest": list(ScanRequest.objects.order_by("-pk")[:SHOWN_REQUESTS]),
    }
