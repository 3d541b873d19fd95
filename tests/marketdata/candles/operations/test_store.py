"""The record as the collector's store: equal to a store of plain dictionaries, whole or not at all, never mixed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketdata.candles import queries
from marketdata.candles.collector import coverage as covered
from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.collections import (
    ChunkState,
    ChunkWrite,
    Collection,
    CollectionStatus,
    History,
    StopReason,
)
from marketdata.candles.collector.overlap import Overlap
from marketdata.candles.collector.planner import CandleRequest, ResolvedRequest
from marketdata.candles.collector.progress import Progress
from marketdata.candles.collector.timeframes import Grid, Interval, as_datetime, get_timeframe
from marketdata.candles.models import (
    Candle,
    CandleChunk,
    CandleCollection,
    CandleCoverage,
    CandleSeries,
)
from marketdata.candles.operations import collect as candles
from marketdata.candles.operations.store import ABANDONED, RecordStore
from marketdata.candles.record import RecordedCandles
from marketdata.models import LeaseRow
from marketdata.operations.lease import Lease, LeaseLost, LeaseTaken
from marketdata.sources.base import CandlePage, Candles, SourceUnavailable
from tests.marketdata.candles.collector.minute_market import (
    END,
    NOW,
    SERIES,
    Killed,
    collect,
    minutes,
)
from tests.marketdata.candles.collector.stores import ListSource, MemoryStore

pytestmark = pytest.mark.django_db

MINUTES = Series("upbit", "KRW-BTC", Grid(get_timeframe("1m")))
MONTHS = Series("upbit", "KRW-BTC", Grid(get_timeframe("1mo")))
slots = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda p: Interval(*sorted(p)))


def write_of(series: Series, *, opened: int = 0, close: float = 1.0, verified: Interval | None = None) -> ChunkWrite:
    """A chunk of one candle (none where `close` is 0)."""
    wanted = ResolvedRequest(Interval(0, 3600), 3600, False)
    collection = Collection(RecordStore().open(series, wanted).number, series, wanted)
    state = ChunkState(CandleChunk.objects.count(), 0, 60, Overlap.NONE)
    rows = [(opened, close, close, close, close, 1.0, close, 5)] if close else []
    return ChunkWrite(collection, state, Candles.of_rows(rows), verified, None)


def recorded(series: Series) -> list[tuple[int, float]]:
    stored = RecordedCandles().candles(series, Interval(-(1 << 40), 1 << 40))
    return list(zip(stored.opened.tolist(), stored.close.tolist(), strict=True))


def all_coverage() -> list[tuple[int, int]]:
    return list(CandleCoverage.objects.order_by("start").values_list("start", "end"))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(st.integers(0, 200), max_size=200),
    st.lists(st.tuples(st.integers(0, 199), st.integers(1, 120)), min_size=1, max_size=4),
)
def test_any_collections_leave_what_a_store_of_dictionaries_has(
    traded: set[int], requests: list[tuple[int, int]]
) -> None:
    CandleSeries.objects.all().delete()
    start, here, there = END - 200 * 60, RecordStore(), MemoryStore()
    for first, length in requests:
        for store in (here, there):
            source = ListSource([start + 60 * slot for slot in traded], now=NOW)
            source.page_limit = 20
            last = min(200, first + length)
            collect(
                source,
                store,
                start=as_datetime(start + 60 * first),
                end=as_datetime(start + 60 * last),
            )
    wanted = Interval(start, END)
    own, theirs = here.candles(SERIES, wanted), there.candles(SERIES, wanted)
    for one, other in zip(own.columns, theirs.columns, strict=True):
        np.testing.assert_array_equal(one, other)
    assert tuple(all_coverage()) == there.covered.get(SERIES, ())
    assert here.history(SERIES) == there.history(SERIES)
    assert here.oldest(SERIES) == there.oldest(SERIES)
    assert CandleChunk.objects.count() == len(there.chunks)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(slots, max_size=8), slots)
def test_verified_intervals_are_merged_and_read_like_plain_sets(added: list[Interval], window: Interval) -> None:
    CandleSeries.objects.all().delete()
    store = RecordStore()
    for interval in added:
        if interval.start < interval.end:
            store.store_chunk(write_of(MINUTES, close=0, verified=interval))
    merged = covered.merge(added)
    assert tuple(all_coverage()) == merged
    touching = tuple(s for s in merged if s.start <= window.end and s.end >= window.start)
    assert store.coverage(MINUTES, window) == touching


def test_minutes_and_months_are_kept_apart() -> None:
    """Defect 5: tables named ..._1m and ..._1M were one table in SQLite."""
    store = RecordStore()
    store.store_chunk(write_of(MINUTES, close=1.0, verified=Interval(0, 60)))
    store.store_chunk(write_of(MONTHS, close=2.0, verified=Interval(0, 2_678_400)))
    assert recorded(MINUTES) == [(0, 1.0)]
    assert recorded(MONTHS) == [(0, 2.0)]
    assert store.coverage(MINUTES, Interval(0, 1 << 40)) == (Interval(0, 60),)


def test_a_forming_candle_is_replaced() -> None:
    """Defect 7: insert-or-ignore froze the forming candle at its first value."""
    store = RecordStore()
    for close in (1.0, 2.0, 3.0):
        store.store_chunk(write_of(MINUTES, close=close))
    assert recorded(MINUTES) == [(0, 3.0)]
    assert all_coverage() == []


@pytest.mark.parametrize("step", ["candles", "coverage", "listed", "state", "commit", "committed"])
def test_a_crash_at_any_step_of_a_chunk_loses_nothing_and_doubles_nothing(step: str) -> None:
    traded = [m for n, m in enumerate(minutes(700)) if n % 7]
    left = {"steps": 1}

    def kill(name: str) -> None:
        if name == step:
            left["steps"] -= 1
            if left["steps"] < 0:
                left["steps"] = 1
                raise Killed

    for _ in range(20):
        try:
            source = ListSource(traded, now=NOW)
            collect(source, RecordStore(kill), count=650, before=as_datetime(END))
            break
        except Killed:
            continue
    wanted = sorted(m for m in traded if m >= END - 650 * 60)
    assert [opened for opened, _ in recorded(SERIES)] == wanted
    assert all_coverage() == [(END - 650 * 60, END)]
    repeat = ListSource(traded, now=NOW)
    collect(repeat, RecordStore(), count=650, before=as_datetime(END))
    assert repeat.requests == []


def test_an_unfinished_collection_is_taken_up_under_its_number() -> None:
    store = RecordStore()
    one = store.open(MINUTES, ResolvedRequest(Interval(0, 600), 600, True))
    store.store_chunk(write_of(MINUTES))
    store.close(one, CollectionStatus.STOPPED, StopReason.ERROR, "x" * 900)
    assert CandleCollection.objects.get(pk=one.number).error == "x" * 500
    again = store.open(MINUTES, ResolvedRequest(Interval(0, 600), 600, True))
    assert (again.number, again.chunks) == (one.number, 0)
    store.close(again, CollectionStatus.DONE, StopReason.COUNT)
    assert store.open(MINUTES, ResolvedRequest(Interval(0, 600), 600, True)).number != one.number


def test_a_collection_of_a_dead_process_is_marked_as_stopped() -> None:
    store = RecordStore()
    number = store.open(MINUTES, ResolvedRequest(Interval(0, 600), 600, True)).number
    store.abandon(MINUTES)
    stored = CandleCollection.objects.get(pk=number)
    assert (stored.status, stored.reason, stored.error) == ("stopped", "error", ABANDONED)
    assert stored.ended_at is not None


def test_what_was_never_collected_leaves_nothing_behind() -> None:
    store = RecordStore()
    empty = store.open(MINUTES, ResolvedRequest(Interval(0, 600), 600, True))
    assert store.discard(empty)
    assert not CandleSeries.objects.exists()
    write = write_of(MINUTES)
    store.store_chunk(write)
    assert not store.discard(write.collection)
    assert recorded(MINUTES) == [(0, 1.0)]


def test_a_candle_is_kept_once_on_sqlite() -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [Candle._meta.db_table])
            assert cursor.fetchone()[0].endswith("WITHOUT ROWID")


@pytest.mark.django_db(transaction=True)
def test_two_writers_of_one_series_leave_whole_coverage() -> None:
    """Both add every second interval at the same time; merging reads what the other has written."""
    RecordStore().ensure_series(MINUTES)
    together = threading.Barrier(2)
    writes = [
        [write_of(MINUTES, close=0, verified=Interval(60 * n, 60 * n + 60)) for n in range(first, 40, 2)]
        for first in (0, 1)
    ]  # fmt: skip
    for number, write in enumerate(write for own in writes for write in own):
        write.state.number = number

    def add(own: list[ChunkWrite]) -> None:
        store = RecordStore()
        together.wait()
        try:
            for write in own:
                store.store_chunk(write)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(add, own) for own in writes]:
            done.result()
    assert all_coverage() == [(0, 2400)]


def test_a_second_collection_of_a_series_is_refused_until_the_first_has_ended() -> None:
    source = ListSource(minutes(50), now=NOW)
    request = CandleRequest("KRW-BTC", "1m", count=50, before=as_datetime(END))
    with (
        Lease("collection of Upbit KRW-BTC 1m"),
        pytest.raises(LeaseTaken, match="The collection of Upbit KRW-BTC 1m is at work in another"),
    ):
        candles.collect(source=source, request=request, as_of=as_datetime(NOW))
    assert not CandleSeries.objects.exists()
    with Lease("collection of Upbit KRW-ETH 1m"):
        done = candles.collect(source=source, request=request, as_of=as_datetime(NOW))
    assert done.outcome.status == CollectionStatus.DONE


def test_a_collection_that_was_taken_over_records_nothing_more() -> None:
    def taken_over(progress: Progress, chunk: ChunkState) -> None:
        LeaseRow.objects.update(fence="of another process")

    source = ListSource(minutes(500), now=NOW)
    request = CandleRequest("KRW-BTC", "1m", count=500, before=as_datetime(END))
    with pytest.raises(LeaseLost):
        candles.collect(source=source, request=request, as_of=as_datetime(NOW), on_progress=taken_over)
    assert Candle.objects.count() == 200  # the first page


@pytest.mark.parametrize(
    ("covered_", "left"),
    [
        ([(0, 100)], [(40, 100)]),
        ([(0, 20), (30, 40), (50, 60)], [(50, 60)]),
        ([(40, 60)], [(40, 60)]),
        ([(0, 30)], []),
    ],
)
def test_a_start_of_history_is_taken_back_with_what_was_verified_before_it(
    covered_: list[tuple[int, int]], left: list[tuple[int, int]]
) -> None:
    store, claim = RecordStore(), History(40, 7)
    for interval in covered_:
        store.store_chunk(write_of(MINUTES, close=0, verified=Interval(*interval)))
        store.store_chunk(write_of(MONTHS, close=0, verified=Interval(*interval)))
    store.store_chunk(replace(write_of(MINUTES, close=0), history=claim))
    assert store.history(MINUTES) == claim
    assert store.listed(MINUTES) == 40
    store.store_chunk(replace(write_of(MINUTES, close=0), history=History(), withdrawn=40))
    assert store.history(MINUTES) == History()
    own = CandleCoverage.objects.filter(series__timeframe="1m").order_by("start")
    assert list(own.values_list("start", "end")) == left
    others = CandleCoverage.objects.filter(series__timeframe="1mo").order_by("start")
    assert list(others.values_list("start", "end")) == covered_


def test_calls_of_what_could_not_be_stored_are_kept_with_the_collection() -> None:
    def dies(number: int, page: CandlePage) -> CandlePage:
        if number > 1:
            raise SourceUnavailable("gone", retry_after=9999.0, attempts=6)
        return page

    for again in (1, 2):
        source = ListSource(minutes(900), now=NOW, spoil=dies)
        request = CandleRequest("KRW-BTC", "1m", count=600 * again, before=as_datetime(END))
        candles.collect(source=source, request=request, as_of=as_datetime(NOW))
    stored = queries.collections()
    assert [row.calls_sum for row in stored] == [1 + 6, 1 + 6]  # type: ignore[attr-defined]
