"""Stores of rate-limit states: in this process, in Redis, in a SQLite file or in rows of a database.

A store does not interpret a state: it reads one, and replaces it unless another process has changed it since (compare
and swap).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from marketdata.sources.base import SourceUnavailable
from marketdata.sources.http.rate_limit import RateLimitState

R = TypeVar("R")

ATTEMPTS = 200


@dataclass(frozen=True, slots=True)
class StoredState:
    """The state of a group, the time of the store's clock in seconds, and the version that `swap` compares."""

    state: RateLimitState
    now: float
    version: Any = None


class RateLimitStore(Protocol):
    """States of groups, and the clock of their times.

    `blocking`: a call may wait for a network or a disk, so it is made outside the event loop.
    """

    @property
    def blocking(self) -> bool: ...

    def read(self, key: str) -> StoredState:
        """The state as last written; an empty one where there is none yet."""

    def swap(self, key: str, expected: StoredState, new: RateLimitState) -> bool:
        """Write `new` if the state is still `expected`; False where it is not."""

    def close(self) -> None:
        """Release connections; called by the thread that made the other calls."""


def update_state(
    store: RateLimitStore, key: str, update: Callable[[RateLimitState, float], tuple[RateLimitState, R]]
) -> R:
    """Replace the state of a group by that of `update` (state, now), and return its second value.

    `update` is called again where another process was faster. SourceUnavailable where that happens every time.
    """
    for _ in range(ATTEMPTS):
        stored = store.read(key)
        new, answer = update(stored.state, stored.now)
        if new == stored.state or store.swap(key, stored, new):
            return answer
    raise SourceUnavailable(f"The rate limit {key} is contended: it changed under every try.")


class ProcessRateLimits:
    """States of one process, for installations of one process and for tests."""

    blocking = False

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._states: dict[str, RateLimitState] = {}

    def read(self, key: str) -> StoredState:
        state = self._states.get(key, RateLimitState())
        return StoredState(state, self._clock())

    def swap(self, key: str, expected: StoredState, new: RateLimitState) -> bool:
        with self._lock:
            if self._states.get(key, expected.state) is not expected.state:
                return False
            self._states[key] = new
            return True

    def close(self) -> None:
        """There is nothing to release."""
