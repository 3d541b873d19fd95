"""What a broker's bad minute does to candles of Upbit and Bithumb: run by `python -m tests.benchmarks faults:candles`.

Each scenario is one collection from an imitation of the exchange, in real time, and one more from the healthy exchange:
rows that are wrong, rows that are missing after each of the two, calls that were made and calls that were reported.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from marketdata.candles.collector.collector import Collector, Outcome
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.sources.bithumb import client as bithumb
from marketdata.sources.http.client import HttpClient, Timeouts
from marketdata.sources.quotation.client import QuotationSource
from marketdata.sources.upbit import client as upbit
from tests.benchmarks.installations import Bench
from tests.benchmarks.report import Line, Table
from tests.exchanges.server import Faults
from tests.exchanges.upbit import BithumbExchange, QuotationExchange, Tick, UpbitExchange, generated
from tests.marketdata.candles.collector.stores import MemoryStore

END = 1_757_462_400  # 2025-09-10 00:00 UTC
NOW = END + 3630
SLOTS = 3_000
MARKET = "KRW-BTC"
BUSY = generated(END - 2 * SLOTS * 60, 2 * SLOTS, density=0.9)
SLEEPING = [Tick(END - 60 * 12_000 * (n + 1), 1000.0, 1000.0, 1000.0, 1000.0, 1.0) for n in reversed(range(200))]

EXCHANGES = {
    "upbit": (UpbitExchange, upbit.source),
    "bithumb": (BithumbExchange, bithumb.source),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of one scenario; rows are counted against what the exchange has."""

    exchange: str
    scenario: str
    status: str
    rows: int
    wrong: int
    missing: int
    missing_after_rerun: int
    calls_made: int
    calls_reported: int
    seconds: float

    @property
    def note(self) -> str:
        return (
            f"{self.status}, {self.rows:,} rows, {self.wrong} wrong, {self.missing} missing, "
            f"{self.missing_after_rerun} after a clean rerun; {self.calls_reported} of {self.calls_made} calls reported"
        )


def in_a_row(kind: str, number: int, after: int = 1) -> Callable[[QuotationExchange], None]:
    def begin(exchange: QuotationExchange) -> None:
        exchange.faults.next(*[None] * after, *[kind] * number)

    return begin


def at_a_rate(kind: str, rate: float) -> Callable[[QuotationExchange], None]:
    def begin(exchange: QuotationExchange) -> None:
        exchange.faults = Faults({kind: rate}, seed=7)

    return begin


def gone_for(seconds: float) -> Callable[[QuotationExchange], None]:
    """Every connection is cut from the second page on, for so long."""

    def begin(exchange: QuotationExchange) -> None:
        def cut() -> None:
            while sum(exchange.calls.values()) < 1:
                time.sleep(0.005)
            exchange.faults.rates = {"reset": 1.0}
            time.sleep(seconds)
            exchange.faults.rates = {}

        threading.Thread(target=cut, daemon=True).start()

    return begin


SCENARIOS: dict[str, Callable[[QuotationExchange], None]] = {
    "nothing": lambda exchange: None,
    "12 resets in a row": in_a_row("reset", 12),
    "12 errors (500) in a row": in_a_row("error", 12),
    "12 blanks in a row": in_a_row("blank", 12),
    "4 empty answers, first page": in_a_row("empty", 4, after=0),
    "4 empty answers, later page": in_a_row("empty", 4, after=3),
    "3 bans of a second": in_a_row("banned", 3),
    "blank in 15 % of answers": at_a_rate("blank", 0.15),
    "empty in 15 % of answers": at_a_rate("empty", 0.15),
    "gone for 16 s": gone_for(16.0),
}


def figures(
    exchanges: Sequence[str] = tuple(EXCHANGES), scenarios: Sequence[str] = tuple(SCENARIOS)
) -> Iterator[Figures]:
    """Every scenario on every exchange, and a market that sleeps."""
    for name in exchanges:
        for scenario in scenarios:
            wanted = CandleRequest(MARKET, "1m", count=SLOTS, before=as_datetime(END))
            yield _figures(name, scenario, BUSY, wanted, SCENARIOS[scenario])
        start = as_datetime(END - 60 * 2_500_000)
        wanted = CandleRequest(MARKET, "1m", start=start, end=as_datetime(END))
        yield _figures(name, "200 rows in 2.5 M slots", SLEEPING, wanted, lambda exchange: None)


def _figures(
    name: str,
    scenario: str,
    book: list[Tick],
    wanted: CandleRequest,
    begin: Callable[[QuotationExchange], None],
) -> Figures:
    store = MemoryStore()
    with _exchange(name, book) as (exchange, source):
        begin(exchange)
        began = time.perf_counter()
        outcome = _collect(source, store, wanted)
        seconds = time.perf_counter() - began
        calls = sum(exchange.calls.values())
        exchange.faults = Faults()
        interval = outcome.collection.request.interval
        truth = {t.opened: t.close for t in book if interval.start <= t.opened < interval.end}
        wrong, missing = _against(store, truth)
        _collect(source, store, wanted)
        _, after = _against(store, truth)
        return Figures(
            exchange=name,
            scenario=scenario,
            status=outcome.status,
            rows=len(truth),
            wrong=wrong,
            missing=missing,
            missing_after_rerun=after,
            calls_made=calls,
            calls_reported=outcome.progress.calls,
            seconds=seconds,
        )


def _collect(source: QuotationSource, store: MemoryStore, wanted: CandleRequest) -> Outcome:
    return Collector(source, store).collect(wanted, as_of=as_datetime(NOW))


def _against(store: MemoryStore, truth: dict[int, float]) -> tuple[int, int]:
    """Rows whose close is not the exchange's, and rows that are not there."""
    rows = {opened: row[4] for each in store.rows.values() for opened, row in each.items()}
    wrong = sum(truth.get(opened) != close for opened, close in rows.items())
    return wrong, len(truth.keys() - rows.keys())


@contextmanager
def _exchange(name: str, book: list[Tick]) -> Iterator[tuple[QuotationExchange, QuotationSource]]:
    kind, make = EXCHANGES[name]
    with kind({MARKET: book}, clock=lambda: float(NOW)) as exchange:
        http = HttpClient(timeouts=Timeouts(read=5.0), wall_clock=lambda: float(NOW))
        source = make(http, base_url=exchange.url)
        try:
            yield exchange, source
        finally:
            source.close()


def tables(bench: Bench) -> Iterator[Table]:
    """One line for each scenario of each exchange."""
    yield Table(
        "faults",
        "candles and daily bars of coins: collected through faults, then once more without any",
        "Collector(source, store).collect(CandleRequest(...))",
        [Line(f"{one.exchange}: {one.scenario}", [one.seconds], note=one.note) for one in figures()],
    )
