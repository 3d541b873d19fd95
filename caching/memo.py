"""Values that this process keeps as long as what they were made of stays as it was.

For what many answers share and each would read anew. Whoever asks says what state the value belongs to, read before
the value itself is; another state than the one it was made in makes it anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

R = TypeVar("R")


class Memo(Generic[R]):
    """At most `most` values, shared by the threads of a process; those asked for longest ago go first. Threads that
    want the same at once each make it."""

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: dict[Hashable, tuple[Hashable, R]] = {}

    def get(self, key: Hashable, state: Hashable, build: Callable[[], R]) -> R:
        """The value of `key` in that state: the one held, else what `build` makes. An error is not held."""
        with self._lock:
            held = self._values.pop(key, None)
            if held is not None and held[0] == state:
                self._values[key] = held
                return held[1]
        value = build()
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = (state, value)
            while len(self._values) > self._most:
                del self._values[next(iter(self._values))]
        return value

    def clear(self) -> None:
        """Forget them all, as a new process knows none."""
        with self._lock:
            self._values.clear()
