"""Where the paces of groups are kept: in this process, in Redis, or in rows of a database.

A store knows nothing of what a state means: it reads one, and replaces it if nobody else has since (compare and swap).
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

TRIES = 200


@dataclass(frozen=True, slots=True)
class StoredState:
    """The state of a group, the time of the store's clock in seconds, and what `swap` knows the state by."""

    pace: RateLimitState
    now: float
    known_by: Any = None


class RateLimitStore(Protocol):
    """States of groups, and the clock that their times are of.

    `blocking`: a call may wait for a network or a disk, so it is made outside the event loop.
    """

    @property
    def blocking(self) -> bool: ...

    def read(self, key: str) -> StoredState:
        """The state as last written; the first one where there is none yet."""

    def swap(self, key: str, seen: StoredState, new: RateLimitState) -> bool:
        """Write `new` if the state still is the one that was read; False where it is not."""

    def close(self) -> None:
        """Give back what is held open; called by the thread that made the other calls."""


def update_state(
    store: RateLimitStore, key: str, work: Callable[[RateLimitState, float], tuple[RateLimitState, R]]
) -> R:
    """Replace the state of a group by what `work` makes of it and of the time; what else it answers is handed on.

    It is called again where another process was faster. SourceUnavailable where that happens every time.
    """
    for _ in range(TRIES):
        seen = store.read(key)
        new, answer = work(seen.pace, seen.now)
        if new == seen.pace or store.swap(key, seen, new):
            return answer
    raise SourceUnavailable(f"The rate limit {key} is contended: it changed under every try.")


class ProcessRateLimits:
    """States of one process: enough where there is only one, or no shared place."""

    blocking = False

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._paces: dict[str, RateLimitState] = {}

    def read(self, key: str) -> StoredState:
        pace = self._paces.get(key, RateLimitState())
        return StoredState(pace, self._clock())

    def swap(self, key: str, seen: StoredState, new: RateLimitState) -> bool:
        with self._lock:
            if self._paces.get(key, seen.pace) is not seen.pace:
                return False
            self._paces[key] = new
            return True

    def close(self) -> None:
        """Nothing is held open."""
