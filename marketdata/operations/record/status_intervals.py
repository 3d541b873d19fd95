"""Membership as intervals of days that do not depend on the order in which files are imported.

An interval means: on every day between its ends on which this source has the instrument, it has this status. New days
replace the statuses of the same source on those days only; neighbours with equal statuses become one interval. Where
new days lie between old ones of another status, the days on which the source has bars divide the intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

from marketdata.sources.batches import RowStatus


class StatusInterval(NamedTuple):
    """The status by a source from `first` to `last`, the first and the last day with that status."""

    first: date
    last: date
    status: RowStatus


Days = Sequence[tuple[date, RowStatus]]


def merge(
    old: Sequence[StatusInterval], new: Sequence[StatusInterval], days: Callable[[], tuple[Days, Sequence[date]]]
) -> list[StatusInterval]:
    """The intervals of `old` with `new` on top, both ascending and disjoint. `days` returns the days of `new` and all
    days on which the source has the instrument, both ascending; it is called only where the two contradict each
    other."""
    if _contradict(old, new):
        return _day_by_day(old, *days())
    merged: list[StatusInterval] = []
    for interval in sorted([*old, *new], key=lambda interval: interval.first):
        if merged and merged[-1].status == interval.status:
            merged[-1] = merged[-1]._replace(last=max(merged[-1].last, interval.last))
        else:
            merged.append(interval)
    return merged


def intervals(days: Days) -> list[StatusInterval]:
    """Days (ascending) as intervals."""
    result = []
    for status, group in groupby(days, key=lambda day: day[1]):
        same = [day for day, _ in group]
        result.append(StatusInterval(same[0], same[-1], status))
    return result


def _contradict(old: Sequence[StatusInterval], new: Sequence[StatusInterval]) -> bool:
    """Whether an old and a new interval overlap and differ. Both ascending and disjoint."""
    at = 0
    for interval in new:
        while at < len(old) and old[at].last < interval.first:
            at += 1
        here = at
        while here < len(old) and old[here].first <= interval.last:
            if old[here].status != interval.status:
                return True
            here += 1
    return False


def _day_by_day(old: Sequence[StatusInterval], new: Days, days_with_bars: Sequence[date]) -> list[StatusInterval]:
    status_by_day = {}
    at = 0
    for day in sorted({*days_with_bars, *(interval.first for interval in old), *(interval.last for interval in old)}):
        while at < len(old) and old[at].last < day:
            at += 1
        if at < len(old) and old[at].first <= day:
            status_by_day[day] = old[at].status
    status_by_day.update(new)
    return intervals(sorted(status_by_day.items()))


def difference(old: Sequence[StatusInterval], new: Sequence[StatusInterval]) -> tuple[date, date | None] | None:
    """The first day of different statuses, and the day from which both have the same full status again (None: they
    never do). None where nothing differs."""
    old_steps, new_steps = ([(interval.first, interval.status) for interval in side] for side in (old, new))
    if old_steps == new_steps:
        return None
    head = 0
    while head < min(len(old_steps), len(new_steps)) and old_steps[head] == new_steps[head]:
        head += 1
    start = min(side[head][0] for side in (old_steps, new_steps) if head < len(side))
    end = None
    for before, after in zip(reversed(old_steps[head:]), reversed(new_steps[head:]), strict=False):
        if before != after:
            break
        if before[1].is_full:
            end = before[0]
    return start, end
