"""Sweeps: many variants of one engine judged before a test period, the best of them tested against luck.

1. The sessions are cut into develop, choose and test. Nothing is read of the test period: the last sessions before it
   whose holdings would end in it have no picks.
2. `BATCH` variants at a time: the picks of each, the evidence on all of them together
   (`scans.operations.evaluation.evidence`), in which a pick that several variants share is judged once, and of each
   variant its figures over each horizon and its daily excess over matched shares, recorded.
3. The walk-forward choice over the choose period, each fold chosen on what lies before it; the picks of the chosen
   variants there and their figures (`outside`). The tests of the best variant over both periods, by how many were
   tried.

Every variant is recorded. Deterministic: the same record, grid and seed give the same sweep. A sweep that was cancelled
or ended by force goes on after its last batch when the same request is run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from marketdata.errors import DataProblem
from marketdata.markets import get_market
from marketdata.queries.breaks import get_history_digests
from marketdata.record import Days, Record
from scans.engines.registry import get_engine
from scans.evaluation.deflated_sharpe import sharpe_ratios
from scans.evaluation.holdings import REVISION
from scans.evaluation.walk_forward import Fold, walk_forward
from scans.execution.shards import EngineTask
from scans.models import Sweep, SweepStatus, SweepVariant
from scans.operations.evaluation.evidence import (
    HORIZONS,
    EvaluationRequest,
    requested_record,
)
from scans.operations.research.grid import Variant, variants
from scans.operations.research.outside import outside_report
from scans.operations.research.variant_picks import VariantPicks, VariantScorer
from scans.operations.research.variants_evidence import (
    all_figures,
    luck_tests,
    outside_picks,
    variants_evidence,
)
from scans.operations.scan.code_revision import code_revision
from scans.operations.scan.run import thin_sessions

EMBARGO = 5
"""Sessions beside the horizon between a choice and what it is judged on."""
BATCH = 100
"""Variants that are judged and recorded together."""
FOLD = 20
FEWEST = 60
"""Sessions that the develop and the choose period have at least."""


class SweepProblem(DataProblem):
    """The sweep cannot be made, or its name is taken."""


class SweepCancelled(DataProblem):
    """The sweep was cancelled; what it had judged is recorded."""


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """Options of a sweep. `base`: segments, limits and parameters that all variants share. No `first`: from the start
    of the record's last uninterrupted run; no `last`: to its end. No `choose_from`, `test_from`: half of the sessions,
    then a quarter each. `sample`: so many variants of the grid, drawn with `seed`."""

    slug: str
    market: str
    engine: str
    grid: Mapping[str, Sequence[Any]]
    as_of: datetime
    base: Mapping[str, Any] = field(default_factory=dict)
    first: date | None = None
    choose_from: date | None = None
    test_from: date | None = None
    last: date | None = None
    horizon: int = 20
    costs: float | None = None
    sample: int | None = None
    seed: int = 0
    started_by: str = ""


@dataclass(frozen=True, slots=True)
class Periods:
    """The sessions of a sweep, (S,), and the rows at which the choose and the test period begin. `purged`: rows at
    which a period's picks end, so that their holdings end before the next period."""

    sessions: Days
    choose: int
    test: int
    horizon: int

    @property
    def gap(self) -> int:
        """Sessions between a pick and what its holding must not reach."""
        return self.horizon + EMBARGO

    @property
    def seen(self) -> Days:
        """The sessions whose picks are judged before the test period."""
        return self.sessions[: self.test - self.gap]


