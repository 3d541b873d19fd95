"""Memo of values in this process, each valid for one state of its inputs.

For values that many answers share. The caller passes the state of the inputs, read before the value is computed; a
value of another state is computed anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

R = TypeVar("R")


class Memo(Generic[R]):
    """At most `most` values, shared by the threads of a process, least recently used first. Threads that miss the same
    value at once each compute it."""

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: dict[Hashable, tuple[Hashable, R]] = {}

    def get(self, key: Hashable, state: Hashable, build: Callable[[], R]) -> R:
        """The value of `key` in that state: the stored one, else that of `build`. An error is not stored."""
        with self._lock:
            entry = self._values.pop(key, None)
            if entry is not None and entry[0] == state:
                self._values[key] = entry
                return entry[1]
        value = build()
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = (state, value)
            while len(self._values) > self._most:
                del self._values[next(iter(self._values))]
        return value

    def clear(self) -> None:
        """Drop all values."""
        with self._lock:
            self._values.clear()
