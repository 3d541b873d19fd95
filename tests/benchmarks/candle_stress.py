"""candle-stress: what the collector's parts cost as a multiple of a unit measured in turns with them, an hour's
collection with time compressed, and a collection under a limit of memory.

The unit is `UNIT_ROUNDS` rounds of plain Python on this machine at that moment, so that a limit holds on a slow or busy
machine too. `--check` fails where one is exceeded.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from marketdata.candles.collector.cache import CandleCache, Series
from marketdata.candles.collector.collections import History
from marketdata.candles.collector.coverage import merge
from marketdata.candles.collector.overlap import analyse
from marketdata.candles.collector.planner import next_chunk
from marketdata.candles.collector.timeframes import Grid, Interval, get_timeframe
from marketdata.candles.collector.verification import judge
from marketdata.sources.base import CandlePage, Candles
from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.measurement import ROOT
from tests.benchmarks.report import Line, Table
from tests.exchanges.upbit import UpbitExchange, generated

END = 1_757_462_400  # 2025-09-10 00:00 UTC
GRID = Grid(get_timeframe("1m"))
SERIES = Series("upbit", "KRW-BTC", GRID)
WHOLE = Interval(END - 60 * 200_000, END)
UNIT_ROUNDS = 100_000
TURNS = 9
MEGABYTES = (150, 300, 450, 600, 900)
"""Of address space: from less than the interpreter with its libraries needs to what a collection takes."""
HOUR_CHUNKS = 34_000  # an hour of calls at the default pace
HOUR_PAGE = 5


def unit() -> None:
    total = 0
    for number in range(UNIT_ROUNDS):
        total += number & 7


def creation() -> None:
    """1,000 chunks of whole pages."""
    cursor = WHOLE.end
    for _ in range(1_000):
        chunk = next_chunk(GRID, WHOLE, cursor, (), page=200)
        cursor = chunk.window.start if chunk else WHOLE.end


FRAGMENTS = merge(Interval(END - 6_000 * n, END - 6_000 * n + 3_000) for n in range(2, 22))


def overlap() -> None:
    """1,000 windows against 20 recorded fragments."""
    window = Interval(END - 60 * 2_000, END)
    for _ in range(1_000):
        analyse(GRID, window, FRAGMENTS)


def _candles(count: int, end: int = END) -> Candles:
    opened = np.arange(end - 60 * count, end, 60, dtype=np.int64)
    price = np.full(count, 1_000.0)
    return Candles(opened, price, price, price, price, price, price, opened * 1_000)


PAGE = CandlePage(_candles(200), 200, 0, float(END + 3_600))


def thousand_candles() -> None:
    """1,000 candles judged and cached, a page of 200 at a time, 20 times over."""
    for _ in range(20):
        cache = CandleCache(1 << 24)
        for _ in range(5):
            chunk = next_chunk(GRID, WHOLE, END, (), page=200)
            if chunk is None:
                break
            verdict = judge(
                GRID,
                chunk,
                PAGE,
                closed_until=END,
                newest=END - 60,
                interval=WHOLE,
                moving_horizon=False,
                history=History(),
            )
            cache.put(SERIES, verdict.verified or chunk.window, verdict.candles)
            cache.get(SERIES, *chunk.window)


def cleanup() -> None:
    """1,000 chunks through a cache that has room for 100, then all of it forgotten."""
    cache, block = CandleCache(100 * 3_000), _candles(20)
    for number in range(1_000):
        end = END - 1_200 * number
        cache.put(SERIES, Interval(end - 1_200, end), block)
    cache.forget(SERIES)


LIMITS: dict[str, tuple[Callable[[], None], float]] = {
    "creation of 1,000 chunks": (creation, 5.0),
    "overlap analysis of 1,000 windows": (overlap, 24.0),
    "1,000 candles, 20 times": (thousand_candles, 7.0),
    "cleanup of 1,000 chunks": (cleanup, 13.0),
}
"""Each part with its largest multiple of the unit."""


def ratios() -> dict[str, list[float]]:
    """The multiples of each part, every turn beside a unit of its own."""
    results: dict[str, list[float]] = {name: [] for name in LIMITS}
    for _ in range(TURNS):
        for name, (part, _) in LIMITS.items():
            results[name].append(_seconds(part) / min(_seconds(unit), _seconds(unit)))
    return results


def section(bench: Bench) -> None:
    """The three tables."""
    lines = [
        Line(
            name,
            ratio=min(values),
            note=f"the least of {TURNS}; {max(values):.2f} the most",
            aims={"ratio": LIMITS[name][1]},
        )
        for name, values in ratios().items()
    ]
    title = f"multiples of {UNIT_ROUNDS:,} rounds of Python"
    bench.report.table(Table("candle-stress", title, "parts of the collector", lines))
    installation = bench.fresh("candle-stress")
    bench.report.table(
        Table("candle-stress", "an hour of calls without a network", "Collector.collect", [_hour(installation)])
    )
    bench.report.table(
        Table("candle-stress", "a limit of memory", "manage.py collect_candles under RLIMIT_AS", _limited(installation))
    )


def _hour(installation: Installation) -> Line:
    run = installation.run_task("overhead", market="KRW-HOUR", page=HOUR_PAGE, candles=HOUR_CHUNKS * HOUR_PAGE)
    growth = run["growth"]
    return Line(
        f"{run['chunks']:,} chunks",
        [run["seconds"]],
        ratio=1 + growth,
        note=f"memory from the second to the last tenth {growth:+.2%}",
        aims={"ratio": 1.01},
    )


def _limited(installation: Installation) -> list[Line]:
    """Collections under limits of address space, each with an exchange of the same kind: a traceback is a failure."""
    book = {"KRW-BTC": generated(END - 60 * 30_000, 30_000)}
    command = [sys.executable, "manage.py", "collect_candles", "--market", "KRW-BTC", "--to", "2025-09-10"]
    lines = []
    with UpbitExchange(book, per_second=100_000, clock=lambda: END + 3_600.0) as exchange:
        environment = {**installation.env, "UPBIT_HOST": exchange.url, "UPBIT_PER_SECOND": "1000"}
        for number, megabytes in enumerate(MEGABYTES):
            limit = megabytes * 2**20
            run = subprocess.run(
                [*command, "--count", str(2_000 * (number + 1))],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),  # noqa: B023
            )
            ended = (run.stdout.strip() or run.stderr.strip()).splitlines() or ["nothing"]
            is_bad = "Traceback" in run.stderr
            note = f"status {run.returncode}: {ended[0 if run.returncode == 0 else -1][:110]}"
            lines.append(Line(f"{megabytes} MB", ratio=float(is_bad), note=note, aims={"ratio": 0.5}))
    return lines


def _seconds(part: Callable[[], None]) -> float:
    began = time.perf_counter()
    part()
    return time.perf_counter() - began
