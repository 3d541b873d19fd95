"""One evening of a market, from its bars to a notification.

1. Session: the one named, else the one that closed since the evening before. Without one nothing is done. The holidays
   of the exchange are synchronized first, where that has not been done today.
2. Lease: one process at a time runs an evening; a process that loses the lease publishes nothing more.
3. Collection: missing bars, where a source is configured, and investor flow, where a version reads it. The report names
   a failure. The evening goes on if the session's bars are complete, and ends if they are not.
4. Scan: each version is run over the sessions since its last published one (`version_scans`), together or in parallel;
   a version that fails does not affect the others.
5. Signals are updated, the response cache is warmed up, one notification reports the result, also of a failure, and a
   monitor is called.

A second call leaves what is published unchanged, and sends a notification only if the result differs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import perf_counter
from typing import Any

import numpy as np

from marketdata.market_time import market_zone
from marketdata.markets import get_market
from marketdata.operations.collect import missing_data
from marketdata.operations.lease import Lease, LeaseLost
from marketdata.operations.projection import current_lake
from marketdata.operations.tasks.groups import in_task
from marketdata.queries.market_calendar import get_hours, get_sessions
from marketdata.queries.records import get_record
from marketdata.queries.session_bars import get_session_bars
from marketdata.record import Record
from scans.models import Evening, EveningOutcome, EveningStatus, ScannerVersion
from scans.operations import signals
from scans.operations.evening import changes, monitor, notify
from scans.operations.evening.report import EveningReport, VersionReport
from scans.operations.evening.version_scans import due_scans, scan_in_group, scan_together
from scans.operations.requests.worker import USER_ERRORS
from scans.operations.scan.request import RunRequest
from scans.operations.versions import version_reads_flows
from scans.queries import enabled_versions, readiness
from scans.queries.freshness import markets_freshness
from scans.queries.versions import get_versions

LOGGER = logging.getLogger(__name__)
STATUS_OF_OUTCOME = {
    EveningOutcome.DONE: EveningStatus.PUBLISHED,
    EveningOutcome.PARTIAL: EveningStatus.PARTIAL,
    EveningOutcome.INCOMPLETE: EveningStatus.INCOMPLETE,
    EveningOutcome.FAILED: EveningStatus.FAILED,
}

Clock = Callable[[], datetime]
WarmUp = Callable[[str, Iterable[str]], None]


@dataclass(frozen=True, slots=True)
class EveningRequest:
    """Options of an evening. No versions: every enabled one whose segments the market has. `session` is a day; None:
    the latest session that closed after `since` (None: a day before the call) and up to `until` (None: the call).
    `notifies`: False leaves the message to a later evening of the session; `patience`: seconds to wait for another
    evening of the market to end; `parallel`: in a task each version is one of a group, which other workers share."""

    market: str
    versions: Sequence[str] = ()
    session: date | None = None
    since: datetime | None = None
    until: datetime | None = None
    collects: bool = True
    executor: str = "auto"
    started_by: str = ""
    notifies: bool = True
    patience: float = 0.0
    parallel: bool = False


def run_evening(request: EveningRequest, *, clock: Clock, warm_up: WarmUp) -> EveningReport:
    """Run an evening and report it to the monitor; returns its report, which names every failure but these:
    UnknownMarket, UnknownVersion, LeaseTaken if another process runs an evening of the market, LeaseLost if another
    process has taken this one over."""
    report = _run_evening(request, clock=clock, warm_up=warm_up)
    monitor.report_evening(report)
    return report


def _run_evening(request: EveningRequest, *, clock: Clock, warm_up: WarmUp) -> EveningReport:
    began, as_of = perf_counter(), clock()
    versions = evening_versions(request)
    if request.collects:
        missing_data.sync_holidays(request.market, as_of=as_of)
        notify.send_calendar(request.market, clock=clock)
    session, reason = evening_session(request, as_of)
    report = EveningReport(request.market, session, reason)
    if session is None:
        (record_freshness,) = markets_freshness([request.market], as_of)
        if record_freshness.is_alarming:
            report.reason += f" {record_freshness.sentence}"
            report.overdue = True
        return report
    with Lease(f"evening of market {request.market}", patience=request.patience) as lease:
        evening = _start_row(request, session, as_of)
        status = EveningStatus.FAILED
        try:
            _EveningRun(lease, session, as_of, request, versions, report, clock, warm_up).run_steps()
            report.readiness = _readiness(request.market, session, clock())
            if report.readiness and not request.versions:
                report.readiness["skipped"] = enabled_versions.lacking_segments(request.market)
            report.seconds = round(perf_counter() - began, 2)
            lease.check()
            notify.record_report(report, at=clock(), sends=request.notifies)
            status = STATUS_OF_OUTCOME[report.outcome]
        finally:
            running_rows = Evening.objects.filter(pk=evening.pk, status=EveningStatus.RUNNING)
            running_rows.update(status=status, finished_at=clock())
    notify.send_new(report, clock=clock)
    return report


def _readiness(market: str, session: date, as_of: datetime) -> dict[str, Any]:
    """The counts of the session's bars and the market's readiness, as JSON types; {} if they cannot be computed."""
    try:
        market_state = readiness.market_readiness(market, as_of)
        bars = get_session_bars(get_record(market), session)
    except Exception:  # the answers are published and do not depend on this
        LOGGER.exception("The readiness of market %s cannot be computed", market)
        return {}
    return {
        "state": str(market_state.state),
        "reason": market_state.reason,
        "last_closed_session": str(market_state.record.last_closed),
        "sessions_behind": market_state.record.behind,
        "read_at": read_at.isoformat() if (read_at := market_state.record.read_at) else "",
        "undecided": [str(day) for day, _ in market_state.record.undecided],
        "expected": bars.expected,
        "present": bars.present,
        "absent": {
            omission.reason: omission.count for omission in bars.omissions if omission.expected and not omission.has_bar
        },
    }


def _start_row(request: EveningRequest, session: date, as_of: datetime) -> Evening:
    """Create the row of this evening; rows of processes that died are marked failed."""
    running = Evening.objects.filter(market=request.market, status=EveningStatus.RUNNING)
    running.update(status=EveningStatus.FAILED, finished_at=as_of)
    return Evening.objects.create(
        market=request.market, session=session, started_by=request.started_by, started_at=as_of
    )


def evening_versions(request: EveningRequest) -> list[ScannerVersion]:
    """The versions of an evening; raises UnknownVersion."""
    if request.versions:
        return get_versions(request.market, list(request.versions))
    return enabled_versions.enabled_versions(request.market)


def evening_session(request: EveningRequest, as_of: datetime) -> tuple[date | None, str]:
    """The evening's session and ""; None and the reason if there is nothing to do. Raises UnknownMarket."""
    market = get_market(request.market)
    local = as_of.astimezone(market_zone(market))
    calendar, hours = get_sessions(market.name), get_hours(market.name)
    if request.session is not None:
        if np.datetime64(request.session) not in calendar:
            return None, f"{request.session} is no session of market {market.name}: nothing to do."
        if hours.closing(request.session) > as_of:
            return None, f"{request.session} has not closed on market {market.name} yet: run it then."
        return request.session, ""
    since = request.since or local - timedelta(days=1)  # in local time, whatever the day's length in hours
    at = int(np.searchsorted(calendar, np.datetime64(local.date()), side="right"))
    for day in calendar[max(at - 3, 0) : at][::-1].tolist():
        if since < hours.closing(day) <= (request.until or as_of):
            return day, ""
    return (None, f"No session of market {market.name} closed since {since:%Y-%m-%d %H:%M %Z}: nothing to do.")


