"""sweep: 200 variants of v2 over 521 sessions, judged over five horizons: whole, by two processes, with halving."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.benchmarks.installations import Bench
from tests.benchmarks.report import Line, Table

VARIANTS, SESSIONS, HORIZON = 200, 521, 60
GAP = HORIZON + 5
"""Sessions between the last one judged and the test period: the horizon and the embargo."""


def section(bench: Bench) -> None:
    """Each memory figure from a process that did only that."""
    installation = bench.krx()
    sessions = installation.run_task("extent", market="kr")["sessions"]
    days = sessions[-(SESSIONS + GAP + 1) :]
    periods = [days[0], days[len(days) // 2], days[-1], days[-1]]

    def part(slug: str, *number: int, **options: Any) -> dict[str, Any]:
        values = {"variants": VARIANTS, "days": periods, "part": number, "horizon": HORIZON, **options}
        return installation.run_task("sweep", slug=slug, **values)

    installation.run_task("forget_sweeps")

    whole, halved = part("whole", 1, 1), part("halved", 1, 1, halving=True)
    lines = [
        _line("one process", whole, {"seconds": 90.0}),
        Line("  variants", [whole["stages"]["variants"]], work=VARIANTS * SESSIONS, aims={"seconds": 60.0}),
        Line("  walk-forward, random picks, tests", [whole["stages"]["outside"]], aims={"seconds": 30.0}),
        *_two_processes(part),
        _line("one process, halving", halved, {}),
    ]
    bench.report.table(
        Table(
            "sweep",
            f"{VARIANTS} variants of v2 over {SESSIONS} sessions, {periods[0]} to {days[SESSIONS - 1]}, five horizons",
            "scans.operations.research.sweep.run_sweep(SweepRequest(market='kr', engine='v2', sample=200, horizon=60))",
            lines,
            ["rate: variants x sessions a second", "one process: its threads use all cores"],
        )
    )


def _two_processes(part: Any) -> list[Line]:
    """Two parts at once, and the run that joins them."""
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(part, "parts", 1, 2)
        second = pool.submit(part, "parts", 2, 2)
        parts = [first.result(), second.result()]
    joined = part("parts", 1, 1)
    return [
        Line(
            "two processes, the variants",
            [max(one["seconds"] for one in parts)],
            work=VARIANTS * SESSIONS,
            peak_mb=max(one["peak_mb"] for one in parts),
            note=f"cpu {sum(one['cpu'] for one in parts):.1f} s",
            aims={"seconds": 36.0},
        ),
        _line("  the run that joins them", joined, {}),
    ]


def _line(what: str, run: dict[str, Any], aims: dict[str, float]) -> Line:
    return Line(what, [run["seconds"]], peak_mb=run["peak_mb"], note=f"cpu {run['cpu']:.1f} s", aims=aims)
