"""What `candles` measures, inside a process of its own: the collector with the record's store, on made-up markets."""

from __future__ import annotations

import gc
import resource
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

from django.db import connection

from caching.circuit_breaker import CircuitBreaker
from marketdata.candles.collector.cache import CandleCache
from marketdata.candles.collector.collections import ChunkState, CollectionStatus
from marketdata.candles.collector.collector import Collector
from marketdata.candles.collector.features import RULES
from marketdata.candles.collector.overlap import Overlap
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.progress import Progress
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.candles.models import CandleChunk
from marketdata.candles.operations.store import RecordStore
from marketdata.feature_guard import Guard
from marketdata.operations.feature_flags import RecordFlags, rules
from marketdata.sources.http.client import HttpClient, Timeouts
from marketdata.sources.http.limiter import Limiter
from marketdata.sources.http.rate_limit_stores import ProcessRateLimits
from marketdata.sources.http.retry import RetryPolicy
from marketdata.sources.upbit import client as upbit
from tests.benchmarks.candles import SLOTS
from tests.exchanges.server import Faults
from tests.exchanges.upbit import Tick, UpbitExchange, generated
from tests.marketdata.candles.collector.stores import ListSource
from tests.marketdata.sources.http.virtual import Virtual

END = 1_757_462_400  # 2025-09-10 00:00 UTC
NOW = END + 3630
STATES = 2000


def overhead(*, market: str, page: int, candles: int) -> dict[str, Any]:
    """Collect `candles` by pages of `page` from a source without a network: seconds beyond the source's own."""
    source = ListSource([END - 60 * (n + 1) for n in range(candles)], now=NOW)
    source.page_limit = page
    answer, spent, resident = source.candles, [0.0], []

    def timed(**options: Any) -> Any:
        began = time.perf_counter()
        answered = answer(**options)
        spent[0] += time.perf_counter() - began
        source.requests.clear()
        return answered

    source.candles = timed  # type: ignore[method-assign]
    tenth = candles // page // 10
    with connection.cursor() as cursor:
        # Caches that are full before the second tenth ends, so that what grows after it is none.
        cursor.execute("PRAGMA cache_size = -256")

    def watch(progress: Progress, chunk: ChunkState) -> None:
        if progress.chunks in (2 * tenth, 10 * tenth):
            gc.collect()
            resident.append(_resident())

    flags = RecordFlags()
    collector = Collector(
        source,
        RecordStore(),
        cache=CandleCache(1 << 18),
        flags=flags,
        guard=Guard(flags, rules(RULES)),
        on_progress=watch,
    )
    request = CandleRequest(market, "1m", count=candles, before=as_datetime(END))
    began, cpu = time.perf_counter(), time.process_time()
    outcome = collector.collect(request, as_of=as_datetime(NOW))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {
        "chunks": outcome.progress.chunks,
        "seconds": seconds - spent[0],
        "cpu": cpu - spent[0],
        "growth": resident[-1] / resident[0] - 1,
        "eta_error": outcome.eta_error,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _resident() -> int:
    """Kilobytes of memory of this process's own: mapped pages of the database file are not."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


def states() -> dict[str, float]:
    """Bytes of a chunk's state: in memory, and as a row of the record with its index."""
    count = CandleChunk.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
        before = _pages()
        CandleChunk.objects.all()._raw_delete("default")
        cursor.execute("VACUUM")
        row = (before - _pages()) / count
    tracemalloc.start()
    before_states = tracemalloc.get_traced_memory()[0]
    kept = [_state(1_000_000 + number) for number in range(STATES)]
    each = (tracemalloc.get_traced_memory()[0] - before_states) / len(kept)
    tracemalloc.stop()
    return {"row": row, "memory": each}


def _state(n: int) -> ChunkState:
    """One whose numbers Python does not share."""
    counts = (n + 3, n + 4, n + 5, n + 6, n + 7)
    return ChunkState(n, n + 1, n + 2, Overlap.NONE, *counts, n / 2, n / 3, n / 5, n / 6, n / 7, n + 8, n + 9)


def _pages() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        pages = int(cursor.fetchone()[0])
        cursor.execute("PRAGMA page_size")
        return pages * int(cursor.fetchone()[0])


def faults(*, kinds: list[str], rate: float, collections: int) -> dict[str, dict[str, int]]:
    """For each kind of fault many small collections from an exchange that has it: how they ended, and whether those
    that did not recover by themselves were completed by the same request on a healthy exchange."""
    book = {"KRW-BTC": generated(END - 2 * SLOTS * 60, 2 * SLOTS, density=0.9)}
    with UpbitExchange(book, per_second=100_000, clock=lambda: float(NOW), hang=0.06) as exchange:
        return {kind: dict(_ends(exchange, book["KRW-BTC"], kind, rate, collections)) for kind in kinds}


def _ends(exchange: UpbitExchange, book: list[Tick], kind: str, rate: float, collections: int) -> Counter[str]:
    ended: Counter[str] = Counter()
    for number in range(collections):
        exchange.faults = Faults({kind: rate}, seed=number)
        for table in ("candles_candlecoverage", "candles_candle"):
            with connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608
        before = as_datetime(END - 60 * (number % 50))
        request = CandleRequest("KRW-BTC", "1m", count=SLOTS, before=before)
        store, source = RecordStore(), _source(exchange.url)
        collector = Collector(source, store, pause=lambda seconds: None)
        outcome = collector.collect(request, as_of=as_datetime(NOW))
        ended[outcome.status] += 1
        ended["hit"] += sum(exchange.faults.hit.values())
        if outcome.status is not CollectionStatus.DONE:
            exchange.faults = Faults()
            again = Collector(source, store).collect(request, as_of=as_datetime(NOW))
            ended["resumed"] += again.status is CollectionStatus.DONE
        series, wanted = outcome.collection.series, outcome.collection.request.interval
        served = [tick.opened for tick in book if wanted.start <= tick.opened < wanted.end]
        ended["whole"] += store.openings(series, wanted).tolist() == served
        source.close()
    return ended


def _source(url: str) -> Any:
    """A source that waits in a time of its own."""
    time_ = Virtual()
    limiter = Limiter(ProcessRateLimits(time_.clock), pause=time_.pause, clock=time_.clock)
    http = HttpClient(
        limiter=limiter,
        retry=RetryPolicy(),
        timeouts=Timeouts(read=0.03),
        breaker=lambda: CircuitBreaker(threshold=10, rest=30.0, clock=time_.clock),
        clock=time_.clock,
        pause=time_.pause,
        wall_clock=lambda: float(NOW),
    )
    return upbit.source(http, base_url=url, per_second=100_000)
