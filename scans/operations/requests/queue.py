"""Scans that somebody asks for, to be worked off by a task worker (`working`): asked, cancelled, run again.

Everything is checked when it is asked, so that a request fails later only for what could not be known. A request's
state is moved by conditional UPDATEs alone: a task that is delivered twice finds nothing to take, and a worker whose
request was cancelled, or given up as dead, is refused when it wants to publish.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django_q.tasks import async_task

from marketdata.markets import get_market
from marketdata.operations import lease
from marketdata.operations.projection import project
from marketdata.record import Record
from scans.engines.registry import ENGINES
from scans.models import RequestStatus, ScanRequest, ScanRun
from scans.operations.requests.checks import RequestRefused as RequestRefused
from scans.operations.requests.checks import check_request
from scans.queries import versions as queries

TASK = "scans.tasks.work_request"
REQUEUE_AFTER = timedelta(minutes=15)
"""After which a request that still waits is put into the queue again."""
UNFINISHED = (RequestStatus.QUEUED, RequestStatus.RUNNING)
NOT_TAKEN = "The task queue cannot be reached, so nothing was kept: try again later."

LOGGER = logging.getLogger(__name__)


class KeyReused(ValueError):
    """The idempotency key belongs to another request of the same user."""


class NotCancellable(ValueError):
    """The request has ended already."""


class QueueUnreachable(Exception):
    """The task queue does not take anything; nothing was kept."""


@dataclass(frozen=True, slots=True)
class QueuedRequest:
    """The request, and whether it is new or that of an earlier call with the same key."""

    request: ScanRequest
    fresh: bool


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
    """Queue a scan. No versions: the market's active one; no first and last: the last complete session as of `as_of`;
    `key` makes a second call with the same content the same request.

    Raises UnknownMarket, UnknownVersion, DataProblem (no such sessions), RequestRefused, KeyReused, QueueUnreachable.
    """
    asked = {
        "market": market,
        "versions": list(versions),
        "first": first and first.isoformat(),
        "last": last and last.isoformat(),
        "limits": dict(limits or {}),
        "top": top,
        "publishes": publishes,
        "executor": executor,
        "pinned": {slug: dict(one) for slug, one in (pinned or {}).items()},
    }
    asked_hash = _hash(asked)
    known = _of_key(requested_by, key, asked_hash)
    if known:
        return QueuedRequest(known, fresh=False)
    named = get_market(market)
    chosen = queries.get_versions(market, list(versions))
    held = project.current_record(market)
    low, high, count = _sessions(held, first, last, as_of)
    check_request(chosen, asked, named.segments, count)
    try:
        with transaction.atomic():
            row = ScanRequest.objects.create(
                market=market,
                versions=[version.slug for version in chosen],
                first=low,
                last=high,
                limits=asked["limits"],
                top=top,
                pinned=asked["pinned"],
                publishes=publishes,
                executor=executor,
                sessions=count * len(chosen),
                requested_by=requested_by,
                request_id=request_id,
                key=key,
                asked_hash=asked_hash,
                created_at=as_of,
                queued_at=as_of,
            )
            transaction.on_commit(lambda: _enqueue_new(row.pk))
    except IntegrityError:
        known = _of_key(requested_by, key, asked_hash)
        if known is None and key:  # the other one was taken back before it could be read
            raise QueueUnreachable(NOT_TAKEN) from None
        if known is None:
            raise
        return QueuedRequest(known, fresh=False)
    return QueuedRequest(row, fresh=True)


def cancel_request(number: int, *, as_of: datetime, who: str) -> ScanRequest:
    """End a request that waits or runs; from then on it publishes nothing more (a part is published whole or not at
    all, and what was published before stays). NotCancellable where it has ended."""
    ended = ScanRequest.objects.filter(pk=number, status__in=UNFINISHED).update(
        status=RequestStatus.CANCELLED, reason=f"cancelled by {who}", finished_at=as_of
    )
    row = ScanRequest.objects.get(pk=number)
    if not ended:
        raise NotCancellable(f"Request {number} has ended already: it is {row.status}.")
    return row


def repeat_run(run: ScanRun, *, as_of: datetime, requested_by: str, request_id: str = "") -> QueuedRequest:
    """A recorded run once more as a new request: the same version, sessions and parameters as it recorded."""
    engine = run.version.engine
    if engine != run.engine or engine not in ENGINES:
        raise RequestRefused(
            "versions",
            f"Run {run.pk} used engine {run.engine}, version {run.version.slug} has {engine} now: "
            "make a version of that engine and scan with it.",
        )
    return queue_request(
        market=run.market,
        as_of=as_of,
        requested_by=requested_by,
        versions=[run.version.slug],
        first=run.first,
        last=run.last,
        pinned={run.version.slug: run.params},
        request_id=request_id,
    )


def repeat_request(row: ScanRequest, *, as_of: datetime, requested_by: str, request_id: str = "") -> QueuedRequest:
    """A request that ended, once more as a new one; what it published already is found to stand and stays."""
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
    """The lease that the worker of a request holds."""
    return f"scan request {number}"


def recover_requests(*, as_of: datetime) -> None:
    """End what runs without the lease of a living worker. And put into the queue again what has waited for long, lest
    its task was lost with a worker or a broker; a task too many finds nothing to do."""
    running = ScanRequest.objects.filter(status=RequestStatus.RUNNING)
    numbers = {lease_name(pk): pk for pk in running.values_list("pk", flat=True)}
    lost = lease.inactive(numbers) if numbers else set()
    running.filter(pk__in=[numbers[name] for name in lost]).update(
        status=RequestStatus.FAILED,
        reason="The worker was lost: what it had published stands, ask again for the rest.",
        finished_at=as_of,
    )
    waiting = ScanRequest.objects.filter(status=RequestStatus.QUEUED, queued_at__lt=as_of - REQUEUE_AFTER)
    for number in waiting.order_by("pk").values_list("pk", flat=True):
        if waiting.filter(pk=number).update(queued_at=as_of):
            with suppress(QueueUnreachable):  # it goes on waiting; the log says why
                _enqueue(number)


def current_request(number: int, market: str, *, as_of: datetime) -> ScanRequest | None:
    """A request as it is, settled first where it has lost its worker or waits for long; None where there is none."""
    rows = ScanRequest.objects.filter(pk=number, market=market)
    row = rows.first()
    if row is None or row.status not in UNFINISHED:
        return row
    is_running = row.status == RequestStatus.RUNNING
    if lease.inactive([lease_name(number)]) if is_running else row.queued_at < as_of - REQUEUE_AFTER:
        recover_requests(as_of=as_of)
        row = rows.first()
    return row


def _of_key(requested_by: str, key: str, asked_hash: str) -> ScanRequest | None:
    """The request that the user made with this key; KeyReused where it asked for something else."""
    if not key:
        return None
    known = ScanRequest.objects.filter(requested_by=requested_by, key=key).first()
    if known and known.asked_hash != asked_hash:
        raise KeyReused(
            f"This idempotency key was used for request {known.pk}, which asked for something else: use a new one."
        )
    return known


def _sessions(held: Record, first: date | None, last: date | None, as_of: datetime) -> tuple[date, date, int]:
    """The first and the last session asked for and how many there are; DataProblem where there are none."""
    if first is None and last is None:
        first = last = held.last_complete_session(as_of)
    days = held.between(first, last)
    return days[0].item(), days[-1].item(), len(days)


def _hash(asked: Mapping[str, Any]) -> str:
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _enqueue_new(number: int) -> None:
    """Queue a new request, or take it back: nobody would ever work it."""
    try:
        _enqueue(number)
    except QueueUnreachable:
        ScanRequest.objects.filter(pk=number, status=RequestStatus.QUEUED).delete()
        raise


def _enqueue(number: int) -> None:
    try:
        async_task(TASK, number, task_name=f"scan request {number}", group="scans")
    except Exception as error:  # each broker has errors of its own
        LOGGER.exception("The task queue does not take request %s", number)
        raise QueueUnreachable(NOT_TAKEN) from error
