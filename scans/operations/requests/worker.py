"""Works a scan request off.

1. Take its lease, and move it from queued to running by one conditional UPDATE: a second worker has nothing to do.
2. One session, or a request that publishes nothing: one run over all its versions, which reads the lake once.
   A range: a backfill of each version, part by part.
3. As each part is published, in the same transaction, the request must still be running under this worker's lease.
4. Say how it ended. A version that failed leaves the others standing; the request then says which one and why.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from marketdata.errors import DataProblem
from marketdata.markets import UnknownMarket
from marketdata.operations.lease import Lease, LeaseLost, LeaseTaken
from scans.engines.engine_params import ParamError
from scans.models import RequestStatus, ScanDraft, ScanRequest, Status
from scans.operations.requests import queue
from scans.operations.scan import backfill, run
from scans.operations.scan.answers import Scan
from scans.queries.regime_rules import rule_json
from scans.queries.versions import UnknownVersion

DRAFT_LIFETIME = timedelta(hours=24)
MAX_DRAFT_REQUESTS = 20
MAX_DRAFT_RANKS = 20_000
"""Drafts are kept for so long, of so many requests, and a request may draft so many ranks (about 10 MB)."""

BATCH = 50

LOGGER = logging.getLogger(__name__)
USER_ERRORS = (DataProblem, UnknownMarket, UnknownVersion, ParamError, backfill.BackfillRefused)
"""What a person can mend: its message says it all."""


class RequestStopped(Exception):
    """The request is no longer running: it was cancelled, or given up as dead."""


def process_request(number: int, *, as_of: datetime) -> str:
    """Work the request of that number; how it ended, for the queue's own record."""
    queue.recover_requests(as_of=as_of)
    try:
        with Lease(queue.lease_name(number)) as lease:
            return _under(lease, number, as_of)
    except LeaseTaken:
        return f"request {number} is not waiting"


def _under(lease: Lease, number: int, as_of: datetime) -> str:
    """Work it under its lease."""
    now = {"status": RequestStatus.RUNNING, "started_at": as_of}
    if not ScanRequest.objects.filter(pk=number, status=RequestStatus.QUEUED).update(**now):
        return f"request {number} is not waiting"
    worker = RequestWorker(ScanRequest.objects.get(pk=number), lease, as_of)
    try:
        worker.work()
    except (RequestStopped, LeaseLost):
        return f"request {number} was stopped"
    except USER_ERRORS as error:
        worker.end(RequestStatus.FAILED, str(error))
    except BaseException as error:
        worker.end(RequestStatus.FAILED, f"It was ended by {type(error).__name__}: the log has more.")
        if not isinstance(error, Exception):
            raise  # the queue's time limit, a worker told to stop
        LOGGER.exception("Request %s failed", number)
    else:
        failed = [one["error"] for one in worker.outcomes if one["error"]]
        worker.end(RequestStatus.FAILED if failed else RequestStatus.DONE, " ".join(failed))
    return f"request {number} ended"


class RequestWorker:
    """One request at work."""

    def __init__(self, row: ScanRequest, lease: Lease, as_of: datetime) -> None:
        self.row = row
        self.lease = lease
        self.as_of = as_of
        self.outcomes: list[dict[str, Any]] = []
        self.done = 0

    def work(self) -> None:
        """Stopped as soon as the request is no longer running."""
        if not self.row.publishes:
            self._draft(run.run_scan(self._request(self.row.versions)))
        elif self.row.first == self.row.last:
            run.run_scan(self._request(self.row.versions), permit=self.permit, each=self._scanned)
        else:
            for slug in self.row.versions:
                self._range(slug)

    def permit(self) -> None:
        """LeaseLost where another worker has it; Stopped where the request is no longer running, which it stays until
        the transaction ends."""
        self.lease.check()
        if not self._running().update(status=RequestStatus.RUNNING):
            raise RequestStopped

    def end(self, status: RequestStatus, reason: str) -> None:
        """The request has ended, unless somebody ended it before."""
        self._running().update(status=status, reason=reason, finished_at=timezone.now())

    def _running(self) -> Any:
        return ScanRequest.objects.filter(pk=self.row.pk, status=RequestStatus.RUNNING)

    def _tell(self, version: str = "") -> None:
        """How far it has come: true of a request that was stopped, too."""
        ScanRequest.objects.filter(pk=self.row.pk).update(
            outcomes=self.outcomes, sessions_done=self.done, current_version=version
        )

    def _outcome(self, slug: str) -> dict[str, Any]:
        self.outcomes.append({"version": slug, "sessions": 0, "quarantined": 0, "runs": [], "error": ""})
        return self.outcomes[-1]

    def _request(self, versions: list[str]) -> run.RunRequest:
        row = self.row
        return run.RunRequest(
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

    def _range(self, slug: str) -> None:
        """Backfill one version; what goes wrong with it is told beside what it published until then."""
        outcome, before = self._outcome(slug), self.done
        self._tell(slug)

        def progress(now: backfill.BackfillProgress) -> None:
            self.done, outcome["sessions"] = before + now.done, now.done
            outcome["quarantined"] += now.quarantined
            if now.run is not None and now.run not in outcome["runs"]:
                outcome["runs"].append(now.run)
            self._tell(slug)
            self.permit()

        try:
            done = backfill.run_backfill(
                self._request([slug]),
                resume=False,
                overwrite=True,
                progress=progress,
                permit=self.permit,
            )
            outcome["error"] = " ".join(backfill.failures(done))
        except USER_ERRORS as error:
            outcome["error"] = str(error)
        self._tell()

    def _scanned(self, scan: Scan) -> None:
        outcome = self._outcome(scan.version.slug)
        outcome["error"] = scan.error
        if not scan.error:
            outcome["sessions"] = len(scan.answers)
            outcome["quarantined"] = sum(one.status == Status.QUARANTINED for one in scan.answers)
            outcome["runs"] = [scan.run] if scan.run else []
            self.done += len(scan.answers)
        self._tell()

    def _draft(self, scans: list[Scan]) -> None:
        """Keep the answers themselves, whole, and let go of older drafts."""
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
            self._scanned(scan)

    def _drafts(self, scan: Scan) -> list[ScanDraft]:
        return [
            ScanDraft(
                request=self.row,
                version=scan.version.slug,
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
