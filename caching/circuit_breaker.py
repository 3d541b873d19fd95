"""Circuit breaker: after several failures in a row, calls are held back for a while.

closed --(`threshold` failures in a row)--> open --(`rest` seconds)--> half open: one call tries; its success closes the
circuit, its failure opens it again, for twice as long each time up to `longest`. A trial that never reports (a
cancelled call) is followed by another after the same rest.

The only circuit breaker of the project: the cache, the feature cache, narratives and every host of a source use it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """One circuit, shared by the threads of a process; seconds by `clock`. Without `longest` each rest is `rest`."""

    def __init__(
        self,
        *,
        threshold: int = 3,
        rest: float = 5.0,
        longest: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threshold = threshold
        self._rest = rest
        self._longest = rest if longest is None else longest
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._trials = 0
        self._failing_since = 0.0
        self._opened_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are held back."""
        return self._failures >= self._threshold

    @property
    def failures(self) -> int:
        """Failures in a row."""
        return self._failures

    @property
    def failing_for(self) -> float:
        """Seconds since the first of the failures in a row; 0 where the last call succeeded."""
        return self._clock() - self._failing_since if self._failures else 0.0

    def delay(self) -> float:
        """Seconds until the next call may be made; 0: now. While open, one caller in each rest gets 0: the trial."""
        with self._lock:
            if self._failures < self._threshold:
                return 0.0
            now = self._clock()
            if now < self._opened_until:
                return self._opened_until - now
            self._trials += 1
            self._opened_until = now + self._resting
            return 0.0

    def allows(self) -> bool:
        """Whether to call now. While open, the caller that gets True is the trial."""
        return self.delay() == 0.0

    def succeeded(self) -> None:
        """Note a success: the circuit closes."""
        with self._lock:
            self._failures = self._trials = 0

    def failed(self) -> None:
        """Note a failure."""
        with self._lock:
            now = self._clock()
            if not self._failures:
                self._failing_since = now
            self._failures += 1
            self._opened_until = now + self._resting

    @property
    def _resting(self) -> float:
        doubled: float = self._rest * 2.0 ** min(self._trials, 30)
        return min(doubled, self._longest)
