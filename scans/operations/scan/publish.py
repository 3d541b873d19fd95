"""Publishes the answers of a run in one transaction.

Publishing replaces the answers of the same (market, version, date) and changes nothing else. The earlier answer remains
in the database, unpublished. An answer whose inputs and result equal the published ones changes nothing.
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
"""Most quarantined sessions that the reason of a run names."""

SCORE_TOLERANCE = 1e-6
"""Relative tolerance of scores of the same session (scanner definitions, section 0, warm-up)."""


class NotReproducible(Exception):
    """The same inputs gave a result that differs from the published one: a defect."""


Permit = Callable[[], None]
"""Called inside the transaction that publishes; an exception rolls it back."""


def publish(
    scan: Scan, *, data_digest: str, as_of: datetime, started_by: str, request_id: str, permit: Permit | None = None
) -> None:
    """Record the run and publish its answers; sets `scan.run` and `scan.unchanged`."""
    with transaction.atomic():
        if permit:
            permit()
        lock_version(scan.version)
        published_rows = {
            row.date.isoformat(): row
            for row in ScanSession.objects.select_for_update().filter(
                market=scan.market,
                scanner_version=scan.version,
                published=True,
                date__range=(scan.answers[0].date, scan.answers[-1].date),
            )
        }
        changed_answers = [
            answer for answer in scan.answers if not _is_published(answer, published_rows.get(answer.date))
        ]
        if not changed_answers:
            scan.unchanged = True
            scan.run = published_rows[scan.answers[-1].date].run_id
            return
        run = _run(scan, data_digest, as_of, started_by, request_id)
        run.save()
        days = [answer.date for answer in changed_answers if answer.status != QUARANTINED]
        unpublish(scan.market, scan.version, days)
        sessions = ScanSession.objects.bulk_create(
            [_session(run, answer) for answer in changed_answers], batch_size=BATCH
        )
        ScanRank.objects.bulk_create(
            [
                _rank(session, row)
                for session, answer in zip(sessions, changed_answers, strict=True)
                for row in answer.ranks
            ],
            batch_size=BATCH,
        )
        generations.advance(scan.market)
    scan.run = run.pk


def record_failure(
    scan: Scan, *, first: str, last: str, data_digest: str, as_of: datetime, started_by: str, request_id: str
) -> None:
    """Record the failed run of a version over the sessions from `first` to `last`, without answers; sets `scan.run`."""
    run = ScanRun.objects.create(
        **_attempt(scan, data_digest, as_of, started_by, request_id),
        first=first,
        last=last,
        status=Status.FAILED,
        reason=scan.error,
    )
    scan.run = run.pk


def unpublish(market: str, version: ScannerVersion, days: Sequence[date | str]) -> None:
    """Mark the published answers of `days` as unpublished."""
    filters = {"market": market, "date__in": days, "published": True}
    ScanRank.objects.filter(scanner_version=version, **filters).update(published=False)
    ScanSession.objects.filter(scanner_version=version, **filters).update(published=False)


def lock_version(version: ScannerVersion) -> None:
    """Lock the version until the transaction ends, so that of two processes that publish it the second reads the rows
    of the first. (SQLite has one writer anyway.)"""
    ScannerVersion.objects.select_for_update(no_key=True).get(pk=version.pk)


def _is_published(answer: SessionAnswer, row: ScanSession | None) -> bool:
    """Whether `answer` equals the published one."""
    if row is None or row.input_digest != answer.input_digest:
        return False
    if not same_ranks(row, answer):
        damage = get_damage_time(row.market, row.date)
        if damage and row.run.started_at < damage:
            return False  # it was computed from a damaged file; the record has not changed
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
    if [values[:4] for values in recorded] != [tuple(rank[name] for name in names) for rank in answer.ranks]:
        return False
    return all(
        math.isclose(values[4], rank["score"], rel_tol=SCORE_TOLERANCE, abs_tol=SCORE_TOLERANCE)
        for values, rank in zip(recorded, answer.ranks, strict=True)
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
        reason="; ".join([*(sorted(reasons) if status != PUBLISHED else ()), *_quarantine_note(scan, status)]),
        sessions=len(scan.answers),
        universe=sum(answer.universe for answer in scan.answers),
        scored=sum(answer.scored for answer in scan.answers),
        matched=sum(answer.matched for answer in scan.answers),
    )


def _quarantine_note(scan: Scan, status: str) -> list[str]:
    """A sentence that names the quarantined sessions of a run; [] if there are none, or if all are, as its status
    says."""
    days = [answer.date for answer in scan.answers if answer.status == QUARANTINED]
    if not days or status == QUARANTINED:
        return []
    named = ", ".join(days[:MAX_NAMED]) + (f" and {len(days) - MAX_NAMED} more" if len(days) > MAX_NAMED else "")
    return [f"{len(days)} of {count_of(len(scan.answers), 'session')} quarantined: {named}"]


def _attempt(scan: Scan, data_digest: str, as_of: datetime, started_by: str, request_id: str) -> dict[str, Any]:
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
        scanner_version_id=run.scanner_version_id,
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
        scanner_version_id=session.scanner_version_id,
        market=session.market,
        date=session.date,
        published=session.published,
        **row,
    )


def peak_memory_mb() -> int:
    """The peak memory of this process so far, in MB."""
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)
