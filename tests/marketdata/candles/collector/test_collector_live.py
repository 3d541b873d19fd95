"""The collector over HTTP against the imitation of Upbit: faults, kills of the process, long runs."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from caching.circuit_breaker import CircuitBreaker
from marketdata.candles.collector.collections import ChunkState, CollectionStatus
from marketdata.candles.collector.collector import Collector
from marketdata.candles.collector.overlap import Overlap
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.progress import Progress
from marketdata.candles.collector.timeframes import as_datetime, moment
from marketdata.sources.bithumb import client as bithumb
from marketdata.sources.http.client import HttpClient, Timeouts
from marketdata.sources.http.retry import RetryPolicy
from marketdata.sources.quotation.client import QuotationSource
from marketdata.sources.upbit import client as upbit
from tests.exchanges.server import TRANSPORT_FAULTS, Faults, Request, Response
from tests.exchanges.upbit import BithumbExchange, UpbitExchange, generated
from tests.marketdata.candles.collector.naive import utc
from tests.marketdata.candles.collector.stores import ListSource, MemoryStore, SqliteStore

pytestmark = pytest.mark.slow

START = moment(utc("2025-09-01T00:00:00"))
NOW = START + 7 * 86_400 + 30
BOOK = {
    "KRW-BTC": generated(START, 7 * 1440),
    "KRW-MOC": generated(START, 7 * 1440, density=0.2, seed=2),
}
FAULTS = (*TRANSPORT_FAULTS, "empty", "duplicate", "disorder", "blank")


def source_of(url: str) -> QuotationSource:
    http = HttpClient(
        retry=RetryPolicy(draw=lambda low, high: 0.0),
        timeouts=Timeouts(read=0.05),
        breaker=lambda: CircuitBreaker(threshold=10, rest=0.1),
        wall_clock=lambda: float(NOW),
    )
    return upbit.source(http, base_url=url, per_second=100_000)


def exchange(**options: object) -> UpbitExchange:
    return UpbitExchange(
        BOOK,
        per_second=100_000,
        clock=lambda: float(NOW),
        hang=0.1,
        **options,  # type: ignore[arg-type]
    )


def request(market: str, slots: int) -> CandleRequest:
    return CandleRequest(market, "1m", count=slots, before=as_datetime(START + 6 * 86_400))


def rows_of(store: MemoryStore | SqliteStore) -> list[object]:
    if isinstance(store, SqliteStore):
        return list(store.content()["candle"])
    return [row for rows in store.rows.values() for _, row in sorted(rows.items())]


def served(market: str, slots: int) -> list[tuple[int, float]]:
    end = START + 6 * 86_400
    return [(t.opened, t.close) for t in BOOK[market] if end - slots * 60 <= t.opened < end]


@pytest.mark.parametrize("rate", [0.01, 0.10])
@pytest.mark.parametrize("market", ["KRW-BTC", "KRW-MOC"])
def test_faults_of_every_kind_at_once_do_not_reach_the_record(rate: float, market: str) -> None:
    """Every fault at the rate given: the record is what was served, unaided."""
    faults = Faults(dict.fromkeys(FAULTS, rate / len(FAULTS)), seed=7)
    with exchange(faults=faults) as running:
        source = source_of(running.url)
        for seed in range(8):
            store = MemoryStore()
            running.faults = Faults(faults.rates, seed=seed)
            collector = Collector(source, store, pause=lambda seconds: None)
            outcome = collector.collect(request(market, 3000), as_of=as_datetime(NOW))
            assert outcome.status is CollectionStatus.DONE
            assert [(row[0], row[4]) for row in rows_of(store)] == served(market, 3000)  # type: ignore[index]
            before = sum(running.calls.values())
            collector.collect(request(market, 3000), as_of=as_datetime(NOW))
            assert sum(running.calls.values()) == before
        source.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_alone_at_one_call_in_ten(fault: str) -> None:
    with exchange(faults=Faults({fault: 0.10}, seed=11)) as running:
        source, store = source_of(running.url), MemoryStore()
        collector = Collector(source, store, pause=lambda seconds: None)
        outcome = collector.collect(request("KRW-BTC", 6000), as_of=as_datetime(NOW))
        source.close()
    assert outcome.status is CollectionStatus.DONE
    assert [(row[0], row[4]) for row in rows_of(store)] == served("KRW-BTC", 6000)  # type: ignore[index]
    assert running.faults.hit[fault] > 0


@pytest.mark.parametrize("fault", ["reset", "busy", "error", "blank", "empty"])
def test_a_burst_is_waited_out(fault: str) -> None:
    """Twelve answers in a row are spoiled; busy ones would ban a client that did not slow down."""
    burst = 4 if fault == "empty" else 12
    with exchange() as running:
        running.faults.next(None, *[fault] * burst)
        source, store = source_of(running.url), MemoryStore()
        collector = Collector(source, store, pause=lambda seconds: time.sleep(seconds / 50))
        outcome = collector.collect(request("KRW-BTC", 900), as_of=as_datetime(NOW))
        source.close()
    assert outcome.status is CollectionStatus.DONE
    assert [(row[0], row[4]) for row in rows_of(store)] == served("KRW-BTC", 900)  # type: ignore[index]
    assert running.faults.hit[fault] == burst
    assert outcome.progress.calls == sum(running.calls.values())


def test_calls_reported_are_calls_made_at_every_end() -> None:
    for rate, seed in ((0.3, 1), (0.3, 2), (1.0, 3)):
        faults = Faults(dict.fromkeys(("reset", "busy", "error", "blank", "truncated"), rate / 5), seed=seed)
        with exchange(faults=faults) as running:
            source, store = source_of(running.url), MemoryStore()
            source._http._retry = RetryPolicy(attempts=6, draw=lambda low, high: 0.0)
            collector = Collector(source, store, patience=3.0, pause=lambda seconds: None)
            outcome = collector.collect(request("KRW-BTC", 3000), as_of=as_datetime(NOW))
            source.close()
        assert outcome.progress.calls == sum(running.calls.values())


def test_a_ban_ends_the_run_with_a_state_that_says_until_when() -> None:
    with exchange() as running:
        running.faults.next(None, "banned")
        source, store = source_of(running.url), MemoryStore()
        source._http._retry = RetryPolicy(longest=0.5)
        collector = Collector(source, store, patience=0.5)
        outcome = collector.collect(request("KRW-BTC", 1000), as_of=as_datetime(NOW))
        assert outcome.status is CollectionStatus.STOPPED
        assert "banned this address for 1 s" in outcome.error
        assert outcome.retry_after == 1.0
        source.close()


def test_bithumbs_days_are_korean_days() -> None:
    with BithumbExchange(BOOK, per_second=100_000, clock=lambda: float(NOW)) as running:
        http = HttpClient(wall_clock=lambda: float(NOW))
        source, store = bithumb.source(http, base_url=running.url, per_second=1000), MemoryStore()
        wanted = CandleRequest("KRW-BTC", "1d", start=utc("2025-09-02"), end=utc("2025-09-07"))
        Collector(source, store).collect(wanted, as_of=as_datetime(NOW))
        source.close()
    opened = [as_datetime(row[0]) for row in rows_of(store)]  # type: ignore[index]
    assert [f"{each:%d %H:%M}" for each in opened] == [f"0{day} 15:00" for day in range(2, 7)]


# --- kills ------------------------------------------------------------------------------------------

CHILD = """
import sys
from datetime import datetime
from pathlib import Path
from marketdata.candles.collector.collector import Collector
from marketdata.candles.collector.timeframes import as_datetime
from tests.marketdata.candles.collector.stores import SqliteStore
from tests.marketdata.candles.collector.test_collector_live import NOW, request, source_of
url, path = sys.argv[1:]
collector = Collector(source_of(url), SqliteStore(Path(path)))
print(collector.collect(request("KRW-BTC", 8000), as_of=as_datetime(NOW)).status, flush=True)
"""


class KillingExchange(UpbitExchange):
    """Kills the process that calls, when it has made so many calls: before or after it is answered."""

    victim: subprocess.Popen[str] | None = None
    calls_left = 0

    def answer(self, request: Request, fault: str | None) -> Response:
        self.calls_left -= 1
        if self.victim is not None and self.calls_left == 0:
            self.victim.send_signal(signal.SIGKILL)
        return super().answer(request, fault)


@pytest.fixture
def killing() -> Iterator[KillingExchange]:
    with KillingExchange(BOOK, per_second=100_000, clock=lambda: float(NOW)) as running:
        yield running


def test_a_killed_process_is_taken_up_without_loss_or_double(killing: KillingExchange, tmp_path: Path) -> None:
    """`KILLS` in the environment sets how often; the end equals an uninterrupted collection."""
    draw = random.Random(3)
    source, whole = source_of(killing.url), SqliteStore(tmp_path / "whole.sqlite3")
    Collector(source, whole).collect(request("KRW-BTC", 8000), as_of=as_datetime(NOW))
    path = tmp_path / "killed.sqlite3"
    command = [sys.executable, "-c", CHILD, killing.url, str(path)]
    killed = 0
    for _ in range(int(os.environ.get("KILLS", "5"))):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        killing.calls_left, killing.victim = draw.randint(1, 6), child
        child.communicate()
        killed += child.returncode == -signal.SIGKILL
    killing.victim = None
    assert killed >= 3
    store = SqliteStore(path)
    Collector(source, store).collect(request("KRW-BTC", 8000), as_of=as_datetime(NOW))
    assert store.content() == whole.content()
    assert store.content()["verified"] == whole.content()["verified"]
    before = sum(killing.calls.values())
    Collector(source, store).collect(request("KRW-BTC", 8000), as_of=as_datetime(NOW))
    assert sum(killing.calls.values()) == before
    source.close()


# --- long runs --------------------------------------------------------------------------------------


class Forgetful(MemoryStore):
    """A record that keeps only the coverage: what grows in a run is then the collector's own."""

    def store_chunk(self, write: object) -> None:
        super().store_chunk(write)  # type: ignore[arg-type]
        self.chunks.clear()
        self.rows.clear()


