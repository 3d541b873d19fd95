"""The worker that processes a scan request.

1. Acquire its lease, and set its status from queued to running by a conditional UPDATE: a second worker does nothing.
2. One session, or a request that publishes nothing: one run over all its versions, which reads the lake once.
   A range: a backfill of each version, part by part; in a task the parts are a group, which other workers share.
3. The transaction that publishes a part checks that the request is still running under this worker's lease.
4. Record the result. A version that fails does not affect the others; the request names it and the reason.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from marketdata.errors import DataProblem
from marketdata.markets import UnknownMarket
from marketdata.operations.lease import Lease, LeaseLost, LeaseTaken
from marketdata.operations.tasks.groups import GroupMember, in_task, member_permit, run_group
from scans.engines.engine_params import ParamError
from scans.models import RequestStatus, ScanDraft, ScanRequest, Status
from scans.operations.requests import queue
from scans.operations.scan import backfill
from scans.operations.scan.answers import Scan
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.queries.regime_rules import rule_json
from scans.queries.versions import UnknownVersion

DRAFT_LIFETIME = timedelta(hours=24)
MAX_DRAFT_REQUESTS = 20
MAX_DRAFT_RANKS = 20_000
"""How long drafts are kept, of how many requests, and the most ranks of one request (about 10 MB)."""

BATCH = 50

LOGGER = logging.getLogger(__name__)
USER_ERRORS = (DataProblem, UnknownMarket, UnknownVersion, ParamError, backfill.BackfillRefused)
"""Errors whose message tells a user what to correct."""


class RequestStopped(Exception):
    """The request is no longer running: it was cancelled, or its worker was considered lost."""


def process_request(
    number: int, *, as_of: datetime, may_retry: Callable[[BaseException], bool] = lambda error: False
) -> str:
    """Process the request of that number; returns its result as text for the task queue's record. An error that
    `may_retry` leaves the request waiting and is raised."""
    queue.recover_requests(as_of=as_of)
    try:
        with Lease(queue.lease_name(number)) as lease:
            return _process_with_lease(lease, number, as_of, may_retry)
    except LeaseTaken:
        return f"request {number} is not waiting"


def _process_with_lease(lease: Lease, number: int, as_of: datetime, may_retry: Callable[[BaseException], bool]) -> str:
    """Process the request under its lease."""
    fields = {"status": RequestStatus.RUNNING, "started_at": as_of}
    if not ScanRequest.objects.filter(pk=number, status=RequestStatus.QUEUED).update(**fields):
        return f"request {number} is not waiting"
    worker = RequestWorker(ScanRequest.objects.get(pk=number), lease, as_of)
    try:
        worker.process()
    except (RequestStopped, LeaseLost):
        return f"request {number} was stopped"
    except USER_ERRORS as error:
        worker.finish(RequestStatus.FAILED, str(error))
    except BaseException as error:
        if may_retry(error):
            worker.release(as_of)
            raise
        worker.finish(RequestStatus.FAILED, f"It was ended by {type(error).__name__}: the log has more.")
        if not isinstance(error, Exception):
            raise  # the time limit of the queue, a signal to the worker
        LOGGER.exception("Request %s failed", number)
    else:
        failed = [outcome["error"] for outcome in worker.outcomes if outcome["error"]]
        worker.finish(RequestStatus.FAILED if failed else RequestStatus.DONE, " ".join(failed))
    return f"request {number} ended"


def process_part(number: int, slug: str, first: date, last: date, *, as_of: datetime) -> dict[str, Any]:
    """Process a part of a request's range; returns its outcome as JSON types."""
    row = ScanRequest.objects.get(pk=number)
    return RequestWorker(row, Lease(queue.lease_name(number)), as_of).process_part(slug, first, last)


