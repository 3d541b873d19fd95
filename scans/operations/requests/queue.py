"""The queue of scan requests, which a task worker processes (`worker`): add, cancel, repeat, recover.

A request is validated when it is queued. Only conditional UPDATEs change its status: a task that is delivered twice
has nothing to do, and a worker whose request was cancelled, or marked as lost, cannot publish.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from marketdata.markets import get_market
from marketdata.operations import lease
from marketdata.operations.projection import current_lake
from marketdata.operations.tasks.queueing import enqueue, unfinished_names
from marketdata.record import Record
from scans.digests import json_digest
from scans.engines.registry import ENGINES
from scans.models import RequestStatus, ScanRequest, ScanRun
from scans.operations.requests.checks import RequestRefused as RequestRefused
from scans.operations.requests.checks import check_request
from scans.queries.versions import get_versions

REQUEUE_AFTER = timedelta(minutes=15)
"""After this time a waiting request is put into the task queue again."""
UNFINISHED = (RequestStatus.QUEUED, RequestStatus.RUNNING)
WORKER_LOST = "The worker was lost: its published sessions remain, request the others again."
NOT_QUEUED = "The task queue cannot be reached, so nothing was saved: try again later."

LOGGER = logging.getLogger(__name__)


class KeyReused(ValueError):
    """The idempotency key belongs to another request of the same user."""


class NotCancellable(ValueError):
    """The request has ended already."""


class QueueUnreachable(Exception):
    """The task queue cannot be reached; nothing was saved."""


@dataclass(frozen=True, slots=True)
class QueuedRequest:
    """A request, and whether it is new; False: an earlier call with the same key made it."""

    request: ScanRequest
    is_new: bool


def queue_request(
    *,
    market: str,
    as_of: datetime,
    requested_by: str,
    versions: Sequence[str] = (),
    first: date | None = None,
    last: date | None = None,
    limits: Mapping[str, int] | None = None,
    top: int | None = None,
    publishes: bool = True,
    executor: str = "auto",
    pinned: Mapping[str, Mapping[str, Any]] | None = None,
    request_id: str = "",
    key: str = "",
) -> QueuedRequest:
    """Queue a scan and return its request. No versions: the market's active one. No first and last: the last complete
    session as of `as_of`. A second call with the same `key` and content returns the request of the first.

    Raises UnknownMarket, UnknownVersion, DataProblem (no such sessions), RequestRefused, KeyReused, QueueUnreachable.
    """
    options = {
        "market": market,
        "versions": list(versions),
        "first": first and first.isoformat(),
        "last": last and last.isoformat(),
        "limits": dict(limits or {}),
        "top": top,
        "publishes": publishes,
        "executor": executor,
        "pinned": {slug: dict(params) for slug, params in (pinned or {}).items()},
    }
    request_hash = json_digest(options)
    existing = _request_of_key(requested_by, key, request_hash)
    if existing:
        return QueuedRequest(existing, is_new=False)
    segments = get_market(market).segments
    version_rows = get_versions(market, list(versions))
    record = current_lake.current_record(market)
    first_session, last_session, count = _sessions(record, first, last, as_of)
    check_request(version_rows, options, segments, count)
    try:
        with transaction.atomic():
            row = ScanRequest.objects.create(
                market=market,
                versions=[version.slug for version in version_rows],
                first=first_session,
                last=last_session,
                limits=options["limits"],
                top=top,
                pinned=options["pinned"],
                publishes=publishes,
                executor=executor,
                sessions=count * len(version_rows),
                requested_by=requested_by,
                request_id=request_id,
                key=key,
                request_hash=request_hash,
                created_at=as_of,
                queued_at=as_of,
            )
            transaction.on_commit(lambda: _enqueue_new(row))
    except IntegrityError:
        existing = _request_of_key(requested_by, key, request_hash)
        if existing is None and key:  # the other call has deleted its request again
            raise QueueUnreachable(NOT_QUEUED) from None
        if existing is None:
            raise
        return QueuedRequest(existing, is_new=False)
    return QueuedRequest(row, is_new=True)


def cancel_request(number: int, *, as_of: datetime, who: str) -> ScanRequest:
    """Cancel a request that waits or runs. It publishes nothing after that: a part is published whole or not at all,
    and parts published before remain. NotCancellable if it has ended."""
    ended = ScanRequest.objects.filter(pk=number, status__in=UNFINISHED).update(
        status=RequestStatus.CANCELLED, reason=f"cancelled by {who}", finished_at=as_of
    )
    row = ScanRequest.objects.get(pk=number)
    if not ended:
        raise NotCancellable(f"Request {number} has ended already: it is {row.status}.")
    return row


def repeat_run(run: ScanRun, *, as_of: datetime, requested_by: str, request_id: str = "") -> QueuedRequest:
    """Queue a recorded run again as a new request, with the version, sessions and parameters that it recorded."""
    engine = run.scanner_version.engine
    if engine != run.engine or engine not in ENGINES:
        raise RequestRefused(
            "versions",
            f"Run {run.pk} used engine {run.engine}, version {run.scanner_version.slug} has {engine} now: "
            "make a version of that engine and scan with it.",
        )
    return queue_request(
        market=run.market,
        as_of=as_of,
        requested_by=requested_by,
        versions=[run.scanner_version.slug],
        first=run.first,
        last=run.last,
        pinned={run.scanner_version.slug: run.params},
        request_id=request_id,
    )


def repeat_request(row: ScanRequest, *, as_of: datetime, requested_by: str, request_id: str = "") -> QueuedRequest:
    """Queue a request that has ended again as a new one; unchanged answers remain published."""
    return queue_request(
        market=row.market,
        as_of=as_of,
        requested_by=requested_by,
        versions=row.versions,
        first=row.first,
        last=row.last,
        limits=row.limits,
        top=row.top,
        publishes=row.publishes,
        executor=row.executor,
        pinned=row.pinned,
        request_id=request_id,
    )


def lease_name(number: int) -> str:
    """The name of the lease of a request's worker."""
    return f"scan request {number}"


