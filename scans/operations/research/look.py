"""The look at a sweep's test period: the chosen variant's figures there. Only the first look is a test; every look is
recorded, and those of other sweeps at the same sessions count."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from scans.engines import engine_params
from scans.engines.registry import get_engine
from scans.execution.shards import EngineTask
from scans.models import Sweep, SweepLook, SweepStatus
from scans.operations.evaluation.evidence import EvaluationRequest, requested_record
from scans.operations.research.grid import Variant
from scans.operations.research.periods import SweepProblem
from scans.operations.research.sweep_plan import sweep_horizons
from scans.operations.research.variant_picks import VariantScorer
from scans.operations.research.variant_records import sweep_picks
from scans.operations.research.variants_evidence import variant_figures, variants_evidence


def get_sweep(slug: str) -> Sweep:
    """The sweep; SweepProblem names those there are."""
    try:
        return Sweep.objects.select_related("chosen").get(slug=slug)
    except Sweep.DoesNotExist:
        names = ", ".join(Sweep.objects.values_list("slug", flat=True)[:10])
        raise SweepProblem(f"There is no sweep {slug!r}" + (f": choose among {names}." if names else " yet.")) from None


def look_at_test(sweep: Sweep, *, as_of: datetime, looked_by: str = "") -> SweepLook:
    """The recorded look. SweepProblem if the sweep has no choice yet, or runs another engine revision by now."""
    if sweep.status != SweepStatus.DONE or sweep.chosen is None:
        raise SweepProblem(f"The sweep {sweep.slug} is {sweep.status}: it has chosen no variant.")
    engine = get_engine(sweep.engine)
    if engine.revision != sweep.revision:
        raise SweepProblem(
            f"The sweep {sweep.slug} is of revision {sweep.revision} of {sweep.engine}, which is at {engine.revision} "
            "now: sweep again under another name."
        )
    base = dict(sweep.base)
    segments, limits = tuple(base.pop("segments")), base.pop("limits")
    params = engine_params.read(engine.Params, {**base, **sweep.chosen.params}, sweep.market)
    variant = Variant(sweep.chosen.number, sweep.chosen.params, params)
    request = EvaluationRequest(
        market=sweep.market,
        as_of=as_of,
        versions=(),
        first=sweep.test_from,
        last=sweep.last,
        horizons=sweep_horizons(sweep.horizon),
        costs=sweep.costs,
    )
    record, sessions = requested_record(request)
    picks = sweep_picks(VariantScorer(record, sessions), {variant: EngineTask(engine, params, segments, limits)})
    together = variants_evidence(picks, request, record, sessions)
    return SweepLook.objects.create(
        sweep=sweep,
        figures=variant_figures(together, together.picks[0]),
        looks_before=looks_before(sweep),
        looked_by=looked_by,
        looked_at=timezone.now(),
    )


def looks_before(sweep: Sweep) -> int:
    """How many looks there were at sessions of the sweep's test period, by any sweep of its market."""
    looks = SweepLook.objects.filter(sweep__market=sweep.market)
    return looks.filter(sweep__test_from__lte=sweep.last, sweep__last__gte=sweep.test_from).count()
