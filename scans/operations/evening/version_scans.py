"""The scans of an evening's versions.

1. `due_scans`: the sessions that each version lacks, at most `MAX_SESSIONS`.
2. `scan_together`: versions with the same sessions share one run, which reads the lake once; each has a run of its own
   if that fails.
3. `scan_in_group`: in a task, each version is a member of a task group, which other workers share. A member publishes
   while an evening of the session is at work, by the worker that has the member; that of a lost worker is done again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from django.db.models import Max

from marketdata.operations.lease import LeaseLost
from marketdata.operations.tasks.attempts import may_retry
from marketdata.operations.tasks.groups import member_permit, run_group
from marketdata.record import Record
from scans.digests import json_digest
from scans.models import Evening, EveningStatus, ScannerVersion, ScanRank, ScanSession, Status
from scans.operations import signals
from scans.operations.evening import changes
from scans.operations.evening.report import VersionReport
from scans.operations.requests.worker import USER_ERRORS
from scans.operations.scan.answers import Scan
from scans.operations.scan.publish import Permit
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan

LOGGER = logging.getLogger(__name__)
MAX_SESSIONS = 10
"""Most sessions that an evening scans for a version that is behind; a backfill has no such limit."""
PICKS = 5
"""How many of the best picks of each version a notification has."""


@dataclass(frozen=True, slots=True)
class DueScan:
    """The run of versions that lack the same sessions up to the evening's `session`, and the count of earlier sessions
    that are left out."""

    request: RunRequest
    session: date
    left_out: int

    def of(self, slug: str) -> DueScan:
        """The same of one version alone."""
        return replace(self, request=replace(self.request, versions=[slug]))


def due_scans(
    record: Record, versions: Sequence[ScannerVersion], session: date, request: RunRequest
) -> Iterator[DueScan]:
    """The scans of an evening, made of `request`, one for all versions that lack the same sessions."""
    upto = record.sessions[record.sessions <= np.datetime64(session)]
    last = dict(
        ScanSession.objects.filter(
            market=request.market, scanner_version__in=versions, published=True, date__lte=session
        )
        .values_list("scanner_version")
        .annotate(Max("date"))
    )
    slugs: dict[int, list[str]] = {}
    for version in versions:
        since = last.get(version.pk)
        behind = 1 if since is None else int((upto > np.datetime64(since)).sum())
        slugs.setdefault(max(behind, 1), []).append(version.slug)
    for behind, of_same in slugs.items():
        days = upto[-min(behind, MAX_SESSIONS) :]
        due = replace(request, versions=of_same, first=days[0].item(), last=days[-1].item())
        yield DueScan(due, session, max(behind - MAX_SESSIONS, 0))


def scan_together(due: DueScan, permit: Permit, *, raises: bool = False) -> list[VersionReport]:
    """The reports of the versions, run together, or each by itself if that fails. An error of one version is the reason
    in its report; with `raises`, one that another attempt may mend (`may_retry`) is raised."""
    slugs = due.request.versions
    try:
        scans = run_scan(due.request, permit=permit, follow=signals.follow_list)
    except LeaseLost:
        raise
    except Exception as error:  # of one version, or of the data that they share
        if len(slugs) > 1:
            return [report for slug in slugs for report in scan_together(due.of(slug), permit, raises=raises)]
        if raises and may_retry(error):
            raise
        why = str(error)
        if not isinstance(error, USER_ERRORS):
            LOGGER.exception("%s failed on market %s", slugs[0], due.request.market)
            why = f"{slugs[0]} was ended by {type(error).__name__}: the log has more."
        return [VersionReport(slugs[0], reason=why, left_out=due.left_out)]
    return [_version_report(scan, due) for scan in scans]


def scan_in_group(scans: Sequence[DueScan], check: Callable[[], None]) -> list[VersionReport]:
    """The reports of the versions, each a member of a group; `check` may end it whenever a member has ended."""
    members = sorted((_arguments(due, slug) for due in scans for slug in due.request.versions), key=_slug)
    name = f"{scans[0].session} {json_digest([_slug(member) for member in members])[:8]}"  # the same if done again
    reports = []
    for member in run_group("evening version", name, members, progress=lambda _: check()):
        slug, left_out = _slug(member.arguments), member.arguments["left_out"]
        lost = VersionReport(slug, reason=f"{slug} was ended: {member.error}", left_out=left_out)
        reports.append(VersionReport(**member.result) if member.result else lost)
    return reports


def scan_member(due: DueScan) -> dict[str, Any]:
    """The report of one version of an evening as JSON types, scanned as a member of its group."""

    def permit() -> None:
        """LeaseLost where another worker has the member, or no evening of the session is at work."""
        member_permit()
        evenings = Evening.objects.filter(market=due.request.market, session=due.session)
        if not evenings.filter(status=EveningStatus.RUNNING).exists():
            raise LeaseLost(f"The evening of market {due.request.market}, {due.session}, has ended.")

    (report,) = scan_together(due, permit, raises=True)
    return asdict(report)


def _arguments(due: DueScan, slug: str) -> dict[str, Any]:
    """The keyword arguments of a member's task."""
    return {
        "market": due.request.market,
        "session": f"{due.session}",
        "scanner_version": slug,
        "first": f"{due.request.first}",
        "last": f"{due.request.last}",
        "left_out": due.left_out,
        "started_by": due.request.started_by,
    }


def _slug(arguments: Any) -> str:
    return str(arguments["scanner_version"])


def _version_report(scan: Scan, due: DueScan) -> VersionReport:
    """The report of a version, read from its published session."""
    report = VersionReport(scan.version.slug, reason=scan.error, left_out=due.left_out)
    if scan.error:
        return report
    report.quarantined = [answer.date for answer in scan.answers if answer.status == Status.QUARANTINED]
    row = ScanSession.objects.filter(
        market=scan.market, scanner_version=scan.version, date=due.session, published=True
    ).first()
    if row is None:  # bars of the session were deleted after the check of completeness
        report.status, report.reason = Status.QUARANTINED, scan.answers[-1].reason
        return report
    picks = ScanRank.objects.filter(session=row).order_by("rank")[:PICKS]
    report.status, report.reason, report.regime = row.status, row.reason, row.regime
    rule = next((scan.regime_rule(answer) for answer in scan.answers if answer.date == str(row.date)), None)
    report.regime_rule, report.regime_parts = (rule.sentence, asdict(rule)) if rule else ("", {})
    report.matched, report.ranked = row.matched, row.ranked
    report.picks = [changes.pick_row(pick) for pick in picks]
    report.sessions = [answer.date for answer in scan.answers if answer.status != Status.QUARANTINED]
    report.unchanged = scan.unchanged
    if scan.signals:
        report.signals = {"opened": scan.signals.opened, "moved": scan.signals.moved}
    return report