def recover_requests(*, as_of: datetime) -> None:
    """Have running requests without an active lease wait for the next attempt of their task, or mark them as failed
    where there is none; queue requests again that have waited for long without a task. A surplus task does nothing."""
    running = ScanRequest.objects.filter(status=RequestStatus.RUNNING)
    numbers = {lease_name(pk): pk for pk in running.values_list("pk", flat=True)}
    lost = lease.inactive(numbers) if numbers else set()
    if lost:
        retried = unfinished_names(lost)
        running.filter(pk__in=[numbers[name] for name in retried]).update(
            status=RequestStatus.QUEUED, queued_at=as_of, reason="Its worker was lost: it is done again."
        )
        running.filter(pk__in=[numbers[name] for name in lost - retried]).update(
            status=RequestStatus.FAILED, reason=WORKER_LOST, finished_at=as_of
        )
    waiting = ScanRequest.objects.filter(status=RequestStatus.QUEUED, queued_at__lt=as_of - REQUEUE_AFTER)
    rows = {lease_name(row.pk): row for row in waiting.order_by("pk")}
    unfinished = unfinished_names(rows) if rows else set()
    for name, row in rows.items():
        if name not in unfinished and waiting.filter(pk=row.pk).update(queued_at=as_of):
            with suppress(QueueUnreachable):  # it keeps waiting; the log has the reason
                _enqueue(row)


def current_request(number: int, market: str, *, as_of: datetime) -> ScanRequest | None:
    """A request, recovered first if its worker was lost or it waits for long; None if there is none."""
    rows = ScanRequest.objects.filter(pk=number, market=market)
    row = rows.first()
    if row is None or row.status not in UNFINISHED:
        return row
    is_running = row.status == RequestStatus.RUNNING
    if lease.inactive([lease_name(number)]) if is_running else row.queued_at < as_of - REQUEUE_AFTER:
        recover_requests(as_of=as_of)
        row = rows.first()
    return row


def _request_of_key(requested_by: str, key: str, request_hash: str) -> ScanRequest | None:
    """The user's request of this key, None if there is none; KeyReused if its content differs."""
    if not key:
        return None
    existing = ScanRequest.objects.filter(requested_by=requested_by, key=key).first()
    if existing and existing.request_hash != request_hash:
        raise KeyReused(
            f"This idempotency key was used for request {existing.pk}, whose content differs: use a new one."
        )
    return existing


def _sessions(record: Record, first: date | None, last: date | None, as_of: datetime) -> tuple[date, date, int]:
    """(first session, last session, count) of the requested range; DataProblem if it has none."""
    if first is None and last is None:
        first = last = record.last_complete_session(as_of)
    days = record.between(first, last)
    return days[0].item(), days[-1].item(), len(days)


def _enqueue_new(row: ScanRequest) -> None:
    """Queue a new request, or delete it, since no worker would process it."""
    try:
        _enqueue(row)
    except QueueUnreachable:
        ScanRequest.objects.filter(pk=row.pk, status=RequestStatus.QUEUED).delete()
        raise


def _enqueue(row: ScanRequest) -> None:
    """A person waits for one session, and for drafts; a range that is published takes long."""
    is_quick = row.first == row.last or not row.publishes
    try:
        enqueue("scan" if is_quick else "range", row.pk, name=lease_name(row.pk))
    except Exception as error:  # each broker has its own errors
        LOGGER.exception("The task queue did not accept request %s", row.pk)
        raise QueueUnreachable(NOT_QUEUED) from error
