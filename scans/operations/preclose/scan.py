"""Scans before the close: every version on the quotes of a session that still trades.

1. `sweep_quotes` reads the whole market, and refuses hours at which last prices are not those of trades.
2. The quotes are the last session of a record in memory; the versions score it as they score a recorded one. Regimes
   depend on the market's own index where the chosen series has no level before the close.
3. The answers and the quotes are kept in tables of their own (`PrecloseScan`): they are never published, and no
   evaluation, comparison or signal reads them. Scans older than SEISMO_PRECLOSE_DAYS are deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from django.conf import settings
from django.db import transaction

from marketdata.errors import DataProblem
from marketdata.markets import OWN_INDEX, OWN_NAMES
from marketdata.operations import generations
from marketdata.operations.feature_flags import Trial
from marketdata.operations.forming import (
    QuoteSweep,
    differing_bases,
    record_with_quotes,
    sweep_quotes,
    unpacked_quotes,
)
from marketdata.operations.lease import Lease
from marketdata.operations.projection import current_lake
from marketdata.queries import index_series
from marketdata.queries.volume_shares import get_volume_share
from marketdata.record import Record
from scans.engines.registry import ENGINES
from scans.models import PrecloseAnswer, PrecloseScan, ScannerVersion, Status
from scans.operations.scan.answers import Scan, parameters
from scans.operations.scan.features import Feature
from scans.operations.scan.reproduce import NoSuchRun
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import answer_sessions
from scans.queries.enabled_versions import enabled_versions
from scans.queries.versions import get_versions


@dataclass(frozen=True, slots=True)
class PrecloseRequest:
    """Options of a scan before the close. No versions: every enabled one whose segments the market has.
    `scales_volume`: volumes are divided by the usual share of the day's volume by then."""

    market: str
    versions: Sequence[str] = ()
    scales_volume: bool = False
    limits: Mapping[str, int] = field(default_factory=dict)
    top: int | None = None
    executor: str = "auto"
    workers: int = 0
    save: bool = True
    started_by: str = ""


@dataclass(slots=True)
class PrecloseReport:
    """The scans of the versions, none of them published, and the quotes that they were computed from. `row`: as kept,
    None where nothing is."""

    sweep: QuoteSweep
    volume_share: float | None
    scans: list[Scan]
    notes: list[str]
    seconds: float = 0.0
    row: PrecloseScan | None = None


def run_preclose(request: PrecloseRequest, *, clock: Callable[[], datetime]) -> PrecloseReport:
    """Scan the forming session of the market. DataProblem where it cannot be scanned now (`sweep_quotes`),
    UnknownMarket, UnknownVersion; LeaseTaken where another process does it."""
    began = perf_counter()
    trial = Trial.begin(Feature.PROVISIONAL_SCANS)
    if not trial.is_on:
        raise DataProblem(
            "Scans before the close are turned off: `manage.py features provisional_scans on` turns them on again."
        )
    with Lease(f"scan of market {request.market} before the close"):
        versions = _versions(request)
        sweep = sweep_quotes(request.market, clock=clock)
        share = get_volume_share(request.market, sweep.session, sweep.read_at) if request.scales_volume else None
        report = scan_quotes(sweep, versions, request, volume_share=share)
        report.seconds = round(perf_counter() - began, 2)
        if request.save:
            report.row = keep(report, started_by=request.started_by)
            trial.end(report.seconds, at=clock())
    return report


