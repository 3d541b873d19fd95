"""Puts a scan's answers before the readers: all of a run in one transaction, or nothing.

Publishing replaces the answers of the same (market, version, date) and touches nothing else. What was published before
stays in the record, unpublished. An answer whose inputs and result are those already published changes nothing.
"""

from __future__ import annotations

import math
import resource
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from marketdata.number_format import count_of
from marketdata.operations import generations
from marketdata.queries.records import get_damage_time
from scans.models import ScannerVersion, ScanRank, ScanRun, ScanSession, Status
from scans.operations.scan.answers import (
    NO_MATCH,
    PUBLISHED,
    QUARANTINED,
    Scan,
    SessionAnswer,
    parameters,
    parameters_hash,
)
from scans.operations.scan.code_revision import code_revision

BATCH = 500

MAX_NAMED = 5
"""Quarantined sessions that a run names."""

SCORE_TOLERANCE = 1e-6
"""How far scores of the same session may differ, relative (scanner definitions, section 0, warm-up)."""


class NotReproducible(Exception):
    """The same inputs gave another result than the one published: a defect, which must not pass unseen."""


Permit = Callable[[], None]
"""Called inside the transaction that publishes; whatever it raises undoes all of it."""


def publish(
    scan: Scan,
    *,
    data_digest: str,
    as_of: datetime,
    started_by: str,
    request_id: str,
    permit: Permit | None = None,
) -> None:
    """Record the run and make its answers the published ones; sets `scan.run` and `scan.unchanged`."""
    with transaction.atomic():
        if permit:
            permit()
        lock_version(scan.version)
        standing = {
            row.date.isoformat(): row
            for row in ScanSession.objects.select_for_update().filter(
                market=scan.market,
                version=scan.version,
                published=True,
                date__range=(scan.answers[0].date, scan.answers[-1].date),
            )
        }
        fresh = [answer for answer in scan.answers if not _stands(answer, standing.get(answer.date))]
        if not fresh:
            scan.unchanged = True
            scan.run = standing[scan.answers[-1].date].run_id
            return
        run = _run(scan, data_digest, as_of, started_by, request_id)
        run.save()
        going = [answer.date for answer in fresh if answer.status != QUARANTINED]
        unpublish(scan.market, scan.version, going)
        sessions = ScanSession.objects.bulk_create([_session(run, answer) for answer in fresh], batch_size=BATCH)
        ScanRank.objects.bulk_create(
            [_rank(session, row) for session, answer in zip(sessions, fresh, strict=True) for row in answer.ranks],
            batch_size=BATCH,
        )
        generations.advance(scan.market)
    scan.run = run.pk


def record_failure(
    scan: Scan,
    *,
    first: str,
    last: str,
    data_digest: str,
    as_of: datetime,
    started_by: str,
    request_id: str,
) -> None:
    """Record that a version failed over the sessions from `first` to `last`: a run without answers; sets `scan.run`."""
    run = ScanRun.objects.create(
        **_attempt(scan, data_digest, as_of, started_by, request_id),
        first=first,
        last=last,
        status=Status.FAILED,
        reason=scan.error,
    )
    scan.run = run.pk


def unpublish(market: str, version: ScannerVersion, days: Sequence[date | str]) -> None:
    """Make room on `days`: what is published there stays in the record, unpublished."""
    mine = {"market": market, "date__in": days, "published": True}
    ScanRank.objects.filter(scanner_version=version, **mine).update(published=False)
    ScanSession.objects.filter(version=version, **mine).update(published=False)


def lock_version(version: ScannerVersion) -> None:
    """Until the transaction ends nobody else publishes this version: the second of two sees what the first published,
    where each would have missed the other's new rows. (SQLite has one writer anyway.)"""
    ScannerVersion.objects.select_for_update(no_key=True).get(pk=version.pk)


def _stands(answer: SessionAnswer, row: ScanSession | None) -> bool:
    """Whether `answer` is the one already published."""
    if row is None or row.input_digest != answer.input_digest:
        return False
    if not same_ranks(row, answer):
        damage = get_damage_time(row.market, row.date)
        if damage and row.run.started_at < damage:
            return False  # it was computed from a file that was damaged, and the record is what it always was
        raise NotReproducible(
            f"{answer.date}: the same data, parameters and revision gave another result than run {row.run_id} "
            f"(digest {answer.result_digest}, published {row.result_digest}). Nothing was changed; this is a defect "
            "to report, or an engine that was edited without a new revision."
        )
    return True


