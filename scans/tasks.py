"""The tasks of the task queue, which calls them by these names; each reads the clock and makes one call."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from marketdata.errors import DataProblem
from marketdata.markets import UnknownMarket
from marketdata.operations.forming import ClosedDay
from marketdata.operations.lease import LeaseLost, LeaseTaken
from marketdata.operations.tasks.attempts import is_repeated, may_retry, tracked
from scans.api.after_publication import queue_warm_up, warm_up_responses
from scans.operations.evening import notify, schedule
from scans.operations.intraday import schedule as intraday_schedule
from scans.operations.requests import worker
from scans.operations.scan.request import RunRequest
from scans.queries.versions import UnknownVersion, get_scan_request

if TYPE_CHECKING:
    from scans.operations.evening.evening import EveningRequest

REPEATED_PATIENCE, SIBLING_PATIENCE = 90.0, 1800.0
"""Seconds that an evening waits for the lease of its own lost worker on another host, and for the market's evening of
other versions."""
LOGGER = logging.getLogger(__name__)


@tracked
def process_scan_request(number: int) -> str:
    """Process a scan request; returns its result as text."""
    result = worker.process_request(number, as_of=timezone.now(), may_retry=may_retry)
    row = get_scan_request(number)
    if row is not None and row.publishes:
        queue_warm_up(row.market, row.versions)
    return result


@tracked
def warm_up(market: str, versions: Sequence[str]) -> None:
    """Cache the answers that most readers request after a publication."""
    warm_up_responses(market, versions)


@tracked
def process_range_part(number: int, scanner_version: str, first: str, last: str) -> dict[str, Any]:
    """Process a part of a scan request's range; returns its outcome."""
    days = date.fromisoformat(first), date.fromisoformat(last)
    return worker.process_part(number, scanner_version, *days, as_of=timezone.now())


@tracked
def scan_shard(first: str, last: str, **shard: Any) -> str:
    """Compute the features of some instruments, a member of a run; returns the name of the file."""
    from scans.operations.scan.shard_group import compute_shard  # imports every engine

    return compute_shard(first=date.fromisoformat(first), last=date.fromisoformat(last), **shard)


@tracked
def evening(market: str, at: str, due: str, versions: Sequence[str] = (), collects: bool = True) -> str:
    """Run the evening that was due at `due`; returns its result as text. `at`: the scheduled time in local time."""
    from scans.operations.evening.evening import run_evening  # imports every engine

    now = timezone.now()
    schedule.set_next_run(market, at, as_of=now)
    intraday_schedule.update_checks(as_of=now)
    request = _evening_request(market, at, due, versions, collects)
    try:
        report = run_evening(request, clock=timezone.now, warm_up=warm_up_responses)
    except UnknownVersion as error:
        LOGGER.error("The evening of market %s was not run: %s", market, error)
        report_evening(str(error), market, at, due, versions, collects)
        return str(error)
    except (UnknownMarket, LeaseTaken, LeaseLost) as error:
        LOGGER.error("The evening of market %s was not run: %s", market, error)
        return str(error)
    if report.session is None:
        return report.reason
    is_retried = report.incomplete and schedule.retry_later(market, at, as_of=timezone.now())
    return f"{market} {report.session}: {report.outcome}{', to be tried again' if is_retried else ''}"


@tracked
def evening_version(
    market: str, session: str, scanner_version: str, first: str, last: str, left_out: int = 0, started_by: str = ""
) -> dict[str, Any]:
    """Scan one version of an evening; returns its report."""
    from scans.operations.evening.version_scans import DueScan, scan_member  # imports every engine

    request = RunRequest(
        market=market,
        as_of=timezone.now(),
        versions=[scanner_version],
        first=date.fromisoformat(first),
        last=date.fromisoformat(last),
        executor=settings.SCAN_EXECUTOR,
        started_by=started_by,
    )
    return scan_member(DueScan(request, date.fromisoformat(session), left_out))


def report_evening(
    reason: str, market: str, at: str, due: str, versions: Sequence[str] = (), collects: bool = True
) -> None:
    """Send the message of an evening that is not attempted again."""
    from scans.operations.evening.failure_message import send_failure

    send_failure(_evening_request(market, at, due, versions, collects), reason, clock=timezone.now)