def scan_quotes(
    sweep: QuoteSweep,
    versions: Sequence[ScannerVersion],
    request: PrecloseRequest,
    *,
    volume_share: float | None = None,
    pinned: Mapping[str, Mapping[str, Any]] | None = None,
) -> PrecloseReport:
    """The scans of `versions` on the quotes as the last session of the record; nothing is written."""
    base = current_lake.current_record(request.market)
    chosen = index_series.get_index_name(request.market)
    notes = [differing_bases(sweep, base)]
    if chosen not in OWN_NAMES:
        notes.append(f"the index {chosen} has no level before the close: regimes are those of own-equal")
    run = RunRequest(
        market=request.market,
        as_of=sweep.read_at,
        limits=request.limits,
        top=request.top,
        executor=request.executor,
        workers=request.workers,
        save=False,
        pinned=pinned or {},
        index=chosen if chosen in OWN_NAMES else OWN_INDEX,
        mend=False,
        cached=False,
    )

    def answers(record: Record) -> list[Scan]:
        extended = record_with_quotes(record, sweep, volume_share=volume_share or 1.0)
        return [scan for scan, _ in answer_sessions(extended, extended.sessions[-1:], versions, run)]

    scans = current_lake.read_with_repair(base, answers)
    return PrecloseReport(sweep, volume_share, scans, [note for note in notes if note])


def repeat_preclose(row: PrecloseScan) -> dict[str, bool]:
    """Scan kept quotes again: slug of each version -> whether its answer is the same. NoSuchRun where an engine has
    another revision since."""
    answers = {answer.scanner_version.slug: answer for answer in row.answers.select_related("scanner_version")}
    for answer in answers.values():
        if answer.engine not in ENGINES or ENGINES[answer.engine].revision != answer.revision:
            raise NoSuchRun(f"{answer} was made by engine {answer.engine} revision {answer.revision}: not here.")
    versions = [answer.scanner_version for answer in answers.values()]
    pinned = {slug: answer.params for slug, answer in answers.items() if answer.params}
    report = scan_quotes(
        kept_sweep(row), versions, PrecloseRequest(row.market), volume_share=row.volume_share, pinned=pinned
    )
    return {
        scan.version.slug: bool(scan.answers)
        and (scan.answers[0].input_digest, scan.answers[0].result_digest)
        == (answers[scan.version.slug].input_digest, answers[scan.version.slug].result_digest)
        for scan in report.scans
    }


def kept_sweep(row: PrecloseScan) -> QuoteSweep:
    """The quotes of a kept scan."""
    quotes = unpacked_quotes(bytes(row.content))
    return QuoteSweep(row.market, row.session, row.source, quotes, row.expected, row.read_from, row.read_at)


def _versions(request: PrecloseRequest) -> list[ScannerVersion]:
    if request.versions:
        return get_versions(request.market, list(request.versions))
    return enabled_versions(request.market)


def keep(report: PrecloseReport, *, started_by: str = "") -> PrecloseScan:
    """Write the scan and its answers; delete those that are too old."""
    sweep = report.sweep
    with transaction.atomic():
        row = PrecloseScan.objects.create(
            market=sweep.market,
            session=sweep.session,
            source=sweep.source,
            read_from=sweep.read_from,
            read_at=sweep.read_at,
            expected=sweep.expected,
            quoted=len(sweep.quotes),
            calls=sweep.calls,
            volume_share=report.volume_share,
            index=report.scans[0].index if report.scans else "",
            notes="; ".join(report.notes),
            seconds=report.seconds,
            started_by=started_by,
            content=sweep.pack(),
        )
        PrecloseAnswer.objects.bulk_create([_answer(row, scan) for scan in report.scans])
        too_old = sweep.session - timedelta(days=settings.PRECLOSE_DAYS)
        PrecloseScan.objects.filter(market=sweep.market, session__lt=too_old).delete()
        generations.advance(sweep.market)
    return row


def _answer(row: PrecloseScan, scan: Scan) -> PrecloseAnswer:
    fields: dict[str, Any] = {"status": Status.FAILED, "reason": scan.error}
    if scan.answers:
        (answer,) = scan.answers
        names = ("status", "reason", "notes", "regime", "short_risk", "fallback_step", "universe", "scored", "matched")
        fields = {name: getattr(answer, name) for name in (*names, "input_digest", "result_digest", "ranks")}
        fields["codes"] = [rank["code"] for rank in answer.ranks]
    return PrecloseAnswer(
        scan=row,
        scanner_version=scan.version,
        engine=scan.task.engine.slug,
        revision=scan.task.engine.revision,
        params=parameters(scan.task),
        **fields,
    )
