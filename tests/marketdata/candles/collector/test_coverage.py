"""Coverage and overlap against naive sets of moments and slots."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.candles.collector import coverage as covered
from marketdata.candles.collector.overlap import Overlap, analyse, label
from marketdata.candles.collector.timeframes import Grid, Interval, get_timeframe
from tests.marketdata.candles.collector.naive import seconds

SECONDS = Grid(get_timeframe("1s"))
intervals = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: Interval(*sorted(pair)))
many = st.lists(intervals, max_size=12)


@given(many)
def test_merged_holds_the_same_moments_in_the_fewest_pieces(given_: list[Interval]) -> None:
    merged = covered.merge(given_)
    assert seconds(merged) == seconds(given_)
    # neither touching nor overlapping, ascending
    assert all(older.end < newer.start for older, newer in pairwise(merged))


@given(many, intervals)
def test_adding_one_interval_equals_merging_all(given_: list[Interval], one: Interval) -> None:
    assert covered.add(covered.merge(given_), one) == covered.merge([*given_, one])


@given(many, intervals)
def test_subtract_and_clip_equal_set_operations(given_: list[Interval], wanted: Interval) -> None:
    coverage = covered.merge(given_)
    missing = covered.subtract(wanted, coverage)
    assert seconds(missing) == seconds([wanted]) - seconds(given_)
    assert seconds(covered.clip(coverage, wanted)) == seconds([wanted]) & seconds(given_)
    assert covered.covered_slots(SECONDS, missing) == len(seconds([wanted]) - seconds(given_))


@given(many, st.integers(-5, 70))
def test_the_interval_at_a_moment(given_: list[Interval], when: int) -> None:
    coverage = covered.merge(given_)
    result = [each for each in coverage if each.start <= when < each.end]
    assert covered.at_moment(coverage, when) == (result[0] if result else None)


def by_slots(chunk: Interval, recorded: set[int]) -> Overlap:
    """The label by looking at each slot, newest first, as an answer lists them."""
    flags = [slot in recorded for slot in reversed(range(*chunk))]
    if all(flags):
        return Overlap.COMPLETE
    if not any(flags):
        return Overlap.NONE
    changes = sum(a != b for a, b in pairwise(flags))
    if changes > 1:
        return Overlap.PARTIAL_MIDDLE_FRAGMENT
    return Overlap.PARTIAL_START if flags[0] else Overlap.PARTIAL_MIDDLE_CONTINUOUS


@given(many, intervals)
def test_labels_and_what_to_ask_for_equal_those_slot_by_slot(given_: list[Interval], chunk: Interval) -> None:
    if chunk.start == chunk.end:
        return
    coverage = covered.merge(given_)
    result = analyse(SECONDS, chunk, coverage)
    assert result.label is by_slots(chunk, seconds(given_)) is label(chunk, coverage)
    missing = sorted(seconds([chunk]) - seconds(given_))
    assert result.ask == (Interval(missing[0], missing[-1] + 1) if missing else None)
    assert result.slots == (missing[-1] + 1 - missing[0] if missing else 0)


def test_one_recorded_slot_at_the_newer_end_leaves_199_of_200() -> None:
    """Defect 3: one stored row at the newer end of a 200-slot chunk requested 201."""
    result = analyse(SECONDS, Interval(0, 200), (Interval(199, 200),))
    assert (result.label, result.ask, result.slots) == (Overlap.PARTIAL_START, Interval(0, 199), 199)


@pytest.mark.parametrize(("coverage", "expected"), [((), Overlap.NONE), ((Interval(7, 8),), Overlap.COMPLETE)])
def test_one_slot_ranges_are_analysed_like_any_other(coverage: covered.Coverage, expected: Overlap) -> None:
    """Defect 11: one-slot ranges were rejected by the analysis and always fetched again."""
    assert analyse(SECONDS, Interval(7, 8), coverage).label is expected