def same_ranks(row: ScanSession, answer: SessionAnswer) -> bool:
    """Whether `answer` has the ranks of a recorded session: the same instruments in the same order, the same labels,
    scores equal to 1e-6 (a daily run and a backfill begin their recursions at different sessions)."""
    if row.result_digest == answer.result_digest:
        return True
    names = ("rank", "code", "label", "strategy")
    recorded = list(row.ranks.order_by("rank").values_list(*names, "score"))
    if [one[:4] for one in recorded] != [tuple(rank[name] for name in names) for rank in answer.ranks]:
        return False
    return all(
        math.isclose(one[4], rank["score"], rel_tol=SCORE_TOLERANCE, abs_tol=SCORE_TOLERANCE)
        for one, rank in zip(recorded, answer.ranks, strict=True)
    )


def _run(scan: Scan, data_digest: str, as_of: datetime, started_by: str, request_id: str) -> ScanRun:
    states = {answer.status for answer in scan.answers}
    status = next(state for state in (PUBLISHED, NO_MATCH, QUARANTINED) if state in states)
    reasons = {answer.reason for answer in scan.answers if answer.status == status}
    return ScanRun(
        **_attempt(scan, data_digest, as_of, started_by, request_id),
        first=scan.answers[0].date,
        last=scan.answers[-1].date,
        status=status,
        reason="; ".join([*(sorted(reasons) if status != PUBLISHED else ()), *_quarantined(scan, status)]),
        sessions=len(scan.answers),
        universe=sum(answer.universe for answer in scan.answers),
        scored=sum(answer.scored for answer in scan.answers),
        matched=sum(answer.matched for answer in scan.answers),
    )


def _quarantined(scan: Scan, status: str) -> list[str]:
    """A sentence for a run that publishes some of its sessions: which of them are quarantined. [] where none is, and
    where all are, so that the run's status says it."""
    days = [answer.date for answer in scan.answers if answer.status == QUARANTINED]
    if not days or status == QUARANTINED:
        return []
    named = ", ".join(days[:MAX_NAMED]) + (f" and {len(days) - MAX_NAMED} more" if len(days) > MAX_NAMED else "")
    return [f"{len(days)} of {count_of(len(scan.answers), 'session')} quarantined: {named}"]


def _attempt(scan: Scan, data_digest: str, as_of: datetime, started_by: str, request_id: str) -> dict[str, Any]:
    """What a run records however it ends."""
    return {
        "version": scan.version,
        "market": scan.market,
        "engine": scan.task.engine.slug,
        "revision": scan.task.engine.revision,
        "code_revision": code_revision(),
        "params": parameters(scan.task),
        "params_hash": parameters_hash(scan.task),
        "data_digest": data_digest,
        "index": scan.index,
        "seconds": {name: round(spent, 4) for name, spent in scan.seconds.items()},
        "peak_memory_mb": peak_memory_mb(),
        "executor": scan.executor,
        "started_by": started_by,
        "request_id": request_id,
        "started_at": as_of,
        "finished_at": as_of + timedelta(seconds=sum(scan.seconds.values())),
    }


def _session(run: ScanRun, answer: SessionAnswer) -> ScanSession:
    return ScanSession(
        run=run,
        version_id=run.version_id,
        market=run.market,
        date=answer.date,
        published=answer.status != QUARANTINED,
        status=answer.status,
        reason=answer.reason,
        notes=answer.notes,
        regime=answer.regime,
        short_risk=answer.short_risk,
        fallback_step=answer.fallback_step,
        universe=answer.universe,
        scored=answer.scored,
        matched=answer.matched,
        ranked=len(answer.ranks),
        input_digest=answer.input_digest,
        result_digest=answer.result_digest,
    )


def _rank(session: ScanSession, row: dict[str, object]) -> ScanRank:
    return ScanRank(
        session=session,
        run_id=session.run_id,
        scanner_version_id=session.version_id,
        market=session.market,
        date=session.date,
        published=session.published,
        **row,
    )


def peak_memory_mb() -> int:
    """The most memory this process has held so far, in MB."""
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(mine / unit)