def joined_outcomes(parts: Sequence[GroupMember]) -> list[dict[str, Any]]:
    """The outcome of each version, from the parts that have ended."""
    outcomes: dict[str, dict[str, Any]] = {}
    for part in parts:
        slug = part.arguments["scanner_version"]
        empty = {"scanner_version": slug, "sessions": 0, "quarantined": 0, "runs": [], "error": ""}
        outcome, result = outcomes.setdefault(slug, empty), part.result
        if part.error:
            outcome["error"] = outcome["error"] or f"A part was ended: {part.error}"
        if result is None:
            continue
        outcome["sessions"] += result["sessions"]
        outcome["quarantined"] += result["quarantined"]
        outcome["runs"] += [result["run"]] if result["run"] and result["run"] not in outcome["runs"] else []
        outcome["error"] = outcome["error"] or result["error"]
    return list(outcomes.values())


class RequestWorker:
    """The processing of one request."""

    def __init__(self, row: ScanRequest, lease: Lease, as_of: datetime) -> None:
        self.row = row
        self.lease = lease
        self.as_of = as_of
        self.outcomes: list[dict[str, Any]] = []
        self.done = 0

    def process(self) -> None:
        """Run the scans of the request; RequestStopped once it is no longer running."""
        if not self.row.publishes:
            self._save_drafts(run_scan(self._request(self.row.versions)))
        elif self.row.first == self.row.last:
            run_scan(self._request(self.row.versions), permit=self.permit, each=self._record_scan)
        elif in_task() and len(members := self._members()) > 1:
            self._run_members(members)
        else:
            for slug in self.row.versions:
                self._backfill(slug)

    def permit(self) -> None:
        """Lock the request as running until the transaction ends. Raises LeaseLost if another worker has it, and
        RequestStopped if it is no longer running."""
        self.lease.check()
        if not self._running().update(status=RequestStatus.RUNNING):
            raise RequestStopped

    def finish(self, status: RequestStatus, reason: str) -> None:
        """Record the end of the request, unless it has ended already."""
        self._running().update(status=status, reason=reason, finished_at=timezone.now())

    def release(self, as_of: datetime) -> None:
        """Have the request wait again."""
        self._running().update(status=RequestStatus.QUEUED, queued_at=as_of)

    def _running(self) -> Any:
        return ScanRequest.objects.filter(pk=self.row.pk, status=RequestStatus.RUNNING)

    def _record_progress(self, version: str = "") -> None:
        """Save the progress, also for a request that is stopped later."""
        ScanRequest.objects.filter(pk=self.row.pk).update(
            outcomes=self.outcomes, sessions_done=self.done, current_version=version
        )

    def _outcome(self, slug: str) -> dict[str, Any]:
        self.outcomes.append({"scanner_version": slug, "sessions": 0, "quarantined": 0, "runs": [], "error": ""})
        return self.outcomes[-1]

    def _request(self, versions: list[str]) -> RunRequest:
        row = self.row
        return RunRequest(
            market=row.market,
            as_of=self.as_of,
            versions=versions,
            first=row.first,
            last=row.last,
            limits=row.limits,
            top=row.top,
            executor=row.executor,
            save=row.publishes,
            started_by=row.requested_by,
            request_id=row.request_id,
            pinned=row.pinned,
        )

    def _backfill(self, slug: str) -> None:
        """Backfill one version; its outcome has its error beside the counts of what it published."""
        outcome, before = self._outcome(slug), self.done
        self._record_progress(slug)

        def progress(state: backfill.BackfillProgress) -> None:
            self.done, outcome["sessions"] = before + state.done, state.done
            outcome["quarantined"] += state.quarantined
            if state.run is not None and state.run not in outcome["runs"]:
                outcome["runs"].append(state.run)
            self._record_progress(slug)
            self.permit()

        try:
            done = backfill.run_backfill(
                self._request([slug]), resume=False, overwrite=True, progress=progress, permit=self.permit
            )
            outcome["error"] = " ".join(backfill.failures(done))
        except USER_ERRORS as error:
            outcome["error"] = str(error)
        self._record_progress()

    def _members(self) -> list[dict[str, Any]]:
        """The parts of the range, of each version in turn, as arguments of `process_part`."""
        bounds = backfill.part_bounds(self._request(self.row.versions))
        part = {"number": self.row.pk}
        return [
            {**part, "scanner_version": slug, "first": f"{first}", "last": f"{last}"}
            for slug in self.row.versions
            for first, last in bounds
        ]

    def _run_members(self, members: list[dict[str, Any]]) -> None:
        """Have the parts done by every worker there is, and join their results."""

        def progress(parts: Sequence[GroupMember]) -> None:
            self.outcomes = joined_outcomes(parts)
            self.done = sum(outcome["sessions"] for outcome in self.outcomes)
            self._record_progress()
            self.permit()

        with ExitStack() as leases:
            for slug in self.row.versions:
                leases.enter_context(backfill.backfill_lease(slug, self.row.market))
            run_group("range part", "part", members, progress=progress)

    def process_part(self, slug: str, first: date, last: date) -> dict[str, Any]:
        """Run a part of the range by one version; returns its outcome as JSON types."""
        request = replace(self._request([slug]), first=first, last=last)
        try:
            (scan,) = run_scan(request, permit=self._permit_part)
        except USER_ERRORS as error:
            return {"sessions": 0, "quarantined": 0, "run": None, "error": str(error)}
        if scan.error:
            return {"sessions": 0, "quarantined": 0, "run": None, "error": scan.error}
        quarantined = sum(answer.status == Status.QUARANTINED for answer in scan.answers)
        return {"sessions": len(scan.answers), "quarantined": quarantined, "run": scan.run, "error": ""}

    def _permit_part(self) -> None:
        """A part is published while the request has not ended, by the worker that has the part."""
        member_permit()
        if not ScanRequest.objects.filter(pk=self.row.pk, status__in=queue.UNFINISHED).exists():
            raise RequestStopped

    def _record_scan(self, scan: Scan) -> None:
        outcome = self._outcome(scan.version.slug)
        outcome["error"] = scan.error
        if not scan.error:
            outcome["sessions"] = len(scan.answers)
            outcome["quarantined"] = sum(answer.status == Status.QUARANTINED for answer in scan.answers)
            outcome["runs"] = [scan.run] if scan.run else []
            self.done += len(scan.answers)
        self._record_progress()

    def _save_drafts(self, scans: list[Scan]) -> None:
        """Save the answers as drafts, and delete older drafts."""
        drafts = []
        for scan in scans:
            ranks = sum(len(answer.ranks) for answer in scan.answers)
            if ranks > MAX_DRAFT_RANKS:
                scan.error = (
                    f"{scan.version.slug} picked {ranks} instruments in all, more than the {MAX_DRAFT_RANKS} that are "
                    "kept without publishing: ask for fewer sessions, or for a top."
                )
            drafts += [] if scan.error else self._drafts(scan)
        with transaction.atomic():
            self.permit()
            ScanDraft.objects.bulk_create(drafts, batch_size=BATCH)
            delete_old_drafts(self.as_of)
        for scan in scans:
            self._record_scan(scan)

    def _drafts(self, scan: Scan) -> list[ScanDraft]:
        return [
            ScanDraft(
                request=self.row,
                scanner_version=scan.version.slug,
                date=answer.date,
                answer={**asdict(answer), "regime_rule": rule_json(scan.regime_rule(answer))},
                made_at=self.as_of,
            )
            for answer in scan.answers
        ]


def delete_old_drafts(as_of: datetime) -> None:
    """Delete the drafts older than `DRAFT_LIFETIME`, and those of all but the newest `MAX_DRAFT_REQUESTS` requests."""
    ScanDraft.objects.filter(made_at__lt=as_of - DRAFT_LIFETIME).delete()
    newest = ScanDraft.objects.order_by("-request_id").values_list("request_id", flat=True)
    kept = list(newest.distinct()[:MAX_DRAFT_REQUESTS])
    ScanDraft.objects.exclude(request_id__in=kept).delete()
