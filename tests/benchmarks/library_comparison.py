"""others: the same indicators over the same window by pandas, TA-Lib and Polars."""

from __future__ import annotations

from statistics import median

from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.report import Line, Table
from tests.benchmarks.scenarios import VERSION

LONG = 640


def section(bench: Bench) -> None:
    """Over the window that v2 asks for, and over a longer one."""
    installation = bench.krx()
    day = installation.run_task("extent", market="kr")["sessions"][-1]
    for warm_up in (0, LONG):
        _compare(bench, installation, day, warm_up)


def _compare(bench: Bench, installation: Installation, day: str, warm_up: int) -> None:
    """Times in turns, and how many times ours they are."""
    comparison = installation.run_task(
        "compare", market="kr", version=VERSION, day=day, warm_up=warm_up, runs=bench.runs(5)
    )
    spent, instruments, sample = comparison["seconds"], comparison["instruments"], comparison["sample"]
    scaled = [one * instruments / sample for one in spent["pandas"]]
    whole, bare = median(spent["ours"]), median(spent["ours features"])

    def line(what: str, seconds: list[float]) -> Line:
        taken = median(seconds)
        note = f"{taken / whole:6.1f} x ours, {taken / bare:6.1f} x our features alone"
        return Line(what, seconds, note=note)

    bench.report.table(
        Table(
            "others",
            f"v2's indicators of {day}, {instruments:,} instruments x {comparison['sessions']} sessions",
            "tests.benchmarks.libraries: bars already in memory; ours: Window.read, features and score of v2",
            [
                line(f"pandas loop ({sample} instruments, scaled)", scaled),
                line("TA-Lib loop", spent["TA-Lib"]),
                line("Polars expressions", spent["Polars"]),
                line("ours: read + features + score", spent["ours"]),
                line("  features alone", spent["ours features"]),
            ],
            [
                f"all agree to 1e-6 on {sample} instruments that traded throughout; largest differences: "
                + ", ".join(f"{way} {apart:.1e}" for way, apart in comparison["worst"].items())
            ],
        )
    )
