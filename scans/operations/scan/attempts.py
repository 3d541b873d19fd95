"""Attempts of a version: each is a `ScanRun`, whether it published, changed nothing or failed.

The log has a line as a version starts and one for its end.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import DatabaseError

from marketdata.number_format import count_of
from marketdata.record import Days
from marketdata.request_id import get_request_id
from scans.models import ScannerVersion, ScanRun, Status
from scans.operations.scan.answers import NO_MATCH, PUBLISHED, QUARANTINED, Scan, parameters, parameters_hash
from scans.operations.scan.code_revision import code_revision
from scans.operations.scan.request import RunRequest

LOGGER = logging.getLogger(__name__)
MB = 1024 * 1024
MAX_REQUEST_ID = 64
MAX_NAMED = 5
"""Most quarantined sessions that the reason of a run names."""


def log_start(version: ScannerVersion, days: Days, request: RunRequest) -> None:
    """Log that a version starts."""
    LOGGER.info(
        "%s started on market %s, %s, started by %s",
        version.slug,
        request.market,
        _span(str(days[0]), str(days[-1])),
        request.started_by or "-",
    )


def log_end(scan: Scan) -> None:
    """Log how a version ended: what it matched and cost, or why it failed."""
    slug, cost = scan.version.slug, scan.cost
    if scan.error:
        LOGGER.error("%s failed on market %s after %.2f s: %s", slug, scan.market, scan.duration, scan.error)
        return
    LOGGER.info(
        "%s matched %s on market %s, %s%s: %.2f s (%s), CPU %.2f s, peak %d MB, %s, %s",
        slug,
        count_of(sum(answer.matched for answer in scan.answers), "instrument"),
        scan.market,
        _span(scan.answers[0].date, scan.answers[-1].date),
        ", unchanged" if scan.unchanged else "",
        scan.duration,
        ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in scan.seconds.items()),
        cost.cpu,
        cost.memory // MB,
        count_of(scan.bars, "bar"),
        scan.executor,
    )


def record_failure(scan: Scan, days: Days, data_digest: str, request: RunRequest) -> None:
    """Record the failed run of a version over `days`, without answers, if the database is available; sets
    `scan.run`."""
    try:
        run = ScanRun.objects.create(
            **_attempt(scan, data_digest, request),
            **cost_fields(scan, request),
            first=str(days[0]),
            last=str(days[-1]),
            status=Status.FAILED,
            reason=scan.error,
        )
    except DatabaseError:  # the scan has its own error already
        LOGGER.exception("The failed run of %s was not recorded", scan.version.slug)
    else:
        scan.run = run.pk


def answered_run(scan: Scan, data_digest: str, request: RunRequest) -> ScanRun:
    """The unsaved run of a version that has answers, without its cost."""
    states = {answer.status for answer in scan.answers}
    status = next(state for state in (PUBLISHED, NO_MATCH, QUARANTINED) if state in states)
    reasons = {answer.reason for answer in scan.answers if answer.status == status}
    return ScanRun(
        **_attempt(scan, data_digest, request),
        first=scan.answers[0].date,
        last=scan.answers[-1].date,
        status=status,
        reason="; ".join([*(sorted(reasons) if status != PUBLISHED else ()), *_quarantine_note(scan, status)]),
        sessions=len(scan.answers),
        universe=sum(answer.universe for answer in scan.answers),
        scored=sum(answer.scored for answer in scan.answers),
        matched=sum(answer.matched for answer in scan.answers),
        read_at=scan.answers[-1].read_at,
    )


def _quarantine_note(scan: Scan, status: str) -> list[str]:
    """A sentence that names the quarantined sessions of a run; [] if there are none, or if all are, as its status
    says."""
    days = [answer.date for answer in scan.answers if answer.status == QUARANTINED]
    if not days or status == QUARANTINED:
        return []
    named = ", ".join(days[:MAX_NAMED]) + (f" and {len(days) - MAX_NAMED} more" if len(days) > MAX_NAMED else "")
    return [f"{len(days)} of {count_of(len(scan.answers), 'session')} quarantined: {named}"]


def cost_fields(scan: Scan, request: RunRequest) -> dict[str, Any]:
    """The cost of a run so far, as fields of its row."""
    return {
        "seconds": {name: round(spent, 4) for name, spent in scan.seconds.items()},
        "cpu_seconds": round(scan.cost.cpu, 4),
        "peak_memory_mb": scan.cost.memory // MB,
        "bars": scan.bars,
        "executor": scan.executor,
        "finished_at": request.as_of + timedelta(seconds=scan.duration),
    }


def _attempt(scan: Scan, data_digest: str, request: RunRequest) -> dict[str, Any]:
    """The fields that a run records in any case."""
    return {
        "scanner_version": scan.version,
        "market": scan.market,
        "engine": scan.task.engine.slug,
        "revision": scan.task.engine.revision,
        "code_revision": code_revision(),
        "params": parameters(scan.task),
        "params_hash": parameters_hash(scan.task),
        "data_digest": data_digest,
        "index": scan.index,
        "started_by": request.started_by,
        "request_id": request.request_id or get_request_id()[:MAX_REQUEST_ID],
        "started_at": request.as_of,
    }


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"
