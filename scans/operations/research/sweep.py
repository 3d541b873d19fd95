"""Sweeps: many variants of one engine judged before a test period, the best of them tested against luck.

1. The sessions are cut into develop, choose and test. Nothing is read of the test period: the last sessions before it
   whose holdings would end in it have no picks.
2. The picks of every variant, and the evidence on all of them together (`scans.operations.evaluation.evidence`): a pick
   that several variants share is judged once.
3. Of each variant its figures over each horizon, and its daily excess over matched shares.
4. The walk-forward choice over the choose period, each fold chosen on what lies before it, and the figures of the
   chosen variants' picks there. The tests of the best variant over both periods, by how many were tried.

Every variant is recorded. Deterministic: the same record, grid and seed give the same sweep.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
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
from scans.operations.research.variant_picks import VariantPicks, variant_picks
from scans.operations.research.variants_evidence import (
    daily_returns_of_variants,
    luck_tests,
    outside_picks,
    variant_figures,
    variants_evidence,
)
from scans.operations.scan.code_revision import code_revision
from scans.operations.scan.run import thin_sessions

EMBARGO = 5
"""Sessions beside the horizon between a choice and what it is judged on."""
FOLD = 20
FEWEST = 60
"""Sessions that the develop and the choose period have at least."""


class SweepProblem(DataProblem):
    """The sweep cannot be made, or its name is taken."""


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
    """Judge and record every variant; `each` is called with how many variants of how many have picks. SweepProblem,
    GridProblem, ParamError and DataProblem say what does not fit, before anything is recorded."""
    engine = get_engine(request.engine)
    market = get_market(request.market)
    base = dict(request.base)
    segments, limits = tuple(base.pop("segments", ()) or market.segments), dict(base.pop("limits", {}))
    options = variants(engine, request.grid, base, market.name, sample=request.sample, seed=request.seed)
    if Sweep.objects.filter(slug=request.slug).exists():
        raise SweepProblem(f"A sweep named {request.slug} exists: choose another name; none is overwritten.")
    record, sessions = requested_record(_evaluation_request(request, request.first, request.last))
    periods = sweep_periods(sessions, request)
    tasks = {option: EngineTask(engine, option.params, segments, limits) for option in options}
    sweep = Sweep.objects.create(
        slug=request.slug,
        market=market.name,
        engine=engine.slug,
        revision=engine.revision,
        base={"segments": list(segments), "limits": limits, **base},
        grid={name: list(values) for name, values in request.grid.items()},
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
    try:
        _judge(
            sweep,
            record,
            periods,
            tasks,
            _evaluation_request(request, periods.seen[0].item(), periods.seen[-1].item()),
            each,
        )
    except BaseException:
        Sweep.objects.filter(pk=sweep.pk).update(status=SweepStatus.FAILED, finished_at=timezone.now())
        raise
    return sweep


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
    found = sweep_picks(record, periods.seen, tasks, each)
    clock.append(time.perf_counter())
    together = variants_evidence(found, request, record, periods.seen)
    clock.append(time.perf_counter())
    returns = daily_returns_of_variants(together, sweep.horizon)[: periods.test]
    sharpe = sharpe_ratios(returns)
    rows = [
        SweepVariant(
            sweep=sweep,
            number=picks.variant.number,
            params=dict(picks.variant.values),
            figures=variant_figures(together, places),
            sharpe=float(sharpe[n]),
        )
        for n, (picks, places) in enumerate(zip(found, together.picks, strict=True))
    ]
    clock.append(time.perf_counter())
    folds = walk_forward(returns[: periods.test - periods.gap], start=periods.choose, length=FOLD, gap=periods.gap)
    outside = outside_picks(together, folds)
    report = outside_report(together, outside, folds, [picks.task for picks in found], record, sweep.horizon)
    result = {**luck_tests(returns), **report, "folds": [_fold_row(fold, periods, rows) for fold in folds]}
    clock.append(time.perf_counter())
    with transaction.atomic():
        SweepVariant.objects.bulk_create(rows, batch_size=500)
        sweep.result, sweep.status, sweep.finished_at = result, SweepStatus.DONE, timezone.now()
        sweep.chosen = SweepVariant.objects.get(sweep=sweep, number=rows[int(sharpe.argmax())].number)
        stages = ("picks", "judge", "figures", "tests")
        sweep.seconds = {name: end - begin for name, begin, end in zip(stages, clock, clock[1:], strict=False)}
        sweep.save()


def sweep_picks(
    record: Record,
    sessions: Days,
    tasks: Mapping[Variant, EngineTask],
    each: Callable[[int, int], None] | None = None,
) -> list[VariantPicks]:
    """The picks of every variant on `sessions`."""
    thin = np.flatnonzero(np.isin(sessions.astype(str), list(thin_sessions(record, sessions))))
    found = []
    for picks in variant_picks(record, sessions, tasks, thin):
        found.append(picks)
        if each:
            each(len(found), len(tasks))
    return found


def _fold_row(fold: Fold, periods: Periods, rows: Sequence[SweepVariant]) -> dict[str, Any]:
    first, last = periods.sessions[[fold.start, fold.end - 1]].astype(str).tolist()
    return {"from": first, "to": last, "variant": rows[fold.variant].number}
