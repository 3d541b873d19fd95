"""What an answer leaves out is no proof: late candles, empty answers, short ones, markets that sleep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from marketdata.candles.collector.collections import CollectionStatus, History
from marketdata.candles.collector.fetch import PAUSES
from marketdata.candles.collector.timeframes import Interval, as_datetime
from marketdata.candles.collector.verification import CONFIRMED_AFTER, SETTLING
from marketdata.sources.base import CandlePage, SourceUnavailable
from tests.marketdata.candles.collector.minute_market import (
    END,
    NOW,
    SERIES,
    collect,
    minutes,
    nothing,
    recorded,
)
from tests.marketdata.candles.collector.stores import ListSource, MemoryStore

OPEN = NOW // 60 * 60  # where the forming minute opened


def late_by(seconds: int, source: ListSource) -> Callable[[int, CandlePage], CandlePage]:
    """An exchange that publishes candles so long after they opened; its clock is right."""

    def spoil(number: int, page: CandlePage) -> CandlePage:
        there = page.candles.between(0, source.now - seconds)
        return replace(page, candles=there, received=page.received)

    return spoil


@pytest.mark.parametrize("seconds", [60, 180, 300, 540])
def test_candles_that_come_late_are_filled_in_by_the_next_run(seconds: int) -> None:
    source = ListSource(minutes(500, OPEN + 3600), now=NOW)
    source._spoil = late_by(seconds, source)
    store = MemoryStore()
    collect(source, store, start=as_datetime(NOW - 7200))
    newest = max(recorded(store))
    assert newest < OPEN - 1
    assert store.covered[SERIES][-1].end == newest  # which may still change itself
    source.now += 60
    source._spoil = lambda number, page: page
    collect(source, store, start=as_datetime(NOW - 7200))
    traded = sorted(minutes(500, OPEN + 3600))
    assert recorded(store) == [one for one in traded if NOW - 7200 <= one <= source.now]


def test_a_quiet_market_is_verified_once_nothing_can_come_late() -> None:
    source, store = ListSource(minutes(300, OPEN - 3600), now=NOW), MemoryStore()
    collect(source, store, start=as_datetime(NOW - 7200))
    assert store.covered[SERIES][-1].end == (NOW - SETTLING) // 60 * 60
    calls = len(source.requests)
    collect(source, store, start=as_datetime(NOW - 7200), end=as_datetime(NOW - SETTLING - 60))
    assert len(source.requests) == calls


def test_a_market_that_sleeps_costs_a_call_a_page() -> None:
    """200 rows in 2.4 million slots: one page holds them, one shows that nothing is older."""
    traded = [END - 60 * 12_000 * (n + 1) for n in range(200)]
    source, store = ListSource(traded, now=NOW), MemoryStore()
    start = as_datetime(END - 60 * 2_500_000)
    collect(source, store, start=start, end=as_datetime(END))
    assert recorded(store) == sorted(traded)
    assert store.covered[SERIES] == (Interval(END - 60 * 2_500_000, END),)
    assert len(source.requests) == 2
    collect(source, store, start=start, end=as_datetime(END))
    assert len(source.requests) == 2


@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_empty_answers_in_a_row_are_outlived(number: int, after: int) -> None:
    """The first pages of a market, or pages behind others, are empty by mistake: nothing is lost, no start is seen."""
    lost = range(after + 1, after + 1 + number)
    source = ListSource(minutes(900), now=NOW, spoil=lambda n, page: nothing(page) if n in lost else page)
    store = MemoryStore()
    outcome = collect(source, store, count=600, before=as_datetime(END))
    assert outcome.status is CollectionStatus.DONE
    assert recorded(store) == sorted(minutes(600))
    assert store.begins.get(SERIES, History()).first is None


def test_an_empty_page_is_requested_again_over_seconds() -> None:
    pauses: list[float] = []
    source, store = ListSource([], now=NOW), MemoryStore()
    collect(source, store, count=50, before=as_datetime(END), options={"pause": pauses.append})
    assert len(source.requests) == 1 + len(PAUSES)
    assert sum(pauses) == sum(PAUSES) >= 5


def test_a_run_of_empty_pages_proves_nothing() -> None:
    lying = True
    source = ListSource(minutes(900), now=NOW, spoil=lambda n, page: nothing(page) if lying else page)
    store = MemoryStore()
    collect(source, store, count=600, before=as_datetime(END))
    assert (store.covered.get(SERIES, ()), store.first) == ((), {})
    lying = False
    collect(source, store, count=600, before=as_datetime(END))
    assert recorded(store) == sorted(minutes(600))


def test_a_short_answer_that_was_wrong_is_taken_back() -> None:
    def cut(number: int, page: CandlePage) -> CandlePage:
        few = page.candles.between(END - 60 * 150, END)
        return replace(page, candles=few, received=len(few))

    store, wanted = MemoryStore(), {"start": as_datetime(END - 60 * 800), "end": as_datetime(END)}
    wrong = ListSource(minutes(2000), now=NOW, spoil=cut)
    collect(wrong, store, **wanted)
    assert store.first == {SERIES: END - 60 * 150}
    assert store.covered[SERIES] == (Interval(END - 60 * 800, END),)
    right = ListSource(minutes(2000), now=NOW + CONFIRMED_AFTER)
    collect(right, store, **wanted)
    assert recorded(store) == sorted(minutes(800))
    assert store.first == {}
    assert store.covered[SERIES] == (Interval(END - 60 * 800, END),)


def test_a_start_of_history_is_confirmed_once_and_then_left_alone() -> None:
    source, store = ListSource(minutes(150), now=NOW), MemoryStore()
    wanted = {"start": as_datetime(END - 60 * 800), "end": as_datetime(END)}
    collect(source, store, **wanted)
    assert store.begins[SERIES] == History(END - 60 * 150, NOW, confirmed=False)
    for calls in (2, 2, 2):
        source.now += CONFIRMED_AFTER
        collect(source, store, **wanted)
        assert len(source.requests) == calls
    assert store.begins[SERIES] == History(END - 60 * 150, NOW, confirmed=True)
    collect(source, store, start=as_datetime(END - 60 * 90_000), end=as_datetime(END))
    assert len(source.requests) == 2


def test_every_outage_is_waited_out_as_long_as_the_first() -> None:
    """Two outages of 60 s beside a patience of 70."""
    left = {"first": 2, "second": 2}

    def away(number: int, page: CandlePage) -> CandlePage:
        which = "first" if len(recorded(store)) == 0 else "second"
        if left[which]:
            left[which] -= 1
            raise SourceUnavailable("gone", retry_after=30.0, attempts=6)
        return page

    store = MemoryStore()
    source = ListSource(minutes(900), now=NOW, spoil=away)
    outcome = collect(source, store, count=400, before=as_datetime(END), options={"patience": 70.0})
    assert outcome.status is CollectionStatus.DONE
    assert outcome.progress.calls == 2 + 4 * 6


def test_calls_of_a_chunk_that_was_not_stored_are_reported() -> None:
    def dies(number: int, page: CandlePage) -> CandlePage:
        if number > 2:
            raise SourceUnavailable("gone", retry_after=9999.0, attempts=6)
        return page

    store = MemoryStore()
    outcome = collect(ListSource(minutes(900), now=NOW, spoil=dies), store, count=600, before=as_datetime(END))
    assert outcome.status is CollectionStatus.STOPPED
    assert outcome.progress.calls == 2 + 6
    assert store.lost_calls == 6
