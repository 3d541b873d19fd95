"""Publishes a version's answers for a long range of sessions, part by part.

Each part is an ordinary run, published in one transaction, so an interruption leaves whole parts and `resume` does the
rest; the answers are those that daily runs would have given. What is published already stays unless `replace` says
otherwise, and another version is never touched. A lease keeps two backfills of one version of a market apart; what a
process that lost it computed is not published.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from marketdata.markets import get_market
from marketdata.operations.lease import Lease, LeaseTaken
from marketdata.record import Days
from scans.models import Backfill, ScannerVersion, ScanSession, Status
from scans.operations.scan import run as scanning
from scans.operations.scan.publish import Permit
from scans.operations.scan.run import RunRequest
from scans.queries import versions

PART = 250
"""Sessions of a part: its warm-up of 640 is then read less than four times over, and memory stays bounded."""


class BackfillRefused(Exception):
    """The backfill would overwrite results or meet another one; the message says what to do."""


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """How far a backfill has come: sessions done of all, in `seconds`, the run that published the last part,
    and how many sessions of that part are quarantined."""

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
    """What a backfill of one version did: sessions published and left as they were, seconds, and what failed."""

    version: str
    published: int
    kept: int
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
    """Publish every session of `request`'s range for each of its versions; BackfillRefused where sessions are published
    already and neither `resume` (leave them) nor `overwrite` (replace them) is given. `permit` is asked as each part is
    published; what it or `progress` raises ends the backfill between two parts."""
    get_market(request.market)
    chosen = versions.get_versions(request.market, list(request.versions))
    asked = scanning.requested_sessions(request)
    todo = {version.slug: _missing(version, request.market, asked, overwrite) for version in chosen}
    for version in chosen:
        kept = len(asked) - len(todo[version.slug])
        if kept and not resume:
            raise BackfillRefused(
                f"{kept} of {len(asked)} sessions of {version.slug} are published already: --resume leaves them and "
                "does the rest, --replace does all of them again."
            )
    return [_one(version, request, asked, todo[version.slug], progress, permit) for version in chosen]


def _missing(version: ScannerVersion, market: str, asked: Days, overwrite: bool) -> Days:
    if overwrite:
        return asked
    published = ScanSession.objects.filter(
        version=version,
        market=market,
        published=True,
        date__range=(asked[0].item(), asked[-1].item()),
    ).values_list("date", flat=True)
    return asked[~np.isin(asked, np.array(list(published), dtype="datetime64[D]"))]


def _one(
    version: ScannerVersion,
    request: RunRequest,
    asked: Days,
    todo: Days,
    progress: Callable[[BackfillProgress], None] | None,
    permit: Permit | None,
) -> BackfillResult:
    if not len(todo):
        return BackfillResult(version.slug, 0, len(asked), 0.0)
    try:
        with Lease(f"backfill of {version.slug} on market {request.market}") as lease:
            return _published(version, request, asked, todo, progress, permit, lease)
    except LeaseTaken as other:
        raise BackfillRefused(
            f"Another backfill of {version.slug} on market {request.market} is running since "
            f"{other.since:%Y-%m-%d %H:%M} UTC ({other.holder}): wait for it to end."
        ) from other


def _published(
    version: ScannerVersion,
    request: RunRequest,
    asked: Days,
    todo: Days,
    progress: Callable[[BackfillProgress], None] | None,
    permit: Permit | None,
    lease: Lease,
) -> BackfillResult:
    """Publish the parts of `todo` under the lease."""

    def permitted() -> None:
        lease.check()
        if permit:
            permit()

    began, done, kept = time.perf_counter(), 0, len(asked) - len(todo)
    mine = _row(version, request, todo)
    status = Status.FAILED
    try:
        for part in _parts(asked, todo):
            one = replace(request, versions=[version.slug], first=part[0].item(), last=part[-1].item())
            scan = scanning.run_scan(one, permit=permitted)[0]
            if scan.error:
                return BackfillResult(version.slug, done, kept, time.perf_counter() - began, scan.error)
            done += len(part)
            Backfill.objects.filter(pk=mine.pk).update(done_until=part[-1].item())
            if progress:
                spent = time.perf_counter() - began
                waiting = sum(one.status == Status.QUARANTINED for one in scan.answers)
                progress(BackfillProgress(version.slug, done, len(todo), spent, scan.run, waiting))
        status = Status.PUBLISHED
    finally:
        Backfill.objects.filter(pk=mine.pk, status=Status.RUNNING).update(status=status)
    return BackfillResult(version.slug, done, kept, time.perf_counter() - began)


def _row(version: ScannerVersion, request: RunRequest, todo: Days) -> Backfill:
    """The row of this backfill; rows of processes that died end with it."""
    mine = {"version": version, "market": request.market}
    Backfill.objects.filter(**mine, status=Status.RUNNING).update(status=Status.FAILED)
    return Backfill.objects.create(**mine, first=todo[0].item(), last=todo[-1].item(), started_at=request.as_of)


def _parts(asked: Days, todo: Days) -> Iterator[Days]:
    """`todo` as runs of consecutive sessions of `asked`, `PART` at most."""
    places = np.searchsorted(asked, todo)
    for run in np.split(todo, np.flatnonzero(np.diff(places) > 1) + 1):
        for low in range(0, len(run), PART):
            yield run[low : low + PART]


def failures(done: Sequence[BackfillResult]) -> list[str]:
    """What went wrong, one sentence each."""
    return [one.error for one in done if one.error]
