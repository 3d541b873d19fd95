"""A circuit breaker: something that failed several times in a row is left alone for a while.

Closed: every call goes through. After `threshold` failures in a row it opens: no call for `rest` seconds. Then one call
tries; its success closes the circuit, its failure opens it again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """One circuit, shared by the threads of a process."""

    def __init__(
        self,
        *,
        threshold: int = 3,
        rest: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threshold = threshold
        self._rest = rest
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are being held back."""
        return self._failures >= self._threshold

    def allows(self) -> bool:
        """Whether to call now. While open, one caller in each `rest` seconds gets True and is the trial."""
        with self._lock:
            if self._failures < self._threshold:
                return True
            now = self._clock()
            if now < self._opened_until:
                return False
            self._opened_until = now + self._rest
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._opened_until = self._clock() + self._rest
