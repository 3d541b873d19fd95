"""Verified intervals: those for which a source has answered, with or without trades.

A coverage is a tuple of intervals, ascending, disjoint and not touching. All functions are pure; the intervals to fetch
are `subtract(interval, coverage)`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from marketdata.candles.collector.timeframes import Grid, Interval, slot_count

Coverage = tuple[Interval, ...]

NOTHING: Coverage = ()


def merge(intervals: Iterable[Interval]) -> Coverage:
    """Any intervals as a coverage: sorted, joined where they overlap or touch, without empty ones."""
    joined: list[Interval] = []
    for each in sorted(intervals):
        if each.end <= each.start:
            continue
        if joined and each.start <= joined[-1].end:
            if each.end > joined[-1].end:
                joined[-1] = Interval(joined[-1].start, each.end)
        else:
            joined.append(each)
    return tuple(joined)


def add(coverage: Coverage, interval: Interval) -> Coverage:
    """The coverage with one more verified interval; costs O(log n) and one copy."""
    if interval.end <= interval.start:
        return coverage
    first = bisect_left(coverage, interval.start, key=lambda each: each.end)
    last = bisect_right(coverage, interval.end, key=lambda each: each.start)
    touched = coverage[first:last]
    if touched:
        interval = Interval(min(interval.start, touched[0].start), max(interval.end, touched[-1].end))
    return (*coverage[:first], interval, *coverage[last:])


def clip(coverage: Coverage, window: Interval) -> Coverage:
    """The part of the coverage that lies in `window`."""
    return tuple(
        Interval(max(each.start, window.start), min(each.end, window.end))
        for each in coverage
        if each.start < window.end and each.end > window.start
    )


def subtract(interval: Interval, coverage: Coverage) -> Coverage:
    """The parts of `interval` that are not covered."""
    missing: list[Interval] = []
    at = interval.start
    for covered in clip(coverage, interval):
        if covered.start > at:
            missing.append(Interval(at, covered.start))
        at = covered.end
    if at < interval.end:
        missing.append(Interval(at, interval.end))
    return tuple(missing)


def covered_slots(grid: Grid, coverage: Coverage) -> int:
    """How many slots open in the coverage."""
    return sum(slot_count(grid, each.start, each.end) for each in coverage)


def at_moment(coverage: Coverage, when: int) -> Interval | None:
    """The verified interval that contains `when`, if any."""
    position = bisect_right(coverage, when, key=lambda each: each.start) - 1
    if position >= 0 and coverage[position].end > when:
        return coverage[position]
    return None
