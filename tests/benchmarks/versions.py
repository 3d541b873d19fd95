"""versions: all five over 520 sessions at once, v2 over seven years, and the evaluation of three."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.report import Line, Table
from tests.benchmarks.scan import computing, cpu, inside_range, stages
from tests.benchmarks.scenarios import ADJUSTED, ADJUSTED_MARKET, JUDGED, VERSION, VERSIONS


def section(bench: Bench) -> None:
    """Each memory figure from a process that did only that."""
    installation = bench.krx()
    sessions = installation.run_task("extent", market="kr")["sessions"]
    days = inside_range(sessions) or sessions[-520:]
    _all(bench, installation, days)
    _years(bench)
    _judged(bench, installation, days)


def _turn(installation: Installation, market: str, days: list[str], runs: int, **turn: Any) -> dict[str, Any]:
    values = {"market": market, "first": days[0], "last": days[-1], "runs": runs, "warm": False}
    result: dict[str, Any] = installation.run_task("scan", turns=[turn], **values)["turns"][0]
    return result


def _made(turn: dict[str, Any]) -> str:
    return f"{turn['sessions']:,} sessions, {turn['ranks']:,} ranks, {turn['executor']}"


def _all(bench: Bench, installation: Installation, days: list[str]) -> None:
    turn = _turn(installation, "kr", days, bench.runs(3), versions=VERSIONS, save=False)
    lines = [
        Line("not saved", turn["seconds"], peak_mb=turn["peak_mb"], note=cpu(turn)),
        Line(
            "  read + features + score",
            computing(turn),
            peak_mb=turn["peak_mb"],
            aims={"seconds": 30.0, "mb": 1200},
        ),
        *stages(turn),
    ]
    bench.report.table(
        Table(
            "versions",
            f"{', '.join(VERSIONS)} at once over {_made(turn)}",
            "scans.operations.scan.run.run_scan(Request(market='kr', versions=[...], first, last, save=False))",
            lines,
        )
    )


def _years(bench: Bench) -> None:
    installation = bench.adjusted()
    if installation is None:
        bench.report.tell(f"{ADJUSTED} is not here (set SEISMO_SHARED_DATA): v2 over seven years left out")
        return
    days = installation.run_task("extent", market=ADJUSTED_MARKET)["sessions"]
    turn = _turn(installation, ADJUSTED_MARKET, days, bench.runs(3), versions=[VERSION], save=False)
    lines = [
        Line(
            "not saved",
            turn["seconds"],
            peak_mb=turn["peak_mb"],
            note=cpu(turn),
            aims={"seconds": 20.0},
        ),
        *stages(turn),
    ]
    bench.report.table(
        Table(
            "versions",
            f"{VERSION} on {ADJUSTED} over {_made(turn)}",
            f"run.run_scan(RunRequest(market='{ADJUSTED_MARKET}', versions=['{VERSION}'], ..., save=False))",
            lines,
        )
    )


def _judged(bench: Bench, installation: Installation, days: list[str]) -> None:
    _turn(installation, "kr", days, 1, versions=JUDGED, limits={})
    span = {"first": days[0], "last": days[-1]}
    result = installation.run_task("judge", market="kr", versions=JUDGED, runs=bench.runs(3), **span)
    lines = [
        Line("evaluated", result["seconds"], peak_mb=result["peak_mb"], aims={"seconds": 2.0}),
        *(Line(f"  {name}", [run[name] for run in result["stages"]]) for name in result["stages"][0]),
    ]
    bench.report.table(
        Table(
            "versions",
            f"{', '.join(JUDGED)} judged over {result['sessions']} sessions, 5 horizons, {result['picks']:,} picks",
            "scans.operations.evaluation.evaluate.evaluate_versions(Request(market='kr', versions=[...], first, last))",
            lines,
        )
    )
