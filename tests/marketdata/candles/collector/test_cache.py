from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.candles.collector.cache import CandleCache, Series, Strategy
from marketdata.candles.collector.timeframes import Grid, Interval, get_timeframe
from marketdata.sources.base import Candles

SERIES = Series("upbit", "KRW-BTC", Grid(get_timeframe("1s")))
OTHER = Series("upbit", "KRW-ETH", Grid(get_timeframe("1s")))


class Clock:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def candles(slots: list[int], price: float = 1.0) -> Candles:
    return Candles.of_rows((slot, price, price, price, price, 1.0, price, 0) for slot in slots)


intervals = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda p: Interval(*sorted(p)))


@given(
    st.lists(intervals, max_size=10),
    st.sets(st.integers(0, 50)),
    intervals,
)
def test_chunks_that_touch_overlap_nest_and_leave_holes_equal_a_set_of_slots(
    puts: list[Interval], traded: set[int], interval: Interval
) -> None:
    cache = CandleCache(1 << 20)
    newest: dict[int, float] = {}
    cached: set[int] = set()
    for number, chunk in enumerate(puts):
        own = [slot for slot in range(*chunk) if slot in traded]
        cache.put(SERIES, chunk, candles(own, float(number)))
        cached |= set(range(*chunk))
        newest |= dict.fromkeys(own, float(number))

    wanted = set(range(*interval))
    coverage = cache.coverage(SERIES, *interval)
    assert {slot for a, b in coverage.missing for slot in range(a, b)} == wanted - cached
    assert coverage.ratio == pytest.approx(len(wanted & cached) / len(wanted) if wanted else 1.0)
    kinds = {True: Strategy.FULL, False: Strategy.PARTIAL if wanted & cached else Strategy.NONE}
    assert coverage.strategy is kinds[wanted <= cached]

    got = cache.get(SERIES, *interval)
    if not wanted <= cached:
        assert got is None
    else:
        assert got is not None
        slots = sorted(wanted & traded)
        assert got.opened.tolist() == slots
        assert got.close.tolist() == [newest[slot] for slot in slots]
    stats = cache.stats()
    assert (stats.hits, stats.misses) == ((1, 0) if wanted <= cached else (0, 1))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40)), max_size=30))
def test_the_bound_in_bytes_is_never_passed_and_the_least_used_goes_first(
    puts: list[tuple[int, int]],
) -> None:
    bound = 12_000
    cache = CandleCache(bound)
    for start, length in puts:
        kept = cache.put(SERIES, Interval(start, start + length), candles(list(range(start, start + length))))
        assert cache.stats().bytes <= bound
        if kept:
            assert cache.coverage(SERIES, start, start + length).strategy is Strategy.FULL


def test_the_bytes_counted_are_the_bytes_in_memory() -> None:
    blocks = [candles(list(range(n * 200, n * 200 + 200))) for n in range(200)]
    cache = CandleCache(1 << 30)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number, block in enumerate(blocks):
        cache.put(SERIES, Interval(number * 200, number * 200 + 200), block)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert cache.stats().bytes == pytest.approx(grown, rel=0.1)


def test_a_full_cache_keeps_nothing_of_what_passed_through_it() -> None:
    cache = CandleCache(20_000)

    def pass_through(first: int, last: int) -> None:
        for slot in range(first, last):
            cache.put(SERIES, Interval(slot, slot + 1), candles([slot]))

    pass_through(0, 500)
    tracemalloc.start()
    cached = tracemalloc.get_traced_memory()[0]
    pass_through(500, 5500)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - cached
    tracemalloc.stop()
    assert cache.stats().evicted > 5000
    assert grown < 60_000  # what the cache holds has been exchanged for what is counted


def test_a_slice_of_a_page_does_not_keep_the_page_alive() -> None:
    page = candles(list(range(10_000)))
    cache = CandleCache(1 << 20)
    cache.put(SERIES, Interval(0, 10), page.between(0, 10))
    got = cache.get(SERIES, 0, 10)
    assert got is not None
    assert not np.shares_memory(got.opened, page.opened)


def test_a_chunk_used_lately_outlives_one_that_was_not() -> None:
    one = candles(list(range(50)))
    probe = CandleCache(1 << 20)
    probe.put(SERIES, Interval(0, 50), one)
    cache = CandleCache(int(probe.stats().bytes * 2.5))
    cache.put(SERIES, Interval(0, 50), one)
    cache.put(OTHER, Interval(0, 50), one)
    assert cache.get(SERIES, 0, 50) is not None
    cache.put(SERIES, Interval(100, 150), candles(list(range(100, 150))))
    assert cache.coverage(OTHER, 0, 50).strategy is Strategy.NONE
    assert cache.coverage(SERIES, 0, 50).strategy is Strategy.FULL
    assert cache.stats().evicted == 1


def test_what_is_old_is_gone_and_a_forming_candle_is_old_soon() -> None:
    clock = Clock()
    cache = CandleCache(1 << 20, ttl=60, forming_ttl=1, clock=clock)
    cache.put(SERIES, Interval(0, 10), candles([1, 2]))
    cache.put(SERIES, Interval(10, 11), candles([10]), forming=True)
    assert cache.get(SERIES, 0, 11) is not None
    clock.now = 1.0
    assert cache.coverage(SERIES, 0, 11).missing == (Interval(10, 11),)
    clock.now = 60.0
    assert cache.coverage(SERIES, 0, 11).strategy is Strategy.NONE
    assert cache.stats().bytes == 0
    assert cache.stats().expired == 2


def test_markets_and_timeframes_do_not_mix() -> None:
    cache = CandleCache(1 << 20)
    minutes = Series("upbit", "KRW-BTC", Grid(get_timeframe("1m")))
    cache.put(minutes, Interval(0, 600), candles([0, 60]))
    assert cache.get(SERIES, 0, 600) is None
    assert cache.get(Series("bithumb", "KRW-BTC", minutes.grid), 0, 600) is None
    cache.forget(minutes)
    assert cache.stats().chunks == 0


def test_what_does_not_fit_is_not_kept() -> None:
    cache = CandleCache(500)
    assert not cache.put(SERIES, Interval(0, 100), candles(list(range(100))))
    assert cache.stats().bytes == 0
    with pytest.raises(ValueError, match="at least 1"):
        CandleCache(0)
