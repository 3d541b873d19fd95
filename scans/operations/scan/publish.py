"""Publishes the answers of a run in one transaction.

Publishing replaces the answers of the same (market, version, date) and changes nothing else but, where the caller wants
it, the signals of the version. The earlier answer remains in the database, unpublished. An answer whose inputs and
result equal the published ones changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction

from marketdata.operations import generations
from marketdata.queries.records import get_damage_time
from scans.execution.cost import StageMeter
from scans.models import Reading, ScannerVersion, ScanRank, ScanRun, ScanSession, Status
from scans.operations.scan.answers import QUARANTINED, Scan, SessionAnswer
from scans.operations.scan.attempts import answered_run, cost_fields
from scans.operations.scan.rank_rows import RankRows
from scans.operations.scan.request import RunRequest

if TYPE_CHECKING:  # a scan without signals does not import their rules
    from marketdata.record import Record
    from scans.operations.signals import ListUpdate

BATCH = 500

SCORE_TOLERANCE = 1e-6
"""Relative tolerance of scores of the same session (scanner definitions, section 0, warm-up)."""


class NotReproducible(Exception):
    """The same inputs gave a result that differs from the published one: a defect."""


Permit = Callable[[], None]
"""Called inside the transaction that publishes; an exception rolls it back."""
UpdateSignals = Callable[[], "ListUpdate | None"]
"""Called inside the transaction that publishes, once the answers are in it: the update of the version's signals."""
FollowList = Callable[["Record", ScannerVersion, date, datetime], UpdateSignals | None]
"""Called before that transaction with the first session of the answers and the time of the run: `follow_list`."""


def publish(
    scan: Scan,
    *,
    data_digest: str,
    request: RunRequest,
    meter: StageMeter,
    permit: Permit | None = None,
    update_signals: UpdateSignals | None = None,
) -> None:
    """Record the run and publish its answers, with the signals that `update_signals` writes; sets `scan.unchanged`,
    `scan.signals`, and `scan.run` to the run that has the answers.
    The cost of publishing, by `meter`, is added and recorded last."""
    ranks = RankRows.of(scan.answers)
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
        is_confirmed = _confirm(scan, published_rows)
        if not changed_answers:
            _record_unchanged(scan, published_rows[scan.answers[-1].date].run_id, data_digest, request, meter)
            if is_confirmed:
                generations.advance(scan.market)
            return
        run = answered_run(scan, data_digest, request)
        run.save()
        days = [answer.date for answer in changed_answers if answer.status != QUARANTINED]
        codes = _listed_codes(scan, days, replaced=bool(published_rows))
        unpublish(scan.market, scan.version, days)
        sessions = ScanSession.objects.bulk_create(
            [_session(run, answer) for answer in changed_answers], batch_size=BATCH
        )
        ranks.insert(run, sessions)
        scan.signals = update_signals() if update_signals else None
        scan.add_cost("publish", meter.cost())
        ScanRun.objects.filter(pk=run.pk).update(**cost_fields(scan, request))
        if codes is None:
            generations.advance(scan.market)
        else:
            codes |= {str(row["code"]) for answer in changed_answers for row in answer.ranks}
            codes |= scan.signals.codes if scan.signals else frozenset()
            generations.advance_instruments(scan.market, codes)
    scan.run = run.pk


def _listed_codes(scan: Scan, days: Sequence[str], *, replaced: bool) -> set[str] | None:
    """The instruments on the version's list of a day, if one is `replaced`, and on the list after it, which the page of
    a pick orders by the day's; None where several days are published, and most instruments are on some list."""
    if len(days) != 1:
        return None
    published = ScanSession.objects.filter(
        market=scan.market, scanner_version=scan.version, published=True, date__gte=days[0]
    )
    lists = published.order_by("date")[: 1 + replaced]
    return set(ScanRank.objects.filter(session__in=list(lists)).values_list("code", flat=True))


def _record_unchanged(scan: Scan, published: int, data_digest: str, request: RunRequest, meter: StageMeter) -> None:
    """Record a run whose answers are those of run `published`."""
    scan.unchanged, scan.run = True, published
    scan.add_cost("publish", meter.cost())
    run = answered_run(scan, data_digest, request)
    run.status, run.reason = Status.UNCHANGED, f"Run {published} has published the same."
    for name, value in cost_fields(scan, request).items():
        setattr(run, name, value)
    run.save()


def unpublish(market: str, version: ScannerVersion, days: Sequence[date | str]) -> None:
    """Mark the published answers of `days` as unpublished."""
    filters = {"market": market, "date__in": days, "published": True}
    ScanRank.objects.filter(scanner_version=version, **filters).update(published=False)
    ScanSession.objects.filter(scanner_version=version, **filters).update(published=False)


def lock_version(version: ScannerVersion) -> None:
    """Lock the version until the transaction ends, so that of two processes that publish it the second reads the rows
    of the first. (SQLite has one writer anyway.)"""
    ScannerVersion.objects.select_for_update(no_key=True).get(pk=version.pk)


def _confirm(scan: Scan, published_rows: Mapping[str, ScanSession]) -> bool:
    """Mark as settled the provisional answers that settled bars give again; returns whether there is one."""
    confirmed = []
    for answer in scan.answers:
        row = published_rows.get(answer.date)
        is_provisional = row is not None and row.reading == Reading.PROVISIONAL
        if row and is_provisional and answer.settled_at and row.input_digest == answer.input_digest:
            row.settled_at = answer.settled_at
            confirmed.append(row)
    ScanSession.objects.bulk_update(confirmed, ["settled_at"], batch_size=BATCH)
    return bool(confirmed)


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
        read_at=answer.read_at,
        settled_at=answer.settled_at,
    )
