"""executors: inline, threads and processes over small, long and large work, in turns: where each wins."""

from __future__ import annotations

from statistics import median
from typing import Any

from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.report import Line, Table
from tests.benchmarks.scan import cpu
from tests.benchmarks.scenarios import BIG_MARKET, RANGE, VERSION

TURNS = (("inline", 1), ("inline", 2), ("thread", 1), ("thread", 2), ("process", 1), ("process", 2))
LONG = 120


def section(bench: Bench) -> None:
    """One session and many, of KRX and of the large market."""
    small, big = bench.krx(), bench.big()
    days = small.run_task("extent", market="kr")["sessions"]
    long = [day for day in days if RANGE[0] <= day <= RANGE[1]] or days[-520:]
    _work(bench, small, "kr", days[-1:], bench.runs(5))
    _work(bench, small, "kr", long, bench.runs(3))
    days = big.run_task("extent", market=BIG_MARKET)["sessions"]
    _work(bench, big, BIG_MARKET, days[-1:], bench.runs(3))
    _work(bench, big, BIG_MARKET, days[-LONG:], bench.runs(1))


def _work(bench: Bench, installation: Installation, market: str, days: list[str], runs: int) -> None:
    turns: list[dict[str, Any]] = [
        {"versions": [VERSION], "save": False, "executor": executor, "workers": workers} for executor, workers in TURNS
    ]
    values = {"market": market, "first": days[0], "last": days[-1], "runs": runs}
    done = installation.run_task("scan", turns=turns, warm=len(days) == 1, **values)
    window = installation.run_task("reading", market=market, version=VERSION, day=days[-1], runs=1)
    history = window["sessions"] + len(days) - 1
    lines = [
        Line(
            f"{executor} x{workers}",
            turn["seconds"],
            peak_mb=turn["peak_mb"] + turn["workers_mb"],
            note=f"{cpu(turn)}  {_stages(turn)}",
        )
        for (executor, workers), turn in zip(TURNS, done["turns"], strict=True)
    ]
    bench.report.table(
        Table(
            "executors",
            f"{len(days)} sessions of {market}, {window['instruments']:,} instruments, at most "
            f"{history:,} sessions loaded",
            "scans.operations.scan.run.run_scan(Request(..., save=False, executor, workers))",
            lines,
            ["stages are summed over the pieces: two that ran at once count twice; memory with all workers"],
        )
    )


def _stages(turn: dict[str, Any]) -> str:
    names = ("read", "features", "score")
    return "  ".join(f"{name} {median(run[name] for run in turn['stages']):.3f}" for name in names)
