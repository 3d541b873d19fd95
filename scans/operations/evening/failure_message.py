"""The message of an evening that will not be attempted again: without it that day would have no message."""

from __future__ import annotations

from scans.models import ScanSession
from scans.operations.evening import monitor, notify
from scans.operations.evening.evening import Clock, EveningRequest, evening_session, evening_versions
from scans.operations.evening.report import EveningReport, VersionReport
from scans.queries.versions import UnknownVersion

NOT_RUN = "The evening ended before it published this version."


def send_failure(request: EveningRequest, reason: str, *, clock: Clock) -> EveningReport:
    """Record why the evening was given up as its session's notification, with each of its versions that has not
    published the session as failed, and send it; a day without a session has none. Raises UnknownMarket."""
    at = clock()
    session, nothing = evening_session(request, at)
    report = EveningReport(request.market, session, reason if session else nothing)
    if session is None:
        return report
    try:
        versions = evening_versions(request)
    except UnknownVersion:  # which may be the reason
        versions = []
    rows = ScanSession.objects.filter(market=request.market, date=session, published=True)
    published = set(rows.values_list("scanner_version", flat=True))
    report.versions = [
        VersionReport(version.slug, reason=NOT_RUN) for version in versions if version.pk not in published
    ]
    notify.record_report(report, at=at, sends=request.notifies)
    notify.send_new(report, clock=clock)
    monitor.report_evening(report)
    return report
