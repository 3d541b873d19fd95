from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.candles.collector.timeframes import (
    TIMEFRAMES,
    Grid,
    Interval,
    TimeframeError,
    as_datetime,
    get_timeframe,
    moment,
    shift,
    slot_count,
)
from marketdata.sources.base import SourceCalendar
from tests.marketdata.candles.collector import naive

KST = SourceCalendar(day_offset=timedelta(hours=9))
SPANS = {"1s": 90, "1d": 86_400 * 70, "1w": 86_400 * 400, "1mo": 86_400 * 900, "1y": 86_400 * 4000}
moments = st.integers(moment(naive.utc("2021-01-01")), moment(naive.utc("2027-01-01")))


def span(name: str) -> int:
    return SPANS.get(name, 3 * 86_400 if name == "240m" else 20_000)


def near(name: str, start: int) -> int:
    """Seconds and minutes are compared near the naive walk's `EPOCH`, or it would walk for
    ever.
    """
    base = moment(naive.utc("2024-01-01"))
    return base + start % 40_000 if get_timeframe(name).is_intraday else start


@pytest.mark.slow
@pytest.mark.parametrize("name", list(TIMEFRAMES))
@pytest.mark.parametrize("hours", [0, 9])
@settings(max_examples=40)
@given(start=moments, length=st.integers(0, 10_000))
def test_slots_of_any_range_equal_those_walked_one_by_one(name: str, hours: int, start: int, length: int) -> None:
    if get_timeframe(name).is_intraday:
        hours = 0
    start = near(name, start)
    end = start + length * span(name) // 10_000
    grid = Grid(get_timeframe(name), hours * 3600)
    expected = naive.openings(name, as_datetime(start), as_datetime(end), hours)
    assert slot_count(grid, start, end) == len(expected)
    assert grid.openings(Interval(start, end)).tolist() == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", list(TIMEFRAMES))
@given(start=moments, steps=st.integers(-300, 300))
def test_shift_equals_stepping_and_comes_back(name: str, start: int, steps: int) -> None:
    grid = Grid(get_timeframe(name))
    opening = grid.floor(start)
    walked = naive.following(name, as_datetime(opening), steps)
    assert shift(grid, start, steps) == int(walked.timestamp())
    assert shift(grid, shift(grid, start, steps), -steps) == opening
    low, high = sorted((opening, int(walked.timestamp())))
    assert slot_count(grid, low, high) == abs(steps)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(TIMEFRAMES))
@given(starts=st.lists(moments, min_size=1, max_size=20))
def test_slot_numbers_of_an_array_equal_those_one_by_one(name: str, starts: list[int]) -> None:
    grid = Grid.of(name, KST)
    assert grid.indices(np.array(starts, np.int64)).tolist() == [grid.index(s) for s in starts]


@pytest.mark.parametrize(
    ("name", "calendar", "inside", "opening"),
    [
        ("1w", SourceCalendar(), "2025-09-10T12:00:00", "2025-09-08T00:00:00"),  # a Monday
        ("1d", SourceCalendar(), "2025-09-10T23:59:59", "2025-09-10T00:00:00"),
        ("1d", KST, "2025-09-10T15:00:00", "2025-09-10T15:00:00"),  # midnight in Seoul
        ("1d", KST, "2025-09-10T14:59:59", "2025-09-09T15:00:00"),
        ("1w", KST, "2025-09-07T15:00:00", "2025-09-07T15:00:00"),  # Monday in Seoul
        ("1mo", SourceCalendar(), "2024-02-29T23:00:00", "2024-02-01T00:00:00"),
        ("1mo", KST, "2024-02-29T15:00:00", "2024-02-29T15:00:00"),  # 1 March in Seoul
        ("1y", SourceCalendar(), "2024-12-31T23:59:59", "2024-01-01T00:00:00"),
        ("240m", KST, "2025-09-10T15:00:00", "2025-09-10T12:00:00"),  # minutes stay on UTC
    ],
)
def test_openings_of_the_exchange(name: str, calendar: SourceCalendar, inside: str, opening: str) -> None:
    grid = Grid.of(name, calendar)
    assert grid.floor(moment(naive.utc(inside))) == moment(naive.utc(opening))


def test_minutes_and_months_have_names_that_differ_in_more_than_case() -> None:
    """Defect 5: tables named 1m and 1M were one table where names fold their case."""
    folded = [name.casefold() for name in TIMEFRAMES]
    assert len(set(folded)) == len(folded)
    with pytest.raises(TimeframeError, match="1mo"):
        get_timeframe("1M")


def test_naive_times_are_refused_and_any_zone_is_the_same_moment() -> None:
    """Defect 4: months and years mixed naive and aware times."""
    with pytest.raises(TimeframeError, match="no time zone"):
        moment(datetime(2024, 1, 1))  # noqa: DTZ001
    seoul = datetime(2024, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))
    assert moment(seoul) == moment(datetime(2024, 1, 1, tzinfo=UTC))
