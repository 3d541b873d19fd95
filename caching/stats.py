"""Counters of the cache in this process, by the name of the answers."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counts:
    """Calls by the way they were answered.

    hits: from the cache. misses: by computing. shared: by waiting for another caller's computation. failures: the
    computation raised. unstored: computed, but the cache did not take it. seconds: spent computing.
    """

    hits: int = 0
    misses: int = 0
    shared: int = 0
    failures: int = 0
    unstored: int = 0
    seconds: float = 0.0


class Stats:
    """Counters shared by threads; `listener` (what, how, how many) is called with each count too."""

    listener: Callable[[str, str, int], None] | None = None

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: defaultdict[str, Counts] = defaultdict(Counts)

    def count(
        self,
        what: str,
        *,
        hits: int = 0,
        misses: int = 0,
        shared: int = 0,
        failures: int = 0,
        unstored: int = 0,
        seconds: float = 0.0,
    ) -> None:
        with self._lock:
            counts = self._counts[what]
            counts.hits += hits
            counts.misses += misses
            counts.shared += shared
            counts.failures += failures
            counts.unstored += unstored
            counts.seconds += seconds
        if self.listener is not None:
            counts_by_way = {"hit": hits, "miss": misses, "shared": shared, "failed": failures}
            for how, number in counts_by_way.items():
                if number:
                    self.listener(what, how, number)

    def snapshot(self) -> dict[str, dict[str, float]]:
        """The counts so far, by name."""
        with self._lock:
            return {what: asdict(counts) for what, counts in sorted(self._counts.items())}

    def reset(self) -> None:
        with self._lock:
            self._counts.clear()


STATS = Stats()
