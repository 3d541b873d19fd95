"""Backfill: publishes a version's answers for a long range of sessions, part by part.

Each part is an ordinary run, published in one transaction, so an interruption leaves whole parts, and `resume` does the
others; the answers equal those of daily runs. Published answers are replaced only with `overwrite`, and other versions
are not changed. A lease allows one backfill of a version and market at a time; a process that loses it publishes
nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from marketdata.markets import get_market
from marketdata.operations.lease import Lease, LeaseTaken
from marketdata.record import Days
from scans.models import Backfill, ScannerVersion, ScanSession, Status
from scans.operations.scan.publish import Permit
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import requested_sessions, run_scan
from scans.queries.versions import get_versions

PART = 250
"""Sessions of a part: bounds memory, while the warm-up of 640 sessions is read less than four times over."""


class BackfillRefused(Exception):
    """The backfill would overwrite results or run beside another one; the message says what to do."""


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """The progress of a backfill: sessions done of `total` in `seconds`, the run of the last part, and how many
    sessions of that part are quarantined."""

    version: str
    done: int
    total: int
    seconds: float
    run: int | None = None
    quarantined: int = 0

    @property
    def remaining(self) -> float:
        """Seconds left at this rate."""
        return self.seconds / self.done * (self.total - self.done) if self.done else float("inf")


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """The result of the backfill of one version: counts of sessions published and left unchanged, seconds, the
    error."""

    version: str
    published: int
    unchanged: int
    seconds: float
    error: str = ""


def run_backfill(
    request: RunRequest,
    *,
    resume: bool,
    overwrite: bool,
    progress: Callable[[BackfillProgress], None] | None = None,
    permit: Permit | None = None,
) -> list[BackfillResult]:
    """Publish every session of the request's range for each of its versions. BackfillRefused if sessions are published
    already and neither `resume` (keep them) nor `overwrite` (replace them) is given. `permit` is called as each part is
    published; an exception of it or of `progress` ends the backfill between two parts."""
    get_market(request.market)
    versions = get_versions(request.market, list(request.versions))
    days = requested_sessions(request)
    missing = {version.slug: _missing(version, request.market, days, overwrite) for version in versions}
    for version in versions:
        unchanged = len(days) - len(missing[version.slug])
        if unchanged and not resume:
            raise BackfillRefused(
                f"{unchanged} of {len(days)} sessions of {version.slug} are published already: --resume keeps them "
                "and does the rest, --replace does all of them again."
            )
    return [_backfill_version(version, request, days, missing[version.slug], progress, permit) for version in versions]


def _missing(version: ScannerVersion, market: str, days: Days, overwrite: bool) -> Days:
    if overwrite:
        return days
    published = ScanSession.objects.filter(
        scanner_version=version, market=market, published=True, date__range=(days[0].item(), days[-1].item())
    ).values_list("date", flat=True)
    return days[~np.isin(days, np.array(list(published), dtype="datetime64[D]"))]


def _backfill_version(
    version: ScannerVersion,
    request: RunRequest,
    days: Days,
    missing: Days,
    progress: Callable[[BackfillProgress], None] | None,
    permit: Permit | None,
) -> BackfillResult:
    if not len(missing):
        return BackfillResult(version.slug, 0, len(days), 0.0)
    with backfill_lease(version.slug, request.market) as lease:
        return _publish_parts(version, request, days, missing, progress, permit, lease)


@contextmanager
def backfill_lease(slug: str, market: str) -> Iterator[Lease]:
    """The lease of a version's backfill; BackfillRefused where another one is running."""
    lease = Lease(f"backfill of {slug} on market {market}")
    with ExitStack() as stack:
        try:
            stack.enter_context(lease)
        except LeaseTaken as other:
            raise BackfillRefused(
                f"Another backfill of {slug} on market {market} is running since {other.since:%Y-%m-%d %H:%M} UTC "
                f"({other.holder}): wait for it to end."
            ) from other
        yield lease


def part_bounds(request: RunRequest) -> list[tuple[date, date]]:
    """The first and last session of each part of the request's range."""
    days = requested_sessions(request)
    return [(part[0].item(), part[-1].item()) for part in _parts(days, days)]


def _publish_parts(
    version: ScannerVersion,
    request: RunRequest,
    days: Days,
    missing: Days,
    progress: Callable[[BackfillProgress], None] | None,
    permit: Permit | None,
    lease: Lease,
) -> BackfillResult:
    """Publish the parts of `missing` under the lease."""

    def permitted() -> None:
        lease.check()
        if permit:
            permit()

    began, done, unchanged = time.perf_counter(), 0, len(days) - len(missing)
    row = _start_row(version, request, missing)
    status = Status.FAILED
    try:
        for part in _parts(days, missing):
            part_request = replace(request, versions=[version.slug], first=part[0].item(), last=part[-1].item())
            scan = run_scan(part_request, permit=permitted)[0]
            if scan.error:
                return BackfillResult(version.slug, done, unchanged, time.perf_counter() - began, scan.error)
            done += len(part)
            Backfill.objects.filter(pk=row.pk).update(done_until=part[-1].item())
            if progress:
                spent = time.perf_counter() - began
                quarantined = sum(answer.status == Status.QUARANTINED for answer in scan.answers)
                progress(BackfillProgress(version.slug, done, len(missing), spent, scan.run, quarantined))
        status = Status.PUBLISHED
    finally:
        Backfill.objects.filter(pk=row.pk, status=Status.RUNNING).update(status=status)
    return BackfillResult(version.slug, done, unchanged, time.perf_counter() - began)


def _start_row(version: ScannerVersion, request: RunRequest, missing: Days) -> Backfill:
    """Create the row of this backfill; rows of processes that died are marked failed."""
    key = {"scanner_version": version, "market": request.market}
    Backfill.objects.filter(**key, status=Status.RUNNING).update(status=Status.FAILED)
    return Backfill.objects.create(**key, first=missing[0].item(), last=missing[-1].item(), started_at=request.as_of)


def _parts(days: Days, missing: Days) -> Iterator[Days]:
    """`missing` in parts of consecutive sessions of `days`, at most `PART` each."""
    places = np.searchsorted(days, missing)
    for run in np.split(missing, np.flatnonzero(np.diff(places) > 1) + 1):
        for low in range(0, len(run), PART):
            yield run[low : low + PART]


def failures(done: Sequence[BackfillResult]) -> list[str]:
    """Every failure, one sentence each."""
    return [result.error for result in done if result.error]
