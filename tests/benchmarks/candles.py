"""candles: what the collector costs beyond the network, what it holds, and what faults do to it."""

from __future__ import annotations

from tests.benchmarks.installations import Bench
from tests.benchmarks.report import Line, Table
from tests.exchanges.server import TRANSPORT_FAULTS

COLLECTIONS = 20
SLOTS = 1000
KINDS = (*TRANSPORT_FAULTS, "empty", "duplicate", "disorder", "busy", "banned")
OLDER_STATE = 1088  # bytes
RUNS = (("full pages", 200, 50_000), ("tiny pages", 5, 50_000))


def section(bench: Bench) -> None:
    """The collector on SQLite, its source without a network; then over HTTP with faults."""
    installation = bench.fresh("candles")
    lines, remarks = [], []
    for what, page, candles in RUNS:
        runs = [
            installation.run_task("overhead", market=f"KRW-{page}-{n}", page=page, candles=candles)
            for n in range(bench.runs(1))
        ]
        thousands = candles / 1000
        last = runs[-1]
        lines.append(
            Line(
                f"1,000 candles by {what} of {page}",
                [run["seconds"] / thousands for run in runs],
                peak_mb=last["peak_mb"],
                note=(
                    f"{last['chunks']:,} chunks, {last['seconds'] / last['chunks'] * 1e3:.2f} ms each, CPU "
                    f"{last['cpu'] / thousands * 1e3:.1f} ms per 1,000 candles; memory from the second to the last "
                    f"tenth {last['growth']:+.2%}"
                ),
                aims={"seconds": 0.020} if page == 200 else {},
            )
        )
    state = installation.run_task("states")
    remarks.append(
        f"state of a chunk: {state['memory']:.0f} bytes in memory, {state['row']:.0f} in the record with its index; "
        f"the older figure is {OLDER_STATE}, {1 - state['memory'] / OLDER_STATE:.0%} and "
        f"{1 - state['row'] / OLDER_STATE:.0%} below it"
    )
    bench.report.table(Table("candles", "beyond the network", "Collector.collect, SQLite", lines, remarks))
    _faults(bench)


def _faults(bench: Bench) -> None:
    installation = bench.fresh("candle-faults")
    for rate in (0.01, 0.10):
        every = installation.run_task("faults", kinds=KINDS, rate=rate, collections=COLLECTIONS)
        whole = COLLECTIONS * len(KINDS)
        done, resumed = (sum(counts.get(name, 0) for counts in every.values()) for name in ("done", "resumed"))
        lines = [Line(kind, note=_summary(counts)) for kind, counts in every.items()]
        title = f"{rate:.0%} of calls fail, {COLLECTIONS} collections of {SLOTS:,} slots for each kind"
        remark = f"{done / whole:.2%} recovered unaided, {resumed} of the {whole - done} others when run again"
        bench.report.table(Table("candles", title, "Collector.collect over HTTP", lines, [remark]))


def _summary(counts: dict[str, int]) -> str:
    done, resumed, whole = (counts.get(name, 0) for name in ("done", "resumed", "whole"))
    return (
        f"{done} of {COLLECTIONS} recovered unaided, {resumed} more when run again; {whole} records are what was "
        f"served; {counts.get('hit', 0)} calls hit"
    )
