"""Membership as runs of days, kept so that the order in which files come in does not matter.

A run says: on every day between its ends on which this source mentioned the instrument, it said this. New days replace
what the same source said on those days and nothing else; neighbours that say the same become one run. Where the new
days fall between old ones that say something else, the days on which the source has bars tell the runs apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

from marketdata.sources.batches import RowStatus


class StatusInterval(NamedTuple):
    """What a source said from `first` to `last`, the first and the last day on which it said so."""

    first: date
    last: date
    said: RowStatus


Days = Sequence[tuple[date, RowStatus]]


def merge(
    old: Sequence[StatusInterval], new: Sequence[StatusInterval], days: Callable[[], tuple[Days, Sequence[date]]]
) -> list[StatusInterval]:
    """The runs after `new` was said over `old`, both ascending and disjoint. `days` answers with the days that `new`
    stands for and with all days on which the source mentioned the instrument, both ascending; it is only asked where
    the two contradict each other."""
    if _contradict(old, new):
        return _day_by_day(old, *days())
    joined: list[StatusInterval] = []
    for run in sorted([*old, *new], key=lambda run: run.first):
        if joined and joined[-1].said == run.said:
            joined[-1] = joined[-1]._replace(last=max(joined[-1].last, run.last))
        else:
            joined.append(run)
    return joined


def intervals(days: Days) -> list[StatusInterval]:
    """Days (ascending) as runs."""
    found = []
    for said, group in groupby(days, key=lambda day: day[1]):
        same = [day for day, _ in group]
        found.append(StatusInterval(same[0], same[-1], said))
    return found


def _contradict(old: Sequence[StatusInterval], new: Sequence[StatusInterval]) -> bool:
    """Some old and some new run overlap and differ. Both ascending and disjoint."""
    at = 0
    for run in new:
        while at < len(old) and old[at].last < run.first:
            at += 1
        here = at
        while here < len(old) and old[here].first <= run.last:
            if old[here].said != run.said:
                return True
            here += 1
    return False


def _day_by_day(old: Sequence[StatusInterval], new: Days, seen: Sequence[date]) -> list[StatusInterval]:
    said = {}
    at = 0
    for day in sorted({*seen, *(run.first for run in old), *(run.last for run in old)}):
        while at < len(old) and old[at].last < day:
            at += 1
        if at < len(old) and old[at].first <= day:
            said[day] = old[at].said
    said.update(new)
    return intervals(sorted(said.items()))


def difference(old: Sequence[StatusInterval], new: Sequence[StatusInterval]) -> tuple[date, date | None] | None:
    """From which day on the statements differ, and the day before which they no longer matter because a full statement
    stands in both (None: they matter for good). None where nothing differs."""
    was, now = ([(run.first, run.said) for run in side] for side in (old, new))
    if was == now:
        return None
    head = 0
    while head < min(len(was), len(now)) and was[head] == now[head]:
        head += 1
    start = min(side[head][0] for side in (was, now) if head < len(side))
    end = None
    for mine, theirs in zip(reversed(was[head:]), reversed(now[head:]), strict=False):
        if mine != theirs:
            break
        if mine[1].is_full:
            end = mine[0]
    return start, end
