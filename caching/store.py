"""Django's cache behind a circuit breaker: an unavailable or broken cache is an empty one, never an error.

There are two kinds of failures. The server does not answer (connections, timeouts): counted by the circuit breaker,
which then saves each call the wait. A value cannot be stored or read back (it is no plain data, or was written by
another release): that call alone is a miss. Stored values are data alone (`serializer`): write access to the cache does
not allow running code here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django.core.cache import cache

from caching import keys, serializer
from caching.circuit_breaker import CircuitBreaker

R = TypeVar("R")
LOGGER = logging.getLogger(__name__)
VALUE_ERRORS = (AttributeError, TypeError, ValueError, OverflowError)


class Store:
    """The cache, as `cached` uses it. Every call returns the result of an empty cache where the cache fails.

    `around(name, call)` makes each call, where it is set: traces do."""

    around: Callable[[str, Callable[[], Any]], Any] | None = None

    def __init__(self, breaker: CircuitBreaker | None = None) -> None:
        self.breaker = breaker or CircuitBreaker()
        self._owed: set[str] = set()

    @property
    def is_shared(self) -> bool:
        """Whether the cache is one for all processes: the Redis server."""
        return hasattr(cache, "client")

    def get(self, key: str, unreadable: Callable[[], None] | None = None) -> tuple[object] | None:
        """A tuple of the stored value, so that None is a value; None where there is none, or one that cannot be read,
        for which `unreadable` is called."""

        def get() -> tuple[object] | None:
            content = cache.get(key)
            if content is None:
                return None
            try:
                value = _value(content)
            except VALUE_ERRORS:
                LOGGER.exception("A value could not be read from the cache")
                value = None
            if value is None and unreadable:
                unreadable()
            return value

        return self._call("get", get, None)

    def put(self, key: str, value: object, ttl: int) -> int:
        """Store a value; returns its bytes, 0 where it could not be stored."""

        def put() -> int:
            content = serializer.pack(value)
            cache.set(key, content, ttl)
            return len(content)

        return self._call("put", put, 0)

    def get_many(self, names: Sequence[str]) -> dict[str, object]:
        """Key -> value of those that are stored and can be read."""

        def get() -> dict[str, object]:
            values: dict[str, object] = {}
            for key, content in cache.get_many(names).items():
                try:
                    value = _value(content)
                except VALUE_ERRORS:
                    LOGGER.exception("A value could not be read from the cache")
                    continue
                if value is not None:
                    values[key] = value[0]
            return values

        return self._call("get many", get, {})

    def put_many(self, values: Mapping[str, object], ttl: int) -> int:
        """Store values by key; returns their bytes, 0 where they could not be stored."""

        def put() -> int:
            contents = {key: serializer.pack(value) for key, value in values.items()}
            cache.set_many(contents, ttl)
            return sum(map(len, contents.values()))

        return self._call("put many", put, 0)

    def forget(self, key: str) -> None:
        self._call("forget", lambda: cache.delete(key), False)

    def count(self, key: str, by: int, ttl: int) -> int | None:
        """Increment a counter by `by` and return it; a missing one begins at 0. None without a cache."""

        def increment() -> int:
            try:
                return int(cache.incr(key, by))
            except ValueError:  # there is none
                cache.add(key, 0, ttl)
                return int(cache.incr(key, by))

        return self._call("count", increment, None)

    def counter(self, key: str) -> int:
        """The value of a counter; 0 where there is none."""
        return self._call("counter", lambda: int(cache.get(key) or 0), 0)

    def probe(self, work: Callable[[], R | None]) -> R | None:
        """The result of `work` on the cache; None without a cache."""
        return self._call("probe", work, None)

    def take_lease(self, key: str, holder: str, seconds: int) -> bool:
        """Whether `holder` gets the lease to compute `key`; always without a cache."""
        return self._call("lease", lambda: bool(cache.add(keys.lease(key), holder, seconds)), True)

    def end_lease(self, key: str, holder: str) -> None:
        """Release the lease, unless it has expired and another caller has it."""

        def end() -> bool:
            is_holder = cache.get(keys.lease(key)) == holder
            return is_holder and bool(cache.delete(keys.lease(key)))

        self._call("end lease", end, False)

    def generation(self, scope: str) -> int:
        """The scope's generation; 0 while the cache is unavailable."""
        if scope in self._owed and not self.advance(scope):
            return 0

        def read() -> int:
            key = keys.generation(scope)
            generation = cache.get(key)
            if generation is None:
                # From the clock, so that a lost generation never returns.
                cache.add(key, time.time_ns(), None)
                generation = cache.get(key)
            return int(generation or 0)

        return self._call("generation", read, 0)

    def advance(self, scope: str) -> bool:
        """Invalidate all answers of the scope; call it once the change is committed.

        False: the cache is unavailable. This process then advances the scope before it reads from it again; others may
        serve old answers until their TTL, if the cache returns with its contents.
        """

        def increment() -> bool:
            key = keys.generation(scope)
            try:
                cache.incr(key)
            except ValueError:  # there is none
                cache.set(key, time.time_ns(), None)
            return True

        done = self._call("advance", increment, False)
        if done:
            self._owed.discard(scope)
        else:
            self._owed.add(scope)
        return done

    def _call(self, name: str, work: Callable[[], R], otherwise: R) -> R:
        if not self.breaker.allows():
            return otherwise
        try:
            answer: R = work() if self.around is None else self.around(name, work)
        except VALUE_ERRORS:
            LOGGER.exception("A value could not be stored in the cache")
            return otherwise
        except Exception as error:  # every backend has its own errors; with any of them there is no cache
            self.breaker.failed()
            LOGGER.warning("The cache does not answer: %s", error)
            return otherwise
        self.breaker.succeeded()
        return answer


def _value(content: object) -> tuple[object] | None:
    """A tuple of the deserialized value; None where there is none, or one of another release."""
    return (serializer.unpack(content),) if isinstance(content, bytes) else None


STORE = Store()


def load_cache_client() -> None:
    """Imports the cache's client, before threads use it; makes no connection.

    The modules of the Redis client import each other in circles: of two threads that import them at once, as the probes
    of the cache and of the queue do, both fail.
    """
    getattr(cache, "client", None)


def advance(scope: str) -> bool:
    """Invalidate all answers of the scope (see `Store.advance`)."""
    return STORE.advance(scope)
