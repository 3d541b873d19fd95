"""Requests, and the walk over chunks with an exchange that is a plain list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.candles.collector import coverage as covered
from marketdata.candles.collector.overlap import Overlap
from marketdata.candles.collector.planner import (
    CandleRequest,
    Chunk,
    RequestError,
    grid_for,
    next_chunk,
    preview,
    resolve,
    window_factor,
)
from marketdata.candles.collector.timeframes import Grid, Interval, as_datetime, get_timeframe, moment
from marketdata.sources.base import SourceCalendar
from tests.marketdata.candles.collector import naive

NOW = naive.utc("2025-09-10T12:34:56")
UPBIT = SourceCalendar(seconds_horizon=timedelta(days=90))
ONE_MINUTE = Grid(get_timeframe("1m"))


def wanted(**options: object) -> tuple[datetime, datetime, int]:
    """Start, end and slots of a request on KRW-BTC."""
    request = CandleRequest("KRW-BTC", **{"timeframe": "1m", **options})  # type: ignore[arg-type]
    resolved = resolve(request, calendar=UPBIT, as_of=NOW)
    grid = grid_for(request, UPBIT)
    start, end = map(as_datetime, resolved.interval)
    return start, end, resolved.slots(grid)


@pytest.mark.parametrize("count", [1, 200, 450])
def test_count_before_a_time_means_that_many_slots(count: int) -> None:
    """Defect 1: 1 -> 0, 200 -> 199, 450 -> 449."""
    before = naive.utc("2025-09-10T00:00:00")
    start, end, slots = wanted(count=count, before=before)
    assert (end, slots) == (before, count)
    assert start == before - timedelta(minutes=count)


def test_a_time_inside_a_slot_takes_that_slot_in_as_the_exchange_does() -> None:
    start, end, slots = wanted(count=2, before=naive.utc("2025-09-10T10:00:30"))
    assert (start, end, slots) == (
        naive.utc("2025-09-10T09:59:00"),
        naive.utc("2025-09-10T10:01:00"),
        2,
    )


def test_the_last_count_ends_with_the_forming_slot_or_before_it() -> None:
    assert wanted(count=3)[:2] == (
        naive.utc("2025-09-10T12:32:00"),
        naive.utc("2025-09-10T12:35:00"),
    )
    assert wanted(count=3, forming=False)[1] == naive.utc("2025-09-10T12:34:00")


@pytest.mark.parametrize("slots", [1, 2, 200, 201, 1000])
def test_a_range_has_exactly_its_slots(slots: int) -> None:
    """Defect 2: [start, end) planned one slot too many. Defect 11: ranges of one slot."""
    start = naive.utc("2025-09-01T00:00:00")
    assert wanted(start=start, end=start + timedelta(minutes=slots))[2] == slots


@pytest.mark.parametrize(
    ("name", "start", "end", "slots"),
    [
        ("1mo", "2023-12-01T00:00:00", "2025-03-01T00:00:00", 15),
        ("1mo", "2024-02-29T12:00:00", "2024-03-01T00:00:01", 1),
        ("1y", "2017-09-25T00:00:00", "2025-01-01T00:00:00", 7),
        ("1w", "2025-09-01T00:00:00", "2025-09-08T00:00:00", 1),
    ],
)
def test_months_years_and_weeks(name: str, start: str, end: str, slots: int) -> None:
    """Defect 4: months and years fell back to a full fetch."""
    assert wanted(timeframe=name, start=naive.utc(start), end=naive.utc(end))[2] == slots


def test_seconds_reach_back_to_their_horizon_only() -> None:
    start, _, _ = wanted(timeframe="1s", start=naive.utc("2025-01-01T00:00:00"))
    assert start == NOW - timedelta(days=90)
    whole = wanted(timeframe="1s", start=naive.utc("2025-01-01"), end=naive.utc("2025-01-02"))
    assert whole[2] == 0


FUTURE = NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"count": 1, "start": NOW}, "together"),
        ({"count": 1, "end": NOW}, "together"),
        ({"count": 0}, "at least 1"),
        ({"count": -5, "before": NOW}, "at least 1"),
        ({}, "Neither a count nor a start"),
        ({"end": NOW}, "end without a start"),
        ({"start": NOW, "before": NOW}, "goes with a count"),
        ({"start": NOW, "end": NOW - timedelta(minutes=1)}, "does not lie after"),
        ({"start": NOW, "end": NOW}, "does not lie after"),
        ({"start": FUTURE}, "future"),
        ({"start": NOW, "end": FUTURE}, "future"),
        ({"count": 3, "before": FUTURE}, "future"),
        ({"start": datetime(2025, 1, 1)}, "no time zone"),  # noqa: DTZ001
        ({"count": 1, "timeframe": "7m"}, "Unknown timeframe '7m'"),
        ({"count": 1, "timeframe": "1M"}, "1mo"),
        ({"count": 10_000, "timeframe": "1y"}, "before year 1"),
    ],
)
def test_what_cannot_be_collected_is_refused_in_one_sentence(given_: dict[str, object], says: str) -> None:
    with pytest.raises(RequestError, match=says) as refused:
        wanted(**given_)
    assert "\n" not in str(refused.value)


def slots_of(pieces: Iterable[Interval]) -> set[int]:
    return {slot for start, end in pieces for slot in range(start, end, 60)}


# --- the walk
# ---------------------------------------------------------------------------------------


def walk(grid: Grid, interval: Interval, recorded: covered.Coverage, page: int = 200, factor: int = 1) -> list[Chunk]:
    """All chunks of an exchange that answers each window in full."""
    cursor, chunks = interval.end, []
    while chunk := next_chunk(grid, interval, cursor, recorded, page=page, factor=factor):
        assert chunk.window.end == cursor
        assert chunk.window.start < cursor
        chunks.append(chunk)
        cursor = chunk.window.start
    return chunks


minutes = st.tuples(st.integers(0, 300), st.integers(0, 300)).map(
    lambda pair: Interval(*(60 * each for each in sorted(pair)))
)


@given(minutes, st.lists(minutes, max_size=8), st.integers(1, 30), st.integers(1, 5))
def test_chunks_tile_the_range_and_ask_for_all_that_is_missing(
    interval: Interval, recorded: list[Interval], page: int, factor: int
) -> None:
    chunks = walk(ONE_MINUTE, interval, covered.merge(recorded), page, factor)
    requested = slots_of([chunk.ask for chunk in chunks if chunk.ask])
    missing = slots_of([interval]) - slots_of(recorded)
    assert missing <= requested <= slots_of([interval])
    assert slots_of([chunk.window for chunk in chunks]) == slots_of([interval])
    for chunk in chunks:
        assert chunk.rows <= page
        if chunk.ask:
            assert len(slots_of([chunk.ask])) == chunk.slots <= page * factor
            assert chunk.rows == min(page, chunk.slots)
        else:
            assert chunk.label is Overlap.COMPLETE


@given(minutes, st.integers(1, 30))
def test_a_finished_range_is_skipped_in_one_step(interval: Interval, page: int) -> None:
    chunks = walk(ONE_MINUTE, interval, covered.merge([interval]), page)
    assert all(chunk.ask is None for chunk in chunks)
    assert len(chunks) == (1 if interval.start < interval.end else 0)


@pytest.mark.parametrize("name", ["1w", "1mo", "1y"])
def test_the_walk_over_long_slots(name: str) -> None:
    grid = Grid(get_timeframe(name))
    interval = Interval(moment(naive.utc("1990-01-01")), moment(naive.utc("2025-01-01")))
    interval = Interval(grid.ceil(interval.start), grid.ceil(interval.end))
    expected = naive.openings(name, as_datetime(interval.start), as_datetime(interval.end))
    chunks = walk(grid, interval, ())
    assert sum(chunk.slots for chunk in chunks) == len(expected)
    assert [chunk.rows for chunk in chunks[:-1]] == [200] * (len(chunks) - 1)


@pytest.mark.parametrize(
    ("densities", "factor"),
    [
        ([], 1),
        ([0.1, 0.1], 1),  # not three yet
        ([0.1, 0.1, 0.6], 1),
        ([0.9, 0.4, 0.4, 0.4], 2),
        ([0.25, 0.25, 0.25], 4),
        ([0.1, 0.1, 0.1], 5),
        ([0.0, 0.0, 0.0], 5),  # defect 12: divided by zero on an empty response
    ],
)
def test_sparse_answers_widen_the_next_chunk(densities: list[float], factor: int) -> None:
    assert window_factor(densities) == factor


@given(st.lists(st.floats(0, 1), max_size=6))
def test_the_widening_stays_between_one_and_five_pages(densities: list[float]) -> None:
    """Defect 12: a chunk size computed from the response ratio could exceed 200."""
    factor = window_factor(densities)
    assert 1 <= factor <= 5
    chunk = next_chunk(ONE_MINUTE, Interval(0, 6_000_000), 6_000_000, (), page=200, factor=factor)
    assert chunk is not None
    assert chunk.rows == 200
    assert chunk.slots <= 1000


def test_request_does_not_depend_on_its_time_zone() -> None:
    utc = datetime(2025, 9, 1, tzinfo=UTC)
    seoul = utc.astimezone(ZoneInfo("Asia/Seoul"))
    assert wanted(count=10, before=utc) == wanted(count=10, before=seoul)


def test_a_preview_tells_the_calls_before_any_is_made() -> None:
    request = CandleRequest("KRW-BTC", "1m", count=1000, before=naive.utc("2025-09-10"))
    resolved = resolve(request, calendar=UPBIT, as_of=NOW)
    fresh = list(preview(ONE_MINUTE, resolved, (), page=200))
    assert [chunk.rows for chunk in fresh] == [200] * 5
    half = Interval(resolved.interval.start, resolved.interval.start + 500 * 60)
    left = [chunk for chunk in preview(ONE_MINUTE, resolved, (half,), page=200) if chunk.ask]
    assert [chunk.rows for chunk in left] == [200, 200, 100]
    assert not [c for c in preview(ONE_MINUTE, resolved, (resolved.interval,), page=200) if c.ask]
