"""large: one v2 session on 20,000 instruments x 1,250 sessions, and how little of the lake it reads."""

from __future__ import annotations

from tests.bench.places import Bench
from tests.bench.recipes import BIG, BIG_MARKET, VERSION
from tests.bench.report import Line, Table
from tests.bench.scanning import busy_day, computing, one, stages


def section(bench: Bench) -> None:
    """Seconds, memory and bytes of one session."""
    place, market = bench.big(), BIG_MARKET
    held = place.inside("extent", market=market)
    day, told = busy_day(place, market)
    done = one(place, day, bench.runs(5), {}, market=market)
    alone = one(place, day, 1, {"executor": "inline", "workers": 1}, market=market)
    (turn,) = done["turns"]
    reading = place.inside("reading", market=market, version=VERSION, day=day, runs=bench.runs(3))
    lines = [
        Line(
            "published", turn["seconds"], peak_mb=done["peak_mb"], aims={"seconds": 2.0, "mb": 1500}
        ),
        Line("  read + features + score", computing(turn)),
        *stages(turn),
        Line("the record's query alone", reading["record"]),
        Line("the window's footers alone", reading["window"]),
        Line("the read alone (2 threads)", reading["read"]),
        Line("inline x1", alone["turns"][0]["seconds"], peak_mb=alone["peak_mb"]),
    ]
    remarks = [
        f"{reading['instruments']:,} instruments, {len(held['sessions']):,} sessions, {held['rows']:,} rows, "
        f"seed {BIG['seed']}; the window has {reading['sessions']:,} sessions in {reading['parts']} partitions"
    ]
    if reading["bars"]:
        read = reading["bars"] + reading["footers"]
        remarks.append(
            f"read from the lake: {read / 1e6:,.1f} MB (of it footers first {reading['footers'] / 1e6:,.1f} MB) of "
            f"{held['bytes'] / 1e6:,.1f} MB, {100 * read / held['bytes']:.1f} %"
        )
    bench.report.table(
        Table(
            "large",
            f"one session in process, {day} ({told}), {turn['executor']}",
            f"scans.operations.run.run(Request(market='{market}', versions=['{VERSION}'], first=last={day}))",
            lines,
            remarks,
        )
    )
