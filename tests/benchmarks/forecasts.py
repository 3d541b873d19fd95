"""candle-time: the remaining time of whole collections, and the pace of calls, against the imitation by the wall clock.

Every collection has a process and an exchange of its own; `AT_ONCE` begin at once, when each has its market. Those of
the loaded machine have `BUSY` processes beside them that never pause. The exchanges count calls in the last second, or
in whole seconds.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any

from marketdata.candles.collector import coverage as covered
from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.collections import ChunkState
from marketdata.candles.collector.collector import Collector
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.progress import Progress
from marketdata.candles.collector.timeframes import Grid, Interval, as_datetime, get_timeframe
from marketdata.sources.http.client import HttpClient
from marketdata.sources.upbit import client as upbit
from tests.benchmarks.installations import Bench
from tests.benchmarks.report import Line, Table
from tests.exchanges.server import FixedLimit, SlidingLimit
from tests.exchanges.upbit import Tick, UpbitExchange, generated
from tests.marketdata.candles.collector.stores import MemoryStore

END = 1_757_462_400  # 2025-09-10 00:00 UTC
NOW = END + 3630
MARKET = "KRW-BTC"
SERIES = Series("upbit", MARKET, Grid(get_timeframe("1m")))
SECONDS = 65  # of a collection
PACES = (0.0, 5.0, 3.0)  # calls a second; 0: the default
CALLS = 75
AT_ONCE = 4
BUSY = 3
SPAWN = multiprocessing.get_context("spawn")
LATENCY = 0.03
ILLIQUID = 0.2


@dataclass(frozen=True, slots=True)
class Range:
    """The book of a market, the slots requested before END, and what of them is recorded."""

    book: list[Tick]
    slots: int
    recorded: covered.Coverage = ()


def liquid(calls: int) -> Range:
    return Range(_market(calls * 200 + 2_000, 0.99), calls * 200)


def illiquid(calls: int) -> Range:
    slots = int(calls * 200 / ILLIQUID)
    return Range(_market(slots + 20_000, ILLIQUID), slots)


def listing_inside(calls: int) -> Range:
    return Range(_market(calls * 200, 0.99), calls * 600)


def interrupted(calls: int) -> Range:
    """A third is recorded, in five pieces."""
    slots = calls * 300
    pieces = [END - 60 * slots * part // 10 for part in (2, 4, 6, 8)]
    holes = (Interval(at - 60 * slots // 15, at) for at in (*pieces, END - 60 * 300))
    return Range(_market(slots + 2_000, 0.99), slots, covered.merge(holes))


RANGES: dict[str, Callable[[int], Range]] = {
    "liquid": liquid,
    "illiquid": illiquid,
    "listing inside": listing_inside,
    "interrupted": interrupted,
}
LIMITS = {"last second": SlidingLimit, "whole seconds": FixedLimit}


def _market(slots: int, density: float) -> list[Tick]:
    return generated(END - 60 * slots, slots, density=density)


def section(bench: Bench) -> None:
    """The tables."""
    title = f"remaining time of collections of {SECONDS} s, {AT_ONCE} at once"
    lines = forecast_lines([(name, pace) for name in RANGES for pace in PACES])
    bench.report.table(Table("candle-time", title, "Collector.collect over HTTP", lines))
    with busy_machine():
        lines = forecast_lines([(name, 0.0) for name in RANGES])
    title += f", beside {BUSY} busy processes"
    bench.report.table(Table("candle-time", title, "Collector.collect over HTTP", lines))
    paces = [(name, per_second) for name in LIMITS for per_second in (0.0, 9.0, 8.0)]
    with ProcessPoolExecutor(AT_ONCE, SPAWN) as processes:
        lines = list(processes.map(pace_line, *zip(*paces, strict=True)))
    bench.report.table(Table("candle-time", f"{CALLS} calls, 10 a second taken", "source.candles over HTTP", lines))


def forecast_lines(runs: Sequence[tuple[str, float]]) -> list[Line]:
    """The collections of ranges at paces, `AT_ONCE` at once."""
    begin = SPAWN.Barrier(AT_ONCE)
    with ProcessPoolExecutor(AT_ONCE, SPAWN, initializer=_share, initargs=(begin,)) as processes:
        return list(processes.map(forecast_line, *zip(*runs, strict=True)))


@contextmanager
def busy_machine() -> Iterator[None]:
    """Other work for the machine."""
    others = [SPAWN.Process(target=_never_pause, daemon=True) for _ in range(BUSY)]
    for other in others:
        other.start()
    try:
        yield
    finally:
        for other in others:
            other.terminate()


def _never_pause() -> None:
    while True:
        pass


def _share(begin: Barrier) -> None:
    global _begin
    _begin = begin


_begin: Barrier | None = None
"""Where the collections of this process begin together with those of others."""


def forecast_line(name: str, pace: float) -> Line:
    """One collection: its largest error after the first tenth, and when the remaining time was known."""
    per_second = pace or upbit.UPBIT.per_second
    market = RANGES[name](int(per_second * SECONDS))
    store = MemoryStore()
    store.covered[SERIES] = market.recorded
    seen: list[tuple[float, float | None]] = []

    def note(progress: Progress, chunk: ChunkState) -> None:
        seen.append((progress.elapsed, progress.remaining))

    with UpbitExchange({MARKET: market.book}, clock=lambda: float(NOW), latency=LATENCY) as exchange:
        for path in ("minutes/1", "days", "weeks", "months"):
            exchange.candles(MARKET, path)  # the imitation makes them once
        source = upbit.source(HttpClient(), base_url=exchange.url, per_second=pace)
        if _begin is not None:
            _begin.wait()
        request = CandleRequest(MARKET, "1m", count=market.slots, before=as_datetime(END))
        began = time.perf_counter()
        outcome = Collector(source, store, on_progress=note).collect(request, as_of=as_datetime(NOW))
        took = time.perf_counter() - began
        source.close()
        refused = sum(exchange.refused.values())
    error, known = outcome.eta_error, outcome.eta_known_after
    note_ = (
        f"{outcome.progress.calls:,} calls, {refused} refused; "
        f"wrong by {_percent(error)} at most, known after {_percent(known and known / took)} and for "
        f"{_percent(_known_share(seen, took))} of the rest; "
        f"by tenths {_tenths(seen, took)}"
    )
    return Line(
        f"{name}, {per_second:.1f}/s", [took], ratio=1.0 if error is None else error, note=note_, aims={"ratio": 0.10}
    )


def pace_line(limit: str, per_second: float) -> Line:
    """`CALLS` calls in a row at a pace."""
    counted: Any = LIMITS[limit](10)
    book = {MARKET: _market(1_000, 1.0)}
    with UpbitExchange(book, clock=lambda: float(NOW), limit=counted, latency=LATENCY) as exchange:
        source = upbit.source(HttpClient(), base_url=exchange.url, per_second=per_second)
        source.candles(market=MARKET, timeframe="1m", to=END, count=1)
        began = time.perf_counter()
        for _ in range(CALLS):
            source.candles(market=MARKET, timeframe="1m", to=END, count=10)
        took = time.perf_counter() - began
        source.close()
        refused = sum(exchange.refused.values())
    pace = per_second or upbit.UPBIT.per_second
    return Line(f"{limit}, {pace:.1f}/s", [took], note=f"{refused} refused")


def _percent(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.1%}"


def _known_share(seen: Sequence[tuple[float, float | None]], took: float) -> float:
    """The share of the forecasts after the first tenth that were known."""
    forecasts = [left is not None for at, left in seen if at >= took / 10]
    return sum(forecasts) / len(forecasts)


def _tenths(seen: Sequence[tuple[float, float | None]], took: float) -> str:
    """The error of the first forecast after each tenth of the duration."""
    errors = []
    for tenth in range(1, 10):
        known = [(at, left) for at, left in seen if at >= tenth / 10 * took and left is not None]
        errors.append(f"{(sum(known[0]) - took) / took:+.1%}" if known else "-")
    return " ".join(errors)
