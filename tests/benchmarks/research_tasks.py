"""Inside a measured process: a sweep, whole or a part of it."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from typing import Any

from scans.models import Sweep
from scans.operations.research.sweep import Shard, run_sweep
from scans.operations.research.sweep_plan import SweepRequest
from tests.benchmarks import measurement

AS_OF = datetime(2027, 1, 1, tzinfo=UTC)
GRID = {
    "vol_mult": [2 + n / 4 for n in range(9)],
    "gap_max_bull": [0.02, 0.025, 0.03, 0.035, 0.04],
    "ext_max": [0.015, 0.02, 0.025, 0.03, 0.04],
}
SEED = 1


def forget_sweeps() -> dict[str, Any]:
    """Delete what an earlier run has recorded."""
    Sweep.objects.all().delete()
    return {}


def sweep(
    slug: str, variants: int, days: list[str], part: list[int], horizon: int, *, halving: bool = False
) -> dict[str, Any]:
    """Seconds, CPU seconds and peak memory of a sweep of v2 over the sessions `days` (first, choose, test, last), or of
    its `part` (number, of how many); the seconds of its stages."""
    first, choose, test, last = map(date.fromisoformat, days)
    request = SweepRequest(
        slug=slug,
        market="kr",
        engine="v2",
        grid=GRID,
        as_of=AS_OF,
        first=first,
        choose_from=choose,
        test_from=test,
        last=last,
        horizon=horizon,
        sample=variants,
        seed=SEED,
        halving=halving,
    )
    with measurement.Memory() as memory:
        began, used = time.perf_counter(), measurement.cpu_seconds()
        result = run_sweep(request, shard=Shard(*part))
        seconds, cpu = time.perf_counter() - began, measurement.cpu_seconds() - used
    return {
        "seconds": seconds,
        "cpu": cpu,
        "peak_mb": memory.own,
        "stages": result.seconds,
        "variants": result.variants.count(),
    }
