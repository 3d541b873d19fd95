"""The collector against an exchange without a network: its calls, its records and its messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.candles.collector import coverage as covered
from marketdata.candles.collector.cache import CandleCache, Series
from marketdata.candles.collector.collections import CollectionStatus, StopReason
from marketdata.candles.collector.features import Feature
from marketdata.candles.collector.overlap import Overlap
from marketdata.candles.collector.patterns import Pattern
from marketdata.candles.collector.planner import RequestError
from marketdata.candles.collector.timeframes import Grid, Interval, as_datetime, get_timeframe
from marketdata.feature_guard import Guard, MemoryFlags, Rollback, Rule, Worse
from marketdata.sources.base import (
    CandlePage,
    SourceCalendar,
)
from tests.marketdata.candles.collector.minute_market import (
    END,
    NOW,
    SERIES,
    collect,
    minutes,
    recorded,
)
from tests.marketdata.candles.collector.stores import ListSource, MemoryStore, SqliteStore

# --- ranges, counts, repeats --------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 40, 199, 200, 201, 450])
def test_count_before_a_time_brings_that_many_and_a_repeat_makes_no_call(count: int) -> None:
    """Defect 1: 1 -> 0, 200 -> 199, 450 -> 449 rows."""
    source, store = ListSource(minutes(1000), now=NOW), MemoryStore()
    outcome = collect(source, store, count=count, before=as_datetime(END))
    assert recorded(store) == sorted(minutes(count))
    assert (outcome.status, outcome.reason) == (CollectionStatus.DONE, StopReason.COUNT)
    assert [rows for _, rows in source.requests] == [200] * (count // 200) + [count % 200] * (count % 200 > 0)
    before = len(source.requests)
    collect(source, store, count=count, before=as_datetime(END))
    assert len(source.requests) == before


slot_sets = st.sets(st.integers(0, 400), max_size=400)
ranges = st.tuples(st.integers(0, 399), st.integers(1, 250))


@settings(max_examples=60, deadline=None)
@given(slot_sets, st.lists(ranges, min_size=1, max_size=5), st.booleans())
def test_any_collections_leave_exactly_the_market_and_repeat_without_a_call(
    traded: set[int], requests: list[tuple[int, int]], adaptive: bool
) -> None:
    """Rows, coverage and calls against plain sets of slots, whatever was collected before."""
    start = END - 400 * 60
    source = ListSource([start + 60 * slot for slot in traded], now=NOW)
    source.page_limit = 20
    store, flags = MemoryStore(), MemoryFlags(() if adaptive else tuple(Feature))
    wanted: set[int] = set()
    for first, length in requests:
        last = min(400, first + length)
        wanted |= set(range(first, last))
        request = {"start": as_datetime(start + 60 * first), "end": as_datetime(start + 60 * last)}
        collect(source, store, **request, options={"flags": flags})
        if set(range(last)) & traded:  # else what is empty waits for a later answer
            calls = len(source.requests)
            collect(source, store, **request, options={"flags": flags})
            assert len(source.requests) == calls
        source.now += 120
        collect(source, store, **request, options={"flags": flags})
        calls = len(source.requests)
        collect(source, store, **request, options={"flags": flags})
        assert len(source.requests) == calls
    rows = {(opened - start) // 60 for opened in recorded(store)}
    assert rows == wanted & traded
    verified = {(s - start) // 60 for a, b in store.covered.get(SERIES, ()) for s in range(a, b, 60)}
    first_trade = min(traded, default=401)
    assert wanted - verified <= set(range(first_trade))
    assert all(count <= 20 for _, count in source.requests)


def test_a_range_returns_nothing_older_than_its_start_when_its_newest_slots_are_empty() -> None:
    """Defect 2: from-start returned rows older than the start when the newest slots had no trades."""
    source, store = ListSource(minutes(500, END - 1800), now=NOW), MemoryStore()
    collect(source, store, start=as_datetime(END - 3600))
    assert recorded(store) == sorted(minutes(30, END - 1800))


def test_leading_slots_without_trades_are_requested_once() -> None:
    """Defect 8: they were requested again on every repeat and left the count short (40 of 45)."""
    traded = [*minutes(40), *minutes(300, END - 45 * 60)]
    source, store = ListSource(traded, now=NOW), MemoryStore()
    outcome = collect(source, store, count=45, before=as_datetime(END))
    assert len(source.requests) == 1
    assert outcome.progress.slots_done == 45
    collect(source, store, count=45, before=as_datetime(END))
    assert len(source.requests) == 1


def test_at_the_listing_date_one_call_finds_the_start_of_history() -> None:
    """Defect 9: 150 candles cost 5 calls, 4 of them empty."""
    source, store = ListSource(minutes(150), now=NOW), MemoryStore()
    outcome = collect(source, store, count=1000, before=as_datetime(END))
    assert len(source.requests) == 1
    assert (outcome.status, outcome.reason) == (CollectionStatus.DONE, StopReason.HISTORY_START)
    assert len(recorded(store)) == 150
    assert store.first[SERIES] == END - 150 * 60
    collect(source, store, start=as_datetime(END - 86_400 * 30), end=as_datetime(END))
    assert len(source.requests) == 1


def test_an_empty_market_ends_in_a_clear_state_and_makes_no_further_call() -> None:
    """Defect 9: an empty market raised an internal error."""
    source, store = ListSource([], now=NOW), MemoryStore()
    outcome = collect(source, store, count=300, before=as_datetime(END))
    assert (outcome.status, outcome.reason) == (CollectionStatus.DONE, StopReason.HISTORY_START)
    assert (store.first, store.covered.get(SERIES, ())) == ({}, ())
    source.now += 60  # a later run is answered the same
    collect(source, store, count=300, before=as_datetime(END))
    assert store.covered[SERIES] == (Interval(END - 300 * 60, END),)
    calls = len(source.requests)
    collect(source, store, count=300, before=as_datetime(END))
    assert len(source.requests) == calls


def test_seconds_have_a_horizon_that_moves_and_is_not_remembered() -> None:
    calendar = SourceCalendar(seconds_horizon=timedelta(hours=1))
    late = NOW - 900  # seconds long enough ago that nothing comes late any more
    source = ListSource(list(range(late - 100, late)), now=NOW, calendar=calendar, slot=1)
    store, series = MemoryStore(), Series("upbit", "KRW-BTC", Grid(get_timeframe("1s")))
    outcome = collect(source, store, timeframe="1s", start=as_datetime(NOW - 86_400), end=as_datetime(late))
    assert outcome.reason is StopReason.HISTORY_START
    assert store.first == {}
    assert len(recorded(store, series)) == 100
    calls = len(source.requests)
    collect(source, store, timeframe="1s", start=as_datetime(NOW - 86_400), end=as_datetime(late))
    assert len(source.requests) == calls


def test_slots_are_counted_not_rows_and_gaps_at_chunk_borders_stay() -> None:
    """Defect 10: gaps that straddle a chunk border were lost; 200,000 requested, 199,616 rows."""
    missing = {END - 60 * n for n in (*range(195, 206), 400, 401, 777)}
    source = ListSource([m for m in minutes(3000) if m not in missing], now=NOW)
    store = MemoryStore()
    outcome = collect(source, store, count=2000, before=as_datetime(END))
    assert outcome.progress.slots_done == 2000
    assert store.covered[SERIES] == (Interval(END - 2000 * 60, END),)
    assert recorded(store) == sorted(m for m in minutes(2000) if m not in missing)
    assert outcome.pattern is Pattern.DENSE


@pytest.mark.parametrize(("name", "slots"), [("1w", 30), ("1mo", 14), ("1y", 5)])
def test_long_timeframes_are_collected_on_their_own_slots(name: str, slots: int) -> None:
    grid = Grid(get_timeframe(name))
    openings = [grid.opening(grid.index(END) - n) for n in range(slots + 10)]
    source, store = ListSource(openings, now=NOW, slot=86_400), MemoryStore()
    outcome = collect(source, store, timeframe=name, count=slots, before=as_datetime(END))
    # `to` lies inside the newest slot, so that slot is one of them, and is still forming
    assert len(recorded(store, Series("upbit", "KRW-BTC", grid))) == slots
    assert outcome.status is CollectionStatus.DONE


# --- the forming candle -------------------------------------------------------------------------------


def test_a_forming_candle_is_replaced_until_it_closes_and_never_verified() -> None:
    """Defect 7: insert-or-ignore froze the forming candle at its first value."""
    source, store = ListSource(minutes(101, NOW // 60 * 60 + 120), now=NOW), MemoryStore()
    opened = NOW // 60 * 60
    closes = []
    for later in (0, 10, 20, 45):
        source.now = NOW + later
        collect(source, store, count=5)
        closes.append(store.rows[SERIES][opened][4])
    assert closes[:3] == [float((NOW + later) % 997 + 1) for later in (0, 10, 20)]
    assert closes[3] == opened % 997 + 1.0  # closed by then, and final
    assert store.covered[SERIES][-1].end >= opened + 60
    calls = len(source.requests)
    collect(source, store, start=as_datetime(opened), end=as_datetime(opened + 60))
    assert len(source.requests) == calls


def test_a_clock_that_is_behind_verifies_less() -> None:
    def behind(number: int, page: CandlePage) -> CandlePage:
        return replace(page, answered_at=page.answered_at - 600)

    source, store = ListSource(minutes(100, NOW // 60 * 60), now=NOW, spoil=behind), MemoryStore()
    collect(source, store, count=50, forming=False)
    assert store.covered[SERIES][-1].end == (NOW - 600) // 60 * 60


# --- optimisations ------------------------------------------------------------------------------------


def test_a_page_of_a_sparse_market_proves_all_that_it_reaches() -> None:
    traded, older = minutes(20_000)[::10], minutes(300, END - 6_000_000)
    calls = {}
    for name, off in (("on", ()), ("off", (Feature.ADAPTIVE_WINDOW,))):
        source, store = ListSource([*traded, *older], now=NOW), MemoryStore()
        flags = {"options": {"flags": MemoryFlags(off)}}
        collect(source, store, count=20_000, before=as_datetime(END), **flags)
        assert recorded(store) == sorted(traded)
        calls[name] = len(source.requests)
        assert max(count for _, count in source.requests) == 200
    # 2,000 rows on pages of 200; from the second page on one of them is a recorded candle
    assert calls == {"on": 11, "off": 11}


def test_labels_of_chunks_and_what_they_ask_for() -> None:
    source, store = ListSource(minutes(900), now=NOW), MemoryStore()
    store.covered[SERIES] = covered.merge([
        Interval(END - 60 * 10, END),  # the newer end of the first chunk
        Interval(END - 60 * 400, END - 60 * 300),  # the older end of the second
        Interval(END - 60 * 520, END - 60 * 510),  # a fragment of the third
    ])  # fmt: skip
    collect(source, store, count=600, before=as_datetime(END))
    assert [(chunk.label, chunk.slots_asked) for chunk in store.chunks] == [
        (Overlap.PARTIAL_START, 190),
        (Overlap.PARTIAL_MIDDLE_CONTINUOUS, 100),
        (Overlap.PARTIAL_MIDDLE_FRAGMENT, 200),
    ]
    assert store.covered[SERIES] == (Interval(END - 600 * 60, END),)


def test_a_cache_saves_reading_the_record_and_is_counted() -> None:
    source, store, cache = ListSource(minutes(900), now=NOW), MemoryStore(), CandleCache(1 << 22)
    options = {"options": {"cache": cache}}
    collect(source, store, start=as_datetime(END - 24_000), end=as_datetime(END), **options)
    calls = len(source.requests)
    reads = store.coverage

    def no_read(series: Series, window: Interval) -> covered.Coverage:
        raise AssertionError("the record was read")

    store.coverage = no_read  # type: ignore[method-assign]
    collect(source, store, start=as_datetime(END - 24_000), end=as_datetime(END), **options)
    store.coverage = reads  # type: ignore[method-assign]
    assert len(source.requests) == calls
    collect(source, store, start=as_datetime(END - 48_000), end=as_datetime(END), **options)
    assert store.chunks[-2].cache_hits == 2


@pytest.mark.parametrize(("worse", "fine", "harmful"), [(Worse.HIGHER, 1.19, 1.21), (Worse.LOWER, 0.81, 0.79)])
def test_the_guard_turns_a_feature_off_past_a_fifth_over_a_window(
    worse: Worse, fine: float, harmful: float, caplog: pytest.LogCaptureFixture
) -> None:
    flags = MemoryFlags()
    guard = Guard(flags, [Rule(Feature.LOOK_AHEAD, "metric", 1.0, worse, window=5)])
    for _ in range(20):
        guard.observe("metric", fine)
    for _ in range(20):
        guard.observe("another", harmful)
    assert flags.enabled(Feature.LOOK_AHEAD)
    for _ in range(5):
        guard.observe("metric", harmful)
    assert not flags.enabled(Feature.LOOK_AHEAD)
    (rollback,) = flags.rollbacks
    assert isinstance(rollback, Rollback)
    assert "look_ahead was turned off: metric" in caplog.text


def test_progress_is_derived_and_the_estimate_holds() -> None:
    clock = {"now": 0.0}

    def tick(number: int, page: CandlePage) -> CandlePage:
        clock["now"] += 0.1 + 0.01 * (number % 3)
        return page

    source, store = ListSource(minutes(25_000), now=NOW, spoil=tick), MemoryStore()
    seen: list[float] = []
    options = {
        "seconds": lambda: clock["now"],
        "on_progress": lambda progress, chunk: seen.append(progress.ratio),
    }
    outcome = collect(source, store, count=20_000, before=as_datetime(END), options=options)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert outcome.eta_error is not None
    assert outcome.eta_error < 0.10
    assert outcome.progress.calls == 100 + 2  # a survey: the listing, and one sample


def test_rows_of_the_record_are_read_back_as_they_were(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "record.sqlite3")
    collect(ListSource(minutes(300), now=NOW), store, count=250, before=as_datetime(END))
    back = store.candles(SERIES, Interval(END - 250 * 60, END))
    np.testing.assert_array_equal(back.opened, sorted(minutes(250)))
    states = store.db.execute("select sum(rows), count(*), min(seconds_store) from chunk").fetchone()
    assert states[:2] == (250, 2)
    assert states[2] > 0
    assert store.db.execute("select status, reason from collection").fetchall() == [("done", "count")]


def test_as_of_decides_what_is_the_future() -> None:
    source, store = ListSource(minutes(5), now=NOW), MemoryStore()
    with pytest.raises(RequestError, match="future"):
        collect(source, store, start=as_datetime(NOW + 60))
    assert isinstance(as_datetime(NOW), datetime)
    assert store.collections == {}
