"""Sweeps of `import seismo`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from scans.seismo.frames import as_day, moment_now, with_django

if TYPE_CHECKING:
    import pandas as pd

    from scans.seismo.frames import Day


@with_django
def sweep(
    name: str,
    *,
    market: str = "kr",
    engine: str = "formula",
    horizon: int = 20,
    start: Day = None,
    choose_from: Day = None,
    test_from: Day = None,
    end: Day = None,
    costs: float | None = None,
    rolling: int | None = None,
    executor: str = "inline",
    **values: Sequence[Any],
) -> pd.DataFrame:
    """Judge every combination of the `values` of an engine's parameters before a test period, as `manage.py sweep`
    does, and record it under `name`; the same call again returns what is recorded.

    A row for each variant and horizon with the columns of the command, percent, the best first. `attrs`: the verdict in
    words, and the tests. costs: percent of a round trip, None for the dated table. rolling: sessions that each
    choice of the walk-forward looks back on, None for all before it. executor: "dask" for the workers of
    a cluster. SweepProblem, GridProblem, ParamError and DataProblem for what does not fit.
    """
    import pandas as pd

    from scans.management.sweep_tables import rows
    from scans.models import Sweep, SweepStatus
    from scans.operations.research.sweep import run_sweep
    from scans.operations.research.sweep_plan import SweepRequest
    from scans.operations.research.verdict import verdict

    request = SweepRequest(
        slug=name,
        market=market,
        engine=engine,
        grid=values,
        as_of=moment_now(),
        first=as_day(start),
        choose_from=as_day(choose_from),
        test_from=as_day(test_from),
        last=as_day(end),
        horizon=horizon,
        costs=None if costs is None else costs / 100,
        rolling=rolling,
        started_by="seismo.sweep",
    )
    grid = {parameter: list(options) for parameter, options in values.items()}
    recorded = Sweep.objects.filter(
        slug=name, market=market, engine=engine, horizon=horizon, grid=grid, rolling=rolling, status=SweepStatus.DONE
    ).first()
    result = recorded or run_sweep(request, executor=executor)
    frame = pd.DataFrame(rows(result)).sort_values(["sharpe", "variant", "horizon"], ascending=[False, True, True])
    frame.attrs = {"verdict": verdict(result), "tests": result.result}
    return frame.reset_index(drop=True)
