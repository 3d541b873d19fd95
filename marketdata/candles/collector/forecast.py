"""Forecast of the calls that a collection still makes and the seconds that they take.

1. Slots that need a call: those of the interval that are not settled, from the listing on where it is known (`survey`).
2. Slots that one call settles: the mean of the calls so far; further back that of the nearest sample of the survey.
3. Seconds that one call takes: the mean of the recent ones (`call_seconds`), without the first one, which connects. A
   call that was repeated is an outage: it counts as `OUTAGE` means at most.

It is unknown while the width is not precise enough, or the seconds so uncertain that the whole duration is, and until
the survey of a long collection.
Positions are numbers of slots on the grid.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, sqrt
from typing import NamedTuple

from marketdata.candles.collector.call_seconds import LEAST_CALLS, CallSeconds
from marketdata.candles.collector.coverage import Coverage, covered_slots, merge, subtract
from marketdata.candles.collector.timeframes import Grid, Interval

WIDTH_ERROR = 0.05  # relative standard error of the mean that is good enough
DURATION_ERROR = 0.02  # uncertainty of the whole duration by that of the seconds of a call
OUTAGE = 4.0  # means
EXACT = 256  # missing intervals that are counted one by one; further ones take calls in proportion to their slots


class Sample(NamedTuple):
    """The slots that a call for a whole page settles at a position."""

    position: int
    width: float


@dataclass(slots=True)
class RunningMean:
    """Mean and standard error in constant memory (Welford, Technometrics 1962)."""

    count: int = 0
    mean: float = 0.0
    _squares: float = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        step = value - self.mean
        self.mean += step / self.count
        self._squares += step * (value - self.mean)

    def is_precise(self, error: float) -> bool:
        """Whether the standard error is at most so much of the mean."""
        if self.count < LEAST_CALLS:
            return False
        return sqrt(self._squares / (self.count - 1) / self.count) <= error * self.mean


@dataclass(slots=True)
class Forecast:
    """The forecast of one run over `missing`, the intervals that are not recorded; `page`: rows of a call at most."""

    grid: Grid
    page: int
    missing: Coverage
    slots_left: int = 0
    listed: int | None = None
    awaits_survey: bool = True
    samples: Sequence[Sample] = ()
    _has_connected: bool = False
    _seconds: CallSeconds = field(default_factory=CallSeconds)
    _widths: RunningMean = field(default_factory=RunningMean)

    def __post_init__(self) -> None:
        self.slots_left = covered_slots(self.grid, self.missing)

    def settle(self, interval: Interval) -> None:
        """Take an interval out of the missing ones."""
        kept: list[Interval] = []
        for each in self.missing:
            kept.extend(subtract(each, (interval,)) if each.end > interval.start else (each,))
        self.missing = tuple(kept)
        self.slots_left = covered_slots(self.grid, self.missing)

    def restart(self, missing: Coverage) -> None:
        """Begin again with other missing intervals; what is known of calls stays."""
        self.missing, self.listed = merge(missing), None
        self.slots_left = covered_slots(self.grid, self.missing)

    def learn(self, rows: int, slots: int, seconds: float, *, retries: int = 0) -> None:
        """Add a call that took `seconds`, with its repetitions, and settled `slots` with so many rows."""
        if self._has_connected:
            longest = OUTAGE * self._seconds.mean if retries and self.has_calls else seconds
            self._seconds.add(min(seconds, longest))
        self._has_connected = True
        if slots:
            self._widths.add(self._width(rows, slots))

    def calls_left(self) -> float | None:
        """Calls until the end; None while that is unknown."""
        if not self._widths.is_precise(WIDTH_ERROR) or self.awaits_survey:
            return None
        return self._calls()

    def seconds_left(self, elapsed: float = 0.0) -> float | None:
        """Seconds until the end, `elapsed` seconds after the start; None while they are unknown."""
        calls = self.calls_left()
        if not self.missing:
            return 0.0
        if calls is None or not self._seconds.is_enough:
            return None
        left = calls * self._seconds.mean
        return left if left * self._seconds.uncertainty <= DURATION_ERROR * (elapsed + left) else None

    def rough_calls(self) -> float:
        """The same without any requirement: by the width so far over the whole interval."""
        return self.slots_left / max(self._widths.mean, 1.0) if self._widths.count else 0.0

    @property
    def has_calls(self) -> bool:
        """Whether there have been enough calls for a rough figure."""
        return self._seconds.is_enough

    def _width(self, rows: int, slots: int) -> float:
        return self.page * slots / rows if rows else float(max(slots, self.slots_left, 1))

    def _calls(self) -> float:
        strata = _Strata(self._samples())
        calls, covered, counted, left = 0.0, 1 << 62, 0, self.slots_left
        oldest = -(1 << 62) if self.listed is None else self.grid.index(self.listed)
        for interval in reversed(self.missing):
            if counted >= EXACT and calls:
                return calls + left / (self.slots_left - left) * calls
            first, last = (self.grid.index(self.grid.ceil(edge)) for edge in interval)
            left -= last - first
            first, last = max(first, oldest), min(last, covered)
            if last <= first:
                continue
            exact = strata.calls(first, last)
            whole = ceil(exact - 1e-6)
            calls += whole
            # The last call reaches beyond the interval, into older ones.
            covered = first - int((whole - exact) * strata.width(first))
            counted += 1
        return calls

    def _samples(self) -> list[Sample]:
        """The samples before the newest missing slot, and the mean so far at that slot."""
        newest = self.grid.index(self.missing[-1].end) if self.missing else 0
        older = [sample for sample in self.samples if sample.position < newest]
        return [*older, Sample(newest, self._widths.mean)]


class _Strata:
    """Positions, each with the width of the nearest sample; samples ascending."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._widths = [max(sample.width, 1.0) for sample in samples]
        self._bounds = [(a.position + b.position) // 2 for a, b in pairwise(samples)]

    def width(self, position: int) -> float:
        return self._widths[bisect_right(self._bounds, position)]

    def calls(self, first: int, last: int) -> float:
        """Calls for [first, last), as a fraction."""
        calls, at = 0.0, first
        for number in range(bisect_right(self._bounds, first), len(self._widths)):
            until = min(last, self._bounds[number]) if number < len(self._bounds) else last
            calls += (until - at) / self._widths[number]
            at = until
            if at >= last:
                break
        return calls