def _evening_request(market: str, at: str, due: str, versions: Sequence[str], collects: bool) -> EveningRequest:
    from scans.operations.evening.evening import EveningRequest

    since, until = schedule.closing_span(market, at, datetime.fromisoformat(due), as_of=timezone.now())
    return EveningRequest(
        market=market,
        versions=versions,
        since=since,
        until=until,
        collects=collects,
        executor=settings.SCAN_EXECUTOR,
        started_by="schedule",
        notifies=schedule.is_last(market, at),
        parallel=settings.EVENING_PARALLEL,
        patience=REPEATED_PATIENCE if is_repeated() else 0.0 if schedule.is_alone(market) else SIBLING_PATIENCE,
    )


@tracked
def collect(market: str, source: str, options: Mapping[str, Any]) -> str:
    """Collect daily bars that the record lacks, by the parts of its group; returns the result as text."""
    from marketdata.operations.collect import collection_task

    return collection_task.collect_bars(market, source, options, clock=timezone.now)


@tracked
def collect_part(market: str, source: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Collect a part of the instruments, a member of a collection; returns its report."""
    from marketdata.operations.collect import group

    return group.collect_part(market, source, options, clock=timezone.now)


@tracked
def settle(market: str, at: str) -> str:
    """Settle the last sessions of the market; returns the result as text. `at`: the scheduled time in local time. What
    the exchange has not published is requested again soon, and a message says when it is late."""
    from scans.operations.evening.settle import send_unsettled  # imports every engine
    from scans.operations.evening.settle import settle as settle_market

    schedule.set_next_morning(market, at, as_of=timezone.now())
    try:
        report = settle_market(
            market,
            clock=timezone.now,
            executor=settings.SCAN_EXECUTOR,
            started_by="schedule",
            warm_up=warm_up_responses,
        )
    except (UnknownMarket, LeaseTaken, LeaseLost) as error:
        LOGGER.error("The sessions of market %s were not settled: %s", market, error)
        return str(error)
    if report.collected.error and schedule.retry_morning(market, at, as_of=timezone.now()):
        send_unsettled(market, report.collected.error, clock=timezone.now)
    return " ".join(report.lines())


@tracked
def preclose(market: str, at: str, versions: Sequence[str] = (), scales_volume: bool = False) -> str:
    """Scan the market's session before it closes, and send the picks; returns the result as text."""
    from scans.operations.preclose import message, scan  # imports every engine

    schedule.set_next_preclose(market, at, as_of=timezone.now())
    request = scan.PrecloseRequest(
        market=market,
        versions=versions,
        scales_volume=scales_volume,
        executor=settings.SCAN_EXECUTOR,
        started_by="schedule",
    )
    try:
        report = scan.run_preclose(request, clock=timezone.now)
    except (UnknownMarket, ClosedDay, LeaseTaken) as error:
        LOGGER.info("Market %s was not scanned before its close: %s", market, error)
        return str(error)
    except (UnknownVersion, DataProblem) as error:
        LOGGER.warning("Market %s was not scanned before its close: %s", market, error)
        message.send_refusal(market, str(error), clock=timezone.now)
        return str(error)
    message.send_message(report, clock=timezone.now)
    return f"{report.row}: {sum(not one.error for one in report.scans)} of {len(report.scans)} versions"


def report_preclose(reason: str, market: str, at: str, versions: Sequence[str] = ()) -> None:
    """Send the message of a scan before the close that is not attempted again."""
    from scans.operations.preclose import message

    message.send_refusal(market, reason, clock=timezone.now)


@tracked
def intraday(market: str) -> str:
    """Check the market's signals while it trades, and send what reached target or stop; returns the result as text."""
    from scans.operations.intraday.watch import watch_signals

    intraday_schedule.set_next_check(market, as_of=timezone.now())
    try:
        return str(watch_signals(market, clock=timezone.now))
    except (UnknownMarket, DataProblem, LeaseTaken, LeaseLost) as error:
        LOGGER.info("The signals of market %s were not checked: %s", market, error)
        return str(error)


@tracked
def deliver(number: int) -> str:
    """Try a delivery of a notification; returns its state as text."""
    return notify.deliver(number, as_of=timezone.now())
