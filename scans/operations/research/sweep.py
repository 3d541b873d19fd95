"""Sweeps: many variants of one engine judged before a test period, the best of them tested against luck.

1. The sessions are cut into develop, choose and test. Nothing is read of the test period: the last sessions before it
   whose holdings would end in it have no picks.
2. A batch of variants (`variant_records`) at a time: the picks of each, the evidence on all of them together
   (`scans.operations.evaluation.evidence`), in which a pick that several variants share is judged once, and of each
   variant its figures over each horizon and its daily excess over matched shares, recorded.
3. The walk-forward choice over the choose period, each fold chosen on what lies before it; the picks of the chosen
   variants there and their figures (`outside`). The tests of the best variant over both periods, by how many were
   tried.

Every variant is recorded. Deterministic: the same record, grid and seed give the same sweep. A sweep that was cancelled
or ended by force goes on after its last batch when the same request is run again. Batches are the same however many
hosts share them (`Shard`, `cluster_batches`), so the result is too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from scans.evaluation.walk_forward import Fold, walk_forward
from scans.models import Sweep, SweepStatus, SweepVariant
from scans.operations.research.cluster_batches import judge_on_cluster
from scans.operations.research.halving import halve, round_counts
from scans.operations.research.outside import outside_report
from scans.operations.research.periods import Periods, SweepProblem
from scans.operations.research.sweep_plan import SweepPlan, SweepRequest
from scans.operations.research.variant_picks import VariantScorer
from scans.operations.research.variant_records import (
    Batch,
    Progress,
    SweepBasis,
    SweepCancelled,
    refuse_cancelled,
    save_variants,
    sweep_picks,
    variant_batches,
    variant_returns,
)
from scans.operations.research.variants_evidence import luck_tests, outside_picks, variants_evidence
from scans.operations.scan.code_revision import code_revision

FOLD = 20


@dataclass(frozen=True, slots=True)
class Shard:
    """Number `number` of `count` parts of a sweep's batches, for as many hosts."""

    number: int = 1
    count: int = 1


def run_sweep(
    request: SweepRequest, *, progress: Progress | None = None, shard: Shard = Shard(), executor: str = "inline"
) -> Sweep:
    """Judge and record every variant, or those that an earlier run of the same request left; with a `shard` those of
    its batches alone, without a result: the same request without one joins all. The executor "dask" has batches judged
    by the workers of a cluster, any other by this process, with the same result. SweepProblem, GridProblem, ParamError
    and DataProblem say what does not fit, before anything is recorded; SweepCancelled after `cancel_sweep`."""
    plan = SweepPlan.of(request)
    if Sweep.objects.filter(slug=request.slug, status=SweepStatus.DONE).exists():
        raise SweepProblem(f"A sweep named {request.slug} exists: choose another name; none is overwritten.")
    if shard.count > 1 and request.halving:
        raise SweepProblem("Rounds of --halving compare all variants: run it without --shard.")
    values = {
        **plan.values,
        "code_revision": code_revision(),
        "started_by": request.started_by,
        "started_at": timezone.now(),
    }
    sweep, is_new = Sweep.objects.get_or_create(slug=request.slug, defaults=values)
    if not is_new:
        sweep = _resumed(sweep, Sweep(slug=request.slug, **values))
    try:
        _judge(SweepBasis(sweep, plan, progress, judge_on_cluster if executor == "dask" else None), shard)
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | SweepCancelled)
        status = SweepStatus.CANCELLED if stopped else SweepStatus.FAILED
        Sweep.objects.filter(pk=sweep.pk).update(status=status, finished_at=timezone.now())
        raise
    return sweep


SAME = ("market", "engine", "revision", "base", "grid", "size", "sample", "seed", "halving", "rolling")
"""The fields of a request and of its data that a continued sweep must share with its beginning, beside `SAME_DATA`."""
SAME_DATA = ("first", "choose_from", "test_from", "last", "horizon", "costs", "data_digest", "evaluation_revision")


def _resumed(earlier: Sweep, request: Sweep) -> Sweep:
    """The earlier sweep, running again; SweepProblem if the request or the data differ."""
    changed = [name for name in (*SAME, *SAME_DATA) if getattr(earlier, name) != getattr(request, name)]
    if changed:
        raise SweepProblem(
            f"A sweep named {earlier.slug} was begun with another {', '.join(changed)}: run it with the same options "
            "and data, or choose another name."
        )
    earlier.status, earlier.finished_at = SweepStatus.RUNNING, None
    earlier.save(update_fields=["status", "finished_at"])
    return earlier


