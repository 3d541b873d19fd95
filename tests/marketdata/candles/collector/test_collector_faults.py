"""The collector against faults: refused requests, wrong answers, collections that end early, crashes of the process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from marketdata.candles.collector.collections import CollectionStatus, StopReason
from marketdata.candles.collector.collector import StuckError
from marketdata.candles.collector.planner import RequestError
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.sources.base import (
    CandlePage,
    Candles,
    SourceChanged,
    SourceRefused,
    SourceUnavailable,
)
from tests.marketdata.candles.collector.minute_market import (
    END,
    NOW,
    SERIES,
    Killed,
    collect,
    minutes,
    nothing,
    recorded,
)
from tests.marketdata.candles.collector.stores import ListSource, MemoryStore, SqliteStore


def test_an_invalid_request_stores_nothing() -> None:
    source, store = ListSource(minutes(5), now=NOW), MemoryStore()
    source.timeframes = frozenset({"1m"})
    with pytest.raises(RequestError, match="use one of 1m"):
        collect(source, store, timeframe="1d", count=3)
    with pytest.raises(RequestError, match="at least 1"):
        collect(source, store, count=0)

    def unknown(number: int, page: CandlePage) -> CandlePage:
        raise SourceRefused("Upbit does not know this market.")

    refusing = ListSource([], now=NOW, spoil=unknown)
    with pytest.raises(RequestError, match="does not know this market"):
        collect(refusing, store, count=3)
    assert (store.collections, store.rows, store.chunks) == ({}, {}, [])


def test_an_error_of_the_record_is_not_taken_for_no_data() -> None:
    """Defect 11: a read error in the record was taken for "no data"."""
    source, store = ListSource(minutes(500), now=NOW), MemoryStore()
    store.broken = OSError("disk I/O error")
    with pytest.raises(OSError, match="disk"):
        collect(source, store, count=300, before=as_datetime(END))
    assert source.requests == []
    (state,) = store.collections.values()
    assert state == (CollectionStatus.FAILED, StopReason.ERROR, "disk I/O error")


def test_a_source_that_does_not_move_back_stops_with_an_error() -> None:
    def deaf(number: int, page: CandlePage) -> CandlePage:
        fresh = Candles.of_rows([(NOW + 60 * n, 1, 1, 1, 1, 1, 1, 0) for n in range(200)])
        return replace(page, candles=fresh, received=200)

    store = MemoryStore()
    with pytest.raises(StuckError, match="would not move back"):
        collect(ListSource(minutes(500), now=NOW, spoil=deaf), store, count=300, before=as_datetime(END))
    assert recorded(store) == []
    assert store.covered.get(SERIES, ()) == ()


def test_candles_off_the_sources_grid_are_a_change_not_data() -> None:
    source, store = ListSource([m + 7 for m in minutes(500)], now=NOW), MemoryStore()
    outcome = collect(source, store, count=30, before=as_datetime(END))
    assert (outcome.status, recorded(store)) == (CollectionStatus.FAILED, [])
    assert "openings of 1m" in outcome.error


def test_an_empty_answer_is_not_credible_at_once_nor_against_the_record() -> None:
    lost = {2, 3}
    source = ListSource(minutes(900), now=NOW, spoil=lambda n, page: nothing(page) if n in lost else page)
    store = MemoryStore()
    collect(source, store, count=600, before=as_datetime(END))
    assert recorded(store) == sorted(minutes(600))
    assert store.first == {}

    # Older candles are recorded: no number of empty answers makes this the start of history.
    store, source = MemoryStore(), ListSource(minutes(900), now=NOW)
    collect(source, store, start=as_datetime(END - 54_000), end=as_datetime(END - 48_000))
    liar = ListSource(minutes(900), now=NOW, spoil=lambda n, page: nothing(page))
    outcome = collect(liar, store, start=as_datetime(END - 54_000), end=as_datetime(END))
    assert (outcome.status, store.first) == (CollectionStatus.STOPPED, {})
    assert "older candles are recorded" in outcome.error
    collect(source, store, start=as_datetime(END - 54_000), end=as_datetime(END))
    assert recorded(store) == sorted(minutes(900))


def test_candles_that_came_twice_hide_none() -> None:
    def twice(number: int, page: CandlePage) -> CandlePage:
        if number != 2:
            return page
        short = Candles(*(column[1:] for column in page.candles.columns))  # type: ignore[arg-type]
        return replace(page, candles=short, repeated=1)

    source, store = ListSource(minutes(900), now=NOW, spoil=twice), MemoryStore()
    collect(source, store, count=600, before=as_datetime(END))
    assert recorded(store) == sorted(minutes(600))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SourceUnavailable("banned", retry_after=9999.0), CollectionStatus.STOPPED),
        (SourceUnavailable("gone"), CollectionStatus.STOPPED),
        (SourceChanged("new", expected="a", actual="b"), CollectionStatus.FAILED),
        (SourceRefused("no"), CollectionStatus.FAILED),
    ],
)
def test_a_collection_that_ends_early_says_why_and_is_taken_up_again(
    error: Exception, status: CollectionStatus
) -> None:
    def fails(number: int, page: CandlePage) -> CandlePage:
        if number >= 3:
            raise error
        return page

    store = MemoryStore()
    outcome = collect(ListSource(minutes(900), now=NOW, spoil=fails), store, count=600, before=as_datetime(END))
    assert (outcome.status, outcome.reason, outcome.error) == (status, StopReason.ERROR, str(error))
    assert outcome.progress.slots_done == 400
    assert recorded(store) == sorted(minutes(400))
    healthy = ListSource(minutes(900), now=NOW)
    assert collect(healthy, store, count=600, before=as_datetime(END)).status is CollectionStatus.DONE
    assert len(healthy.requests) == 1


@pytest.mark.parametrize("step", ["candles", "coverage", "listed", "state", "commit", "committed"])
def test_a_crash_at_any_step_of_a_chunk_loses_nothing_and_doubles_nothing(tmp_path: Path, step: str) -> None:
    traded = [m for n, m in enumerate(minutes(700)) if n % 7]
    whole = SqliteStore(tmp_path / "whole.sqlite3")
    collect(ListSource(traded, now=NOW), whole, count=650, before=as_datetime(END))

    path, left = tmp_path / "crashed.sqlite3", {"steps": 1}

    def kill(name: str) -> None:
        if name == step:
            left["steps"] -= 1
            if left["steps"] < 0:
                left["steps"] = 1
                raise Killed

    for _ in range(20):
        store = SqliteStore(path, kill)
        try:
            collect(ListSource(traded, now=NOW), store, count=650, before=as_datetime(END))
            break
        except Killed:
            store.db.close()
    store = SqliteStore(path)
    assert store.content() == whole.content()
    repeat = ListSource(traded, now=NOW)
    collect(repeat, store, count=650, before=as_datetime(END))
    assert repeat.requests == []
