"""large: one v2 session on 20,000 instruments x 1,250 sessions, and how little of the lake it reads."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.installations import Bench
from tests.benchmarks.report import Line, Table
from tests.benchmarks.scan import busy_day, computing, cpu, one, stages
from tests.benchmarks.scenarios import BIG, BIG_MARKET, VERSION


def section(bench: Bench) -> None:
    """Seconds, memory and bytes of one session."""
    installation, market = bench.big(), BIG_MARKET
    extent = installation.run_task("extent", market=market)
    day, summary = busy_day(installation, market)
    turns: tuple[dict[str, Any], ...] = (
        {},
        {"executor": "inline", "workers": 1},
        {"save": False, "cached": True},
        {"save": False},
    )
    auto, inline, cached, unsaved = one(installation, day, bench.runs(5), *turns, market=market)["turns"]
    reading = installation.run_task("reading", market=market, version=VERSION, day=day, runs=bench.runs(3))
    lines = [
        Line(
            f"published, {auto['executor']}",
            auto["seconds"],
            peak_mb=auto["peak_mb"],
            note=cpu(auto),
            aims={"seconds": 2.0, "mb": 1500},
        ),
        Line("published, inline x1", inline["seconds"], peak_mb=inline["peak_mb"], note=cpu(inline)),
        Line("not saved, features kept", cached["seconds"], peak_mb=cached["peak_mb"]),
        Line("not saved", unsaved["seconds"], peak_mb=unsaved["peak_mb"]),
        Line("  inline: read + features + score", computing(inline)),
        *stages(inline),
        Line("the record's query alone", reading["record"]),
        Line("the window's footers alone", reading["window"]),
        Line("the read alone (2 threads)", reading["read"]),
    ]
    remarks = [
        f"{reading['instruments']:,} instruments, {len(extent['sessions']):,} sessions, {extent['rows']:,} rows, "
        f"seed {BIG['seed']}; the window has {reading['sessions']:,} sessions in {reading['parts']} partitions"
    ]
    if reading["bars"]:
        read = reading["bars"] + reading["footers"]
        remarks.append(
            f"read from the lake: {read / 1e6:,.1f} MB (of it footers first {reading['footers'] / 1e6:,.1f} MB) of "
            f"{extent['bytes'] / 1e6:,.1f} MB, {100 * read / extent['bytes']:.1f} %"
        )
    bench.report.table(
        Table(
            "large",
            f"one session in process, {day} ({summary})",
            f"run_scan(RunRequest(market='{market}', versions=['{VERSION}'], first=last={day}))",
            lines,
            remarks,
        )
    )