def run_sweep(request: SweepRequest, *, each: Callable[[int, int], None] | None = None) -> Sweep:
    """Judge and record every variant, or those that an earlier run of the same request left; `each` is called with how
    many of how many have picks. SweepProblem, GridProblem, ParamError and DataProblem say what does not fit, before
    anything is recorded; SweepCancelled after `cancel_sweep`."""
    engine = get_engine(request.engine)
    market = get_market(request.market)
    base = dict(request.base)
    segments, limits = tuple(base.pop("segments", ()) or market.segments), dict(base.pop("limits", {}))
    options = variants(engine, request.grid, base, market.name, sample=request.sample, seed=request.seed)
    earlier = Sweep.objects.filter(slug=request.slug).first()
    if earlier is not None and earlier.status == SweepStatus.DONE:
        raise SweepProblem(f"A sweep named {request.slug} exists: choose another name; none is overwritten.")
    record, sessions = requested_record(_evaluation_request(request, request.first, request.last))
    periods = sweep_periods(sessions, request)
    tasks = {option: EngineTask(engine, option.params, segments, limits) for option in options}
    sweep = Sweep(
        slug=request.slug,
        market=market.name,
        engine=engine.slug,
        revision=engine.revision,
        base={"segments": list(segments), "limits": limits, **base},
        grid={name: list(values) for name, values in request.grid.items()},
        size=len(options),
        sample=request.sample,
        seed=request.seed,
        first=periods.sessions[0].item(),
        choose_from=periods.sessions[periods.choose].item(),
        test_from=periods.sessions[periods.test].item(),
        last=periods.sessions[-1].item(),
        horizon=request.horizon,
        costs=request.costs,
        data_digest=get_history_digests(record, periods.sessions[periods.test - 1 : periods.test])[0],
        evaluation_revision=REVISION,
        code_revision=code_revision(),
        started_by=request.started_by,
        started_at=timezone.now(),
    )
    if earlier is None:
        sweep.save()
    else:
        sweep = _resumed(earlier, sweep)
    try:
        _judge(
            sweep,
            record,
            periods,
            tasks,
            _evaluation_request(request, periods.seen[0].item(), periods.seen[-1].item()),
            each,
        )
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | SweepCancelled)
        status = SweepStatus.CANCELLED if stopped else SweepStatus.FAILED
        Sweep.objects.filter(pk=sweep.pk).update(status=status, finished_at=timezone.now())
        raise
    return sweep


SAME = ("market", "engine", "revision", "base", "grid", "size", "sample", "seed", "first", "choose_from", "test_from")
"""What of a request and of its data a sweep that goes on must share with its beginning, beside `SAME_DATA`."""
SAME_DATA = ("last", "horizon", "costs", "data_digest", "evaluation_revision")


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


def _evaluation_request(request: SweepRequest, first: date | None, last: date | None) -> EvaluationRequest:
    return EvaluationRequest(
        market=request.market,
        as_of=request.as_of,
        versions=(),
        first=first,
        last=last,
        horizons=sweep_horizons(request.horizon),
        costs=request.costs,
        amounts=True,
    )


def sweep_horizons(horizon: int) -> tuple[int, ...]:
    """The horizons judged beside `horizon`: the shorter ones, since longer ones would reach into what must not be
    seen."""
    return (*(shorter for shorter in HORIZONS if shorter < horizon), horizon)