class _EveningRun:
    """One run of an evening, which fills in `report`."""

    def __init__(
        self,
        lease: Lease,
        session: date,
        as_of: datetime,
        request: EveningRequest,
        versions: list[ScannerVersion],
        report: EveningReport,
        clock: Clock,
        warm_up: WarmUp,
    ) -> None:
        self._lease, self._request, self._versions = lease, request, versions
        self._report, self._clock, self._warm_up = report, clock, warm_up
        self._session, self._as_of = session, as_of

    def run_steps(self) -> None:
        """Steps 3 to 5 but the notification. LeaseLost if another process has taken the evening over."""
        try:
            if self._request.collects:
                market = self._request.market
                self._report.collected = missing_data.collect_missing(
                    market,
                    flows=any(version_reads_flows(version, market) for version in self._versions),
                    clock=self._clock,
                    beat=self._lease.check,
                )
            record = current_lake.current_record(self._request.market)
            if not self._is_complete(record):
                return
            if not self._versions:
                self._report.reason = f"No scanner version of market {self._request.market} is enabled: enable one."
                return
            self._report.versions = self._scan(record)
            self._update_signals()
            changes.add_changes(self._report)
        except USER_ERRORS as error:
            self._report.reason = str(error)
        except LeaseLost:
            raise
        except Exception as error:
            LOGGER.exception("The evening of market %s failed", self._request.market)
            self._report.reason = f"It was ended by {type(error).__name__}: the log has more."

    def _is_complete(self, record: Record) -> bool:
        """Whether the session's bars are complete; the report says why if they are not."""
        day = np.datetime64(self._session)
        n = int(np.searchsorted(record.sessions, day))
        bar_count = int(record.bars[n]) if n < len(record.sessions) and record.sessions[n] == day else 0
        if bar_count and not record.is_doubtful(n):
            return True
        problem = "no instrument has a bar"
        if bar_count:
            problem = record.doubt(n)
        elif why := record.closed.get(str(day)):
            problem = f"{why}; closed? Then confirm it in the admin's calendar overrides"
        self._report.incomplete = True
        self._report.reason = (
            f"Session {day} of market {self._request.market} is not complete, {problem}: nothing was scanned. Once "
            "its bars are there, `manage.py run_evening` does the rest."
        )
        if self._report.collected is not None and self._report.collected.left_out:
            self._report.reason += f" {self._report.collected.left_out}"
        return False

    def _scan(self, record: Record) -> list[VersionReport]:
        """The reports of all versions, by name."""
        options = self._request
        request = RunRequest(
            market=options.market, as_of=self._as_of, executor=options.executor, started_by=options.started_by
        )
        self._lease.check()
        scans = list(due_scans(record, self._versions, self._session, request))
        if options.parallel and len(self._versions) > 1 and in_task():
            reports = scan_in_group(scans, self._lease.check)
        else:
            reports = [report for due in scans for report in scan_together(due, self._lease.check)]
        return sorted(reports, key=lambda report: report.scanner_version)

    def _update_signals(self) -> None:
        """Update the signals that were not published with a list, and warm up the response cache; a failure of either
        is reported or logged."""
        market = self._request.market
        done = [report.scanner_version for report in self._report.versions if not report.failed]
        try:
            updates = signals.update_signals(
                market=market, versions=[version.slug for version in self._versions], as_of=self._as_of
            )
            published = [report.signals for report in self._report.versions if report.signals]
            self._report.signals = {
                "opened": sum(update.opened for update in updates) + sum(each["opened"] for each in published),
                "moved": sum(update.moved for update in updates) + sum(each["moved"] for each in published),
            }
        except Exception as error:
            LOGGER.exception("The signals of market %s were not updated", market)
            self._report.signals = {"error": f"The signals were not updated: {type(error).__name__}."}
        try:
            self._warm_up(market, done)
        except Exception:
            LOGGER.exception("The response cache of market %s was not warmed up", market)
