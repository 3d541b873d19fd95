"""python -m tests.benchmarks [section ...] [options]: how fast it is here.

    import     price files into SQLite and PostgreSQL, and into the lake
    scan       v2 on KRX: one session, 520 sessions, the whole command
    versions   all five versions at once, v2 over seven years, an evaluation
    executors  inline, threads, processes: where each wins
    large      v2 on a generated market of 20,000 instruments x 1,250 sessions
    collect    daily bars from the imitation of KIS at its limit (8 minutes; only when named)
    us         500 US shares from the imitation of KIS, compared with the file (2 minutes; only when named)
    pages      the trader's pages against their budgets: p95 cold and kept, bytes, paint, chart (when named)
    load       a production server on PostgreSQL and Redis: latencies of a scan, a chart and signals (when named)
    readers    Zipf-distributed readers while lists are published and bars corrected (5 minutes, --seconds; when named)
    database   a stock in 4 million rows, the cache, collection in batches: an older plan's table (when named)
    record-size  the table of bars at 40 million rows (--rows), whole and by year; autovacuum (when named)
    queues     how long a request of one session waits beside three ranges, by broker (3 minutes; when named)
    throughput  instruments a second by 1, 2 and 4 workers, executors in a worker, an evening by group (when named)
    sweep      200 variants of v2 over 521 sessions: whole, by two processes, with halving (1 minute; when named)
    others     the same indicators by pandas, TA-Lib and Polars
    candles    the collector of candles: its cost beyond the network, its memory, what faults do to it
    candle-time  their remaining time and the pace of calls, by the wall clock (2 minutes; only when named)
    candle-stress  the collector's parts as multiples of a unit, an hour of calls, limits of memory (when named)
    candle-patterns  how often the pattern of a market is recognized (only when named)
    faults     what faults do to what is recorded and read: faults:kis, :krx, :us, :yfinance, :candles, :disk
    profile    where the time of one session goes (only when named)
    worlds     how often each error shown calls luck a result, in 200 worlds without skill (when named; --runs: worlds)

Of their own: `python -m tests.benchmarks.krx_sessions` plays sessions of KRX with a clock (a table, 3 minutes), and
`python -m tests.benchmarks.preclose` compares lists before the close with those at the close.

Uses the recorded KRX data where it lies (SEISMO_SHARED_DATA), else a generated market of its size.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import (
    candle_patterns,
    candle_stress,
    candles,
    collection,
    database,
    executors,
    faults,
    forecasts,
    imports,
    large_market,
    library_comparison,
    load,
    pages,
    queues,
    readers,
    record_size,
    scan,
    sweeps,
    throughput,
    us_collection,
    versions,
    worlds,
)
from tests.benchmarks.installations import Bench
from tests.benchmarks.measurement import BenchFailed
from tests.benchmarks.report import Report
from tests.benchmarks.scenarios import VERSION


def profile(bench: Bench) -> None:
    """The functions that take most time of their own in one session of KRX."""
    installation = bench.krx()
    day = installation.run_task("extent", market="kr")["sessions"][-1]
    values = {"market": "kr", "version": VERSION, "day": day, "top": 35}
    print(installation.run_task("profile", save=False, **values)["text"])


SECTIONS: dict[str, Callable[[Bench], None]] = {
    "import": imports.section,
    "scan": scan.section,
    "versions": versions.section,
    "executors": executors.section,
    "large": large_market.section,
    "sweep": sweeps.section,
    "others": library_comparison.section,
    "collect": collection.section,
    "us": us_collection.section,
    "load": load.section,
    "pages": pages.section,
    "queues": queues.section,
    "throughput": throughput.section,
    "readers": readers.section,
    "database": database.section,
    "record-size": record_size.section,
    "candles": candles.section,
    "candle-stress": candle_stress.section,
    "candle-patterns": candle_patterns.section,
    "candle-time": forecasts.section,
    "faults": faults.section,
    **{f"faults:{name}": faults.subject(name) for name in faults.FIGURES},
    "profile": profile,
    "worlds": worlds.section,
}
ON_REQUEST = (
    "collect",
    "candle-patterns",
    "candle-stress",
    "candle-time",
    "database",
    "load",
    "pages",
    "profile",
    "queues",
    "readers",
    "record-size",
    "sweep",
    "throughput",
    "us",
    "worlds",
    "faults",
    *(f"faults:{name}" for name in faults.FIGURES),
)
"""Sections that are run only when they are named."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sections",
        nargs="*",
        metavar="section",
        help="default: all but those that say (when named)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the markets there and use them again")
    parser.add_argument("--check", action="store_true", help="end with status 1 where an aim is missed")
    parser.add_argument("--runs", type=int, metavar="N", help="run everything N times")
    parser.add_argument("--seconds", type=float, metavar="S", help="how long readers read (300)")
    parser.add_argument("--rows", type=int, metavar="N", help="rows of record-size (40,000,000)")
    options = parser.parse_args()
    unknown = [name for name in options.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"unknown section {unknown[0]!r}: choose among {', '.join(SECTIONS)}")
    report = Report()
    report.head()
    bench = Bench(report, keep=options.keep, runs=options.runs, seconds=options.seconds, rows=options.rows)
    try:
        for name in options.sections or [name for name in SECTIONS if name not in ON_REQUEST]:
            SECTIONS[name](bench)
    except BenchFailed as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        bench.close()
        if options.json:
            report.write(options.json)
    missed = report.missed() if options.check else []
    for what in missed:
        print(f"The aim of {what} was missed.", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