def cancel_sweep(slug: str) -> bool:
    """Ask a running sweep to stop after its batch; False if there is none of that name that runs."""
    running = Sweep.objects.filter(slug=slug, status=SweepStatus.RUNNING)
    return bool(running.update(status=SweepStatus.CANCELLED, finished_at=timezone.now()))


def _judge(basis: SweepBasis, shard: Shard) -> None:
    """Record the variants of `shard`, and the result of the sweep where that is all of them."""
    sweep, clock = basis.sweep, [time.perf_counter()]
    scorer = VariantScorer(basis.plan.record, basis.periods.seen)
    options = halve(basis) if sweep.halving else list(basis.plan.tasks)
    batches = variant_batches(options)[shard.number - 1 :: shard.count]
    for rows in basis.judged(scorer, _unrecorded(sweep, batches), len(options)):
        save_variants(rows)
    if shard.count > 1:
        return
    clock.append(time.perf_counter())
    numbers = [option.number for option in basis.plan.tasks]
    rows = sorted(sweep.variants.all(), key=lambda row: numbers.index(row.number))
    result = _result(basis, scorer, rows)
    clock.append(time.perf_counter())
    with transaction.atomic():
        refuse_cancelled(sweep)
        sweep.result = result
        sweep.status, sweep.finished_at = SweepStatus.DONE, timezone.now()
        sweep.chosen = max(_judged_to_the_end(rows), key=lambda row: row.sharpe or 0.0)
        stages = ("variants", "outside")
        sweep.seconds = {name: end - begin for name, begin, end in zip(stages, clock, clock[1:], strict=False)}
        sweep.save()


def _unrecorded(sweep: Sweep, batches: Sequence[Batch]) -> Iterator[Batch]:
    """Those of `batches` that are not recorded as their turn comes."""
    for batch in batches:
        recorded = set(sweep.variants.values_list("number", flat=True))
        if not recorded.issuperset(option.number for option in batch):
            yield batch


def _judged_to_the_end(rows: Sequence[SweepVariant]) -> list[SweepVariant]:
    """The rows without those that dropped out by halving."""
    sessions = max(row.sessions for row in rows)
    return [row for row in rows if row.sessions == sessions]


def _result(basis: SweepBasis, scorer: VariantScorer, rows: Sequence[SweepVariant]) -> dict[str, Any]:
    """The tests of all variants, the walk-forward choice among those that were judged to the end, its picks outside."""
    periods, sweep = basis.periods, basis.sweep
    kept = _judged_to_the_end(rows)
    by_number = {option.number: option for option in basis.plan.tasks}
    options = [by_number[row.number] for row in kept]
    returns = variant_returns(kept)[: periods.test - periods.gap]
    folds = walk_forward(returns, start=periods.choose, length=FOLD, gap=periods.gap, span=sweep.rolling)
    places = list(dict.fromkeys(fold.variant for fold in folds))
    chosen = [options[place] for place in places]
    picks = sweep_picks(scorer, {option: basis.plan.tasks[option] for option in chosen})
    picks.sort(key=lambda own: chosen.index(own.variant))
    together = variants_evidence(picks, basis.plan.evaluation, basis.plan.record, periods.seen)
    of_chosen = [replace(fold, variant=places.index(fold.variant)) for fold in folds]
    outside = outside_picks(together, of_chosen)
    report = outside_report(together, outside, of_chosen, [own.task for own in picks], scorer, sweep.horizon)
    halving = {"halving": round_counts(sweep, periods)} if sweep.halving else {}
    fold_rows = [_fold_row(fold, periods, kept) for fold in folds]
    return {**luck_tests(variant_returns(rows)), **report, **halving, "folds": fold_rows}


def _fold_row(fold: Fold, periods: Periods, rows: Sequence[SweepVariant]) -> dict[str, Any]:
    first, last = periods.sessions[[fold.start, fold.end - 1]].astype(str).tolist()
    return {"from": first, "to": last, "variant": rows[fold.variant].number}
