"""The request of a sweep, and the plan that follows from it: the record, the periods and the variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from marketdata.markets import get_market
from marketdata.queries.breaks import get_history_digests
from marketdata.record import Record
from scans.engines.base import Engine
from scans.engines.registry import get_engine
from scans.evaluation.holdings import REVISION
from scans.execution.shards import EngineTask
from scans.operations.evaluation.evidence import HORIZONS, EvaluationRequest, requested_record
from scans.operations.research.grid import Variant, variants
from scans.operations.research.periods import Periods, refuse_short_choice, sweep_periods


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """Options of a sweep. `base`: segments, limits and parameters that all variants share. No `first`: from the start
    of the record's last uninterrupted run; no `last`: to its end. No `choose_from`, `test_from`: half of the sessions,
    then a quarter each. `sample`: so many variants of the grid, drawn with `seed`. `halving`: the worse half drops out
    early (the module `halving`). `rolling`: each choice of the walk-forward looks back on so many sessions, not on
    all."""

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
    halving: bool = False
    rolling: int | None = None
    started_by: str = ""


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """The plan of a request. `base`: the segments, limits and parameters of all variants; `evaluation`: the request of
    the evidence on the sessions before the test period; `data_digest`: of all bars up to the last session read."""

    request: SweepRequest
    engine: Engine
    record: Record
    periods: Periods
    tasks: Mapping[Variant, EngineTask]
    base: Mapping[str, Any]
    evaluation: EvaluationRequest
    data_digest: str

    @classmethod
    def of(cls, request: SweepRequest) -> SweepPlan:
        """The plan of `request`; SweepProblem, GridProblem, ParamError and DataProblem say what does not fit."""
        engine, market, base = get_engine(request.engine), get_market(request.market), dict(request.base)
        segments, limits = tuple(base.pop("segments", ()) or market.segments), dict(base.pop("limits", {}))
        options = variants(engine, request.grid, base, market.name, sample=request.sample, seed=request.seed)
        record, sessions = requested_record(_evaluation_request(request, request.first, request.last))
        periods = sweep_periods(sessions, request.horizon, request.choose_from, request.test_from)
        refuse_short_choice(request.rolling)
        return cls(
            request=request,
            engine=engine,
            record=record,
            periods=periods,
            tasks={option: EngineTask(engine, option.params, segments, limits) for option in options},
            base={"segments": list(segments), "limits": limits, **base},
            evaluation=_evaluation_request(request, periods.seen[0].item(), periods.seen[-1].item()),
            data_digest=get_history_digests(record, periods.sessions[periods.test - 1 : periods.test])[0],
        )

    @property
    def values(self) -> dict[str, Any]:
        """The fields of the sweep's row that a sweep of the same name must have to go on."""
        request, sessions = self.request, self.periods.sessions
        return {
            "market": self.record.market.name,
            "engine": self.engine.slug,
            "revision": self.engine.revision,
            "base": self.base,
            "grid": {name: list(values) for name, values in request.grid.items()},
            "size": len(self.tasks),
            "sample": request.sample,
            "seed": request.seed,
            "halving": request.halving,
            "rolling": request.rolling,
            "first": sessions[0].item(),
            "choose_from": sessions[self.periods.choose].item(),
            "test_from": sessions[self.periods.test].item(),
            "last": sessions[-1].item(),
            "horizon": request.horizon,
            "costs": request.costs,
            "data_digest": self.data_digest,
            "evaluation_revision": REVISION,
        }


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
