"""Inside a process of its own: requests put into the task queue, and when workers took them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.utils import timezone

from marketdata.models import TaskRecord, TaskStatus
from scans.models import RequestStatus, ScanRequest
from scans.operations.requests import queue
from tests.benchmarks.scan_tasks import AS_OF

Answer = dict[str, Any]

PAUSES = (0.2, 0.35, 0.55, 0.75, 0.9)
"""Seconds between the end of a request and the next, in turn: no beat of the workers' own is met every time."""
LIMITS = (90_000, 100_000)
"""Limits in turn: the same picks from other parameters, so that each request computes and publishes."""
PATIENCE = 600.0


def beside_ranges(*, market: str, first: str, last: str, ranges: Sequence[str], version: str, requests: int) -> Answer:
    """Seconds that each of `requests` requests of the last session waited, from the call that queued it to its start,
    and that it took, while a range of each version of `ranges` was at work; and of each range that has ended."""
    span = date.fromisoformat(first), date.fromisoformat(last)
    numbers: dict[str, int] = {}
    turns = dict.fromkeys(ranges, 0)
    waits, takes, calls, sessions = [], [], [], 0
    for n in range(requests):
        for slug in ranges:
            row = ScanRequest.objects.filter(pk=numbers.get(slug, 0)).first()
            if row is None or row.finished_at:
                require_done(row)
                sessions += row.sessions_done if row else 0
                turns[slug] += 1
                numbers[slug] = _queue(market, slug, *span, turns[slug])
        if not n:
            wait_for(lambda: TaskRecord.objects.filter(kind="range", status=TaskStatus.RUNNING).count() == len(ranges))
        time.sleep(PAUSES[n % len(PAUSES)])
        called = timezone.now()
        number = _queue(market, version, span[1], span[1], n)
        calls.append((timezone.now() - called).total_seconds())
        wait_for(lambda: ScanRequest.objects.filter(pk=number).exclude(finished_at=None).exists())  # noqa: B023
        require_done(ScanRequest.objects.get(pk=number))
        task = TaskRecord.objects.get(kind="scan", args=[number])
        started = task.started_at or task.queued_at
        waits.append((started - called).total_seconds())
        takes.append(((task.finished_at or timezone.now()) - started).total_seconds())
    for number in numbers.values():
        sessions += ScanRequest.objects.get(pk=number).sessions_done
    return {"waits": waits, "takes": takes, "calls": calls, "sessions": sessions}


def _queue(market: str, slug: str, first: date, last: date, turn: int) -> int:
    limits = {"KOSPI": LIMITS[turn % 2]}
    queued = queue.queue_request(
        market=market, as_of=AS_OF, requested_by="bench", versions=[slug], first=first, last=last, limits=limits
    )
    return queued.request.pk


def require_done(row: ScanRequest | None) -> None:
    """RuntimeError where the request has ended otherwise than done."""
    if row is not None and row.status != RequestStatus.DONE:
        raise RuntimeError(f"Request {row.pk} is {row.status}: {row.reason}")


def wait_for(holds: Any) -> None:
    """Wait until it holds; RuntimeError after `PATIENCE` seconds."""
    until = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > until:
            raise RuntimeError(f"Nothing came of it in {PATIENCE:g} s.")
        time.sleep(0.05)
