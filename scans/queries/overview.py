"""Overview for an operator: the last runs, the request queue, the open decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, OuterRef, Subquery
from django.utils.translation import gettext as _

from marketdata.number_format import count_of
from marketdata.queries.readiness import ReadinessState
from scans.models import RequestStatus, ScannerVersion, ScanRequest, ScanRun, ScanSession, Status
from scans.queries.readiness import Readiness, VersionState
from scans.queries.versions import active_markets

LATEST_REQUESTS = 8
UNFINISHED = (RequestStatus.QUEUED, RequestStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class LastRun:
    """A version's last run on a market and the last session of that run; None if it never ran, or failed."""

    version: ScannerVersion
    run: ScanRun | None
    session: ScanSession | None
    active_on: list[str]

    @property
    def picks(self) -> str:
        """The counts of the session: "26 matched, 10 listed"."""
        session = self.session
        if not session:
            return ""
        counts = {"matched": f"{session.matched:,}", "listed": f"{session.ranked:,}"}
        return _("%(matched)s matched, %(listed)s listed") % counts


def last_runs() -> list[LastRun]:
    """The last run of each version on each market that changed something or failed, in four queries."""
    versions = list(ScannerVersion.objects.all())
    active = active_markets()
    newest = (
        ScanRun.objects.exclude(status=Status.UNCHANGED)
        .order_by()
        .values("scanner_version", "market")
        .annotate(last=Max("pk"))
    )
    runs = list(ScanRun.objects.filter(pk__in=[row["last"] for row in newest]))
    latest = ScanSession.objects.filter(run=OuterRef("run")).order_by("-date").values("date")[:1]
    answers = ScanSession.objects.filter(run__in=runs, date=Subquery(latest))
    sessions = {row.run_id: row for row in answers}
    last_rows = []
    for version in versions:
        version_runs = sorted((run for run in runs if run.scanner_version_id == version.pk), key=lambda run: run.market)
        markets = active.get(version.pk, [])
        last_rows += [LastRun(version, run, sessions.get(run.pk), markets) for run in version_runs]
        if not version_runs and version.enabled:
            last_rows.append(LastRun(version, None, None, markets))
    return last_rows


def stale_versions(markets: Sequence[Readiness]) -> dict[tuple[str, str], str]:
    """(market, version) -> the reason why the version's published sessions are stale or late; of enabled versions only.
    A session that is not due yet does not count."""
    result = {}
    for market in markets:
        behind = 0 if market.is_alarming else market.record.behind
        if market.state is ReadinessState.NOT_READY:
            behind = max(behind, 1)
        for version in market.versions:
            if version.state is VersionState.STALE:
                result[market.market, version.version] = version.reason
            elif version.behind is not None and version.behind > behind:
                ago = f"{count_of(version.behind, 'session')} ago"
                result[market.market, version.version] = f"{version.reason}, {ago}"
    return result


def undecided_count() -> int:
    """The count of quarantined sessions without a decision."""
    return ScanSession.objects.filter(status=Status.QUARANTINED, decision=None).count()


def queue_state() -> dict[str, Any]:
    """The counts of queued and running requests, and the latest requests."""
    counts = ScanRequest.objects.filter(status__in=UNFINISHED).order_by().values_list("status")
    alive = dict(counts.annotate(n=Count("pk")))
    return {
        "queued": alive.get(RequestStatus.QUEUED, 0),
        "running": alive.get(RequestStatus.RUNNING, 0),
        "latest": list(ScanRequest.objects.order_by("-pk")[:LATEST_REQUESTS]),
    }