def sweep_periods(sessions: Days, request: SweepRequest) -> Periods:
    """The periods of a request; SweepProblem if one is too short for a verdict."""
    count = len(sessions)
    choose = _row(sessions, request.choose_from, count // 2)
    test = _row(sessions, request.test_from, count * 3 // 4)
    periods = Periods(sessions, choose, test, request.horizon)
    shortest = FEWEST + periods.gap
    if choose < shortest or test - choose < shortest or count - test < 1:
        raise SweepProblem(
            f"From {sessions[0]} to {sessions[-1]} the develop period has {choose} sessions, the choose period "
            f"{test - choose} and the test period {count - test}: with holdings of {request.horizon} sessions the "
            f"first two need {shortest} each. Begin earlier or hold shorter."
        )
    return periods


def _row(sessions: Days, day: date | None, default: int) -> int:
    return default if day is None else int(np.searchsorted(sessions, np.datetime64(day)))


def _judge(
    sweep: Sweep,
    record: Record,
    periods: Periods,
    tasks: Mapping[Variant, EngineTask],
    request: EvaluationRequest,
    each: Callable[[int, int], None] | None,
) -> None:
    clock = [time.perf_counter()]
    options = list(tasks)
    scorer = VariantScorer(record, periods.seen)
    recorded = set(sweep.variants.values_list("number", flat=True))
    for low in range(0, len(options), BATCH):
        batch = options[low : low + BATCH]
        if any(option.number not in recorded for option in batch):
            _refuse_cancelled(sweep)
            shown = None if each is None else partial(_shift, each, low, len(options))
            _record_batch(sweep, scorer, periods, {option: tasks[option] for option in batch}, request, shown)
    clock.append(time.perf_counter())
    numbers = [option.number for option in options]
    rows = sorted(sweep.variants.all(), key=lambda row: numbers.index(row.number))
    returns = np.column_stack([np.frombuffer(bytes(row.returns)) for row in rows])
    folds = walk_forward(returns[: periods.test - periods.gap], start=periods.choose, length=FOLD, gap=periods.gap)
    places = list(dict.fromkeys(fold.variant for fold in folds))
    picks = sweep_picks(scorer, {options[place]: tasks[options[place]] for place in places})
    chosen = [options[place] for place in places]
    picks.sort(key=lambda one: chosen.index(one.variant))
    together = variants_evidence(picks, request, record, periods.seen)
    of_chosen = [replace(fold, variant=places.index(fold.variant)) for fold in folds]
    outside = outside_picks(together, of_chosen)
    report = outside_report(together, outside, of_chosen, [one.task for one in picks], scorer, sweep.horizon)
    tests = luck_tests(returns)
    clock.append(time.perf_counter())
    with transaction.atomic():
        _refuse_cancelled(sweep)
        sweep.result = {**tests, **report, "folds": [_fold_row(fold, periods, rows) for fold in folds]}
        sweep.status, sweep.finished_at = SweepStatus.DONE, timezone.now()
        sweep.chosen = rows[int(sharpe_ratios(returns).argmax())]
        stages = ("variants", "outside")
        sweep.seconds = {name: end - begin for name, begin, end in zip(stages, clock, clock[1:], strict=False)}
        sweep.save()


def _shift(each: Callable[[int, int], None], done: int, count: int, batch: int, _: int) -> None:
    """Report `batch` variants after the `done` ones before."""
    each(done + batch, count)


def _refuse_cancelled(sweep: Sweep) -> None:
    if Sweep.objects.filter(pk=sweep.pk, status=SweepStatus.CANCELLED).exists():
        raise SweepCancelled(f"The sweep {sweep.slug} was cancelled: run the same command again to go on.")


def _record_batch(
    sweep: Sweep,
    scorer: VariantScorer,
    periods: Periods,
    tasks: Mapping[Variant, EngineTask],
    request: EvaluationRequest,
    each: Callable[[int, int], None] | None,
) -> None:
    """Judge some variants and record them together; of a batch that another run began, what it lacks."""
    picks = sweep_picks(scorer, tasks, each)
    together = variants_evidence(picks, request, scorer.record, scorer.days)
    figures, returns = all_figures(together, sweep.horizon)
    returns = returns[: periods.test]
    sharpe = sharpe_ratios(returns)
    rows = [
        SweepVariant(
            sweep=sweep,
            number=one.variant.number,
            params=dict(one.variant.values),
            figures=figures[n],
            sharpe=float(sharpe[n]),
            returns=np.ascontiguousarray(returns[:, n]).tobytes(),
        )
        for n, one in enumerate(picks)
    ]
    SweepVariant.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


def sweep_picks(
    scorer: VariantScorer, tasks: Mapping[Variant, EngineTask], each: Callable[[int, int], None] | None = None
) -> list[VariantPicks]:
    """The picks of every variant on the sessions of `scorer`."""
    thin = np.flatnonzero(np.isin(scorer.days.astype(str), list(thin_sessions(scorer.record, scorer.days))))
    rows = []
    for picks in scorer.variant_picks(tasks, thin):
        rows.append(picks)
        if each:
            each(len(rows), len(tasks))
    return rows


def _fold_row(fold: Fold, periods: Periods, rows: Sequence[SweepVariant]) -> dict[str, Any]:
    first, last = periods.sessions[[fold.start, fold.end - 1]].astype(str).tolist()
    return {"from": first, "to": last, "variant": rows[fold.variant].number}
