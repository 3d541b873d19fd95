"""Counters of the cache by policy and by the name of the answers: of this process since its start, and of each minute.

Processes of one host add up through `dump` and `sum_counts`: `each_minute` is called as a minute ends.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

WAYS = {"hits": "hit", "misses": "miss", "shared": "shared", "failures": "failed", "stale": "stale"}
"""How a listener calls the ways of `Counts`."""
MINUTES = 60
"""How many of the latest minutes are kept."""


@dataclass(slots=True)
class Counts:
    """Calls by the way they were answered.

    hits: from the cache. misses: by computing. shared: by waiting for another caller's computation. failures: the
    computation raised. stale: stored in a form that is no longer read, and computed again. unstored: computed, but the
    cache did not take it. bytes: stored. seconds: spent computing.
    """

    hits: int = 0
    misses: int = 0
    shared: int = 0
    failures: int = 0
    stale: int = 0
    unstored: int = 0
    bytes: int = 0
    seconds: float = 0.0

    def add(self, other: Counts) -> None:
        """Add the counts of another."""
        for field in fields(Counts):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    @property
    def requests(self) -> int:
        """Calls that were answered."""
        return self.hits + self.misses + self.shared

    @property
    def ratio(self) -> float | None:
        """The share of answers that were not computed; None without a request."""
        return (self.hits + self.shared) / self.requests if self.requests else None


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """Counts by policy: all of them, and those of the latest minutes (minute since 1970 -> policy -> counts)."""

    total: dict[str, Counts]
    minutes: dict[int, dict[str, Counts]]


class Stats:
    """Counters shared by threads; `listener` (what, how, how many) is called with each count too, `each_minute`
    with the first count of a minute."""

    listener: Callable[[str, str, int], None] | None = None
    each_minute: Callable[[], None] | None = None

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: defaultdict[str, Counts] = defaultdict(Counts)
        self._policies: defaultdict[str, Counts] = defaultdict(Counts)
        self._minutes: dict[int, defaultdict[str, Counts]] = {}

    def count(self, what: str, policy: str = "", **numbers: float) -> None:
        """Add `numbers` (names of `Counts`) to the counts of `what` and of its policy."""
        minute = int(self._clock() // 60)
        with self._lock:
            is_new = minute not in self._minutes
            if is_new:
                self._minutes[minute] = defaultdict(Counts)
                for old in [each for each in self._minutes if each <= minute - MINUTES]:
                    del self._minutes[old]
            for counts in (self._counts[what], self._policies[policy], self._minutes[minute][policy]):
                for name, number in numbers.items():
                    setattr(counts, name, getattr(counts, name) + number)
        if is_new and self.each_minute is not None:
            self.each_minute()
        if self.listener is not None:
            for name, how in WAYS.items():
                if name in numbers:
                    self.listener(what, how, int(numbers[name]))

    def snapshot(self) -> dict[str, dict[str, float]]:
        """The counts of this process so far, by name."""
        with self._lock:
            return {what: asdict(counts) for what, counts in sorted(self._counts.items())}

    def counts(self) -> CacheCounts:
        """The counts of this process by policy."""
        return read_counts(self.dump())

    def dump(self) -> dict[str, Any]:
        """The counts of this process by policy, as JSON types."""
        with self._lock:
            return {
                "total": {policy: asdict(counts) for policy, counts in self._policies.items()},
                "minutes": {
                    str(minute): {policy: asdict(counts) for policy, counts in rows.items()}
                    for minute, rows in self._minutes.items()
                },
            }

    def reset(self) -> None:
        with self._lock:
            self._counts.clear()
            self._policies.clear()
            self._minutes.clear()


def read_counts(body: Mapping[str, Any]) -> CacheCounts:
    """The counts of a `dump`."""
    total, minutes = body["total"], body["minutes"]
    return CacheCounts(
        {policy: Counts(**row) for policy, row in total.items()},
        {int(minute): {policy: Counts(**row) for policy, row in rows.items()} for minute, rows in minutes.items()},
    )


def sum_counts(parts: Iterable[CacheCounts]) -> CacheCounts:
    """The counts of several processes together."""
    total: defaultdict[str, Counts] = defaultdict(Counts)
    minutes: dict[int, defaultdict[str, Counts]] = {}
    for part in parts:
        for policy, counts in part.total.items():
            total[policy].add(counts)
        for minute, rows in part.minutes.items():
            for policy, counts in rows.items():
                minutes.setdefault(minute, defaultdict(Counts))[policy].add(counts)
    return CacheCounts(dict(sorted(total.items())), {each: dict(rows) for each, rows in sorted(minutes.items())})


STATS = Stats()
