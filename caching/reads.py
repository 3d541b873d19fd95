"""Counts of reads: which names of a scope are read most, added up over processes.

Each process counts for itself and adds its counts to the table in the cache at most every `PAUSE` seconds. Two that add
at once may lose one of both, which a ranking of hundreds of reads does not show.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict

from caching.policies import DAY
from caching.store import STORE

EVERY = 10
"""Reads that are added at once, at least."""
PAUSE = 10.0
"""Seconds: adding takes two calls of the cache, which one read in ten would otherwise wait for."""
MOST = 500
"""Names of a scope that are kept."""
AGED = 10_000
"""Reads in a scope from which on all counts are halved: the last weeks count most."""


class ReadCounts:
    """Reads by scope and name, shared by the threads of a process, added to the table after `pause` seconds."""

    def __init__(self, pause: float = PAUSE) -> None:
        self.pause = pause
        self._lock = threading.Lock()
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._due: defaultdict[str, float] = defaultdict(float)

    def count(self, scope: str, name: str) -> None:
        """Count one read."""
        with self._lock:
            self._counts[scope][name] += 1
            now = time.monotonic()
            is_due = now >= self._due[scope] and self._counts[scope].total() >= EVERY
            if is_due:
                self._due[scope] = now + self.pause
        if is_due:
            self._add(scope)

    def most_read(self, scope: str, number: int) -> list[str]:
        """The names that were read most, the most read first."""
        return [name for name, _ in self._add(scope).most_common(number)]

    def reset(self) -> None:
        """Forget what this process has counted and not yet added."""
        with self._lock:
            self._counts.clear()
            self._due.clear()

    def _add(self, scope: str) -> Counter[str]:
        """The table of the scope with this process' counts added."""
        with self._lock:
            own = self._counts.pop(scope, Counter())
        stored = STORE.get(f"reads:{scope}")
        table: Counter[str] = Counter(stored[0] if stored else {}) + own  # type: ignore[call-overload]
        if table.total() > AGED:
            table = Counter({name: count // 2 for name, count in table.items()})
        if own:
            STORE.put(f"reads:{scope}", dict(table.most_common(MOST)), 30 * DAY)
        return table


READS = ReadCounts()