def test_memory_stays_flat_over_two_thousand_chunks() -> None:
    end = START + 6 * 86_400
    source = ListSource([end - 60 * n for n in range(1, 10_001)], now=NOW)
    source.page_limit = 5
    seen: list[int] = []

    def watch(progress: Progress, chunk: ChunkState) -> None:
        source.requests.clear()
        if progress.chunks in (400, 1800):
            gc.collect()
            seen.append(tracemalloc.get_traced_memory()[0])

    wanted = CandleRequest("KRW-BTC", "1m", count=10_000, before=as_datetime(end))
    tracemalloc.start()
    Collector(source, Forgetful(), on_progress=watch).collect(wanted, as_of=as_datetime(NOW))
    tracemalloc.stop()
    early, late = seen
    assert late - early < 0.01 * early + 2000


def test_a_chunks_state_is_at_least_15_percent_smaller_than_it_was() -> None:
    """1,088 bytes per stored chunk state is the older figure."""
    count = 2000

    def state(number: int) -> ChunkState:
        n = 1_000_000 + number  # no small integers that Python shares
        return ChunkState(
            n, n + 1, n + 2, Overlap.NONE, n + 3, n + 4, n + 5, n + 6, n + 7, n / 3, n / 5, n / 7, n + 8, n + 9
        )  # fmt: skip

    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [state(number) for number in range(count)]
    each = (tracemalloc.get_traced_memory()[0] - before) / len(kept)
    tracemalloc.stop()
    assert each < 1088 * 0.85
