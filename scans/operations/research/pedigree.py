"""Versions made from variants of sweeps: what was promised outside, and what came after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from marketdata.errors import DataProblem, LakeError
from scans.models import ScannerVersion, Sweep, SweepStatus, SweepVariant
from scans.operations.evaluation import evaluation_cache
from scans.operations.evaluation.evaluate import EvaluationLine
from scans.operations.research.look import get_sweep
from scans.operations.research.periods import SweepProblem
from scans.operations.versions import create_version
from scans.queries.sweeps import sweep_versions


@dataclass(frozen=True, slots=True)
class Pedigree:
    """A version made from a variant. promise: the figures outside over the sweep's horizon; after: the figures of the
    version's picks on sessions after those of the sweep, None without any that can be judged."""

    version: ScannerVersion
    variant: SweepVariant
    promise: dict[str, Any]
    after: EvaluationLine | None


def version_of_sweep(name: str, *, slug: str, number: int | None, who: str, at: datetime) -> ScannerVersion:
    """Create a version from the chosen variant of the sweep `name`, or from variant `number`. SweepProblem if there is
    no such variant, VersionProblem as `create_version`."""
    sweep = get_sweep(name)
    variant = sweep.chosen if number is None else sweep.variants.filter(number=number).first()
    if sweep.status != SweepStatus.DONE or variant is None:
        raise SweepProblem(f"The sweep {name} has no variant {number or 'that was chosen'}.")
    base = dict(sweep.base)
    segments, limits = base.pop("segments"), base.pop("limits")
    return create_version(
        slug=slug,
        engine=sweep.engine,
        settings={**base, **variant.params},
        segments=segments,
        limits=limits,
        who=who,
        at=at,
        sweep_variant=variant,
    )


def pedigrees(sweep: Sweep, *, as_of: datetime) -> list[Pedigree]:
    """The versions made from variants of a sweep that is done."""
    promise = sweep.result["outside"][str(sweep.horizon)]
    return [
        Pedigree(version, version.sweep_variant, promise, _after(sweep, version, as_of))
        for version in sweep_versions(sweep)
        if version.sweep_variant is not None
    ]


def _after(sweep: Sweep, version: ScannerVersion, as_of: datetime) -> EvaluationLine | None:
    try:
        key = evaluation_cache.evaluation_key(
            sweep.market,
            [version],
            as_of=as_of,
            first=sweep.last + timedelta(days=1),
            horizons=[sweep.horizon],
            costs=sweep.costs,
        )
        return evaluation_cache.cached_evaluation(key).lines[0]
    except (DataProblem, LakeError, evaluation_cache.Busy):
        return None
