"""Django's cache behind a breaker: a cache that is away or broken is an empty one, never an error.

Two kinds of trouble are told apart. The server does not answer (connections, timeouts): counted by the breaker, which
then spares each call the wait. A value cannot be stored or read back (it is no plain data, or was written by another
release): that call alone is a miss. What is stored is data alone (`serializer`): nobody who can write to the cache has
anything run here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache

from caching import keys, serializer
from caching.circuit_breaker import CircuitBreaker

R = TypeVar("R")
LOGGER = logging.getLogger(__name__)
VALUE_ERRORS = (AttributeError, TypeError, ValueError, OverflowError)


class Store:
    """What `cached` needs of a cache. Every call answers as an empty cache would when there is no answer."""

    def __init__(self, breaker: CircuitBreaker | None = None) -> None:
        self.breaker = breaker or CircuitBreaker()
        self._owed: set[str] = set()

    def get(self, key: str) -> tuple[object] | None:
        """The stored value in a tuple of one, so that None is a value; None where there is none."""
        return self._call(lambda: _value(cache.get(key)), None)

    def put(self, key: str, value: object, ttl: int) -> bool:
        """Whether the value was stored."""

        def put() -> bool:
            cache.set(key, serializer.pack(value), ttl)
            return True

        return self._call(put, False)

    def forget(self, key: str) -> None:
        self._call(lambda: cache.delete(key), False)

    def count(self, key: str, by: int, ttl: int) -> int | None:
        """Raises a counter by `by` and gives what it stands at; one that is not there begins at 0. None without a
        cache."""

        def raise_it() -> int:
            try:
                return int(cache.incr(key, by))
            except ValueError:  # there is none
                cache.add(key, 0, ttl)
                return int(cache.incr(key, by))

        return self._call(raise_it, None)

    def counted(self, key: str) -> int:
        """What a counter stands at; 0 where there is none."""
        return self._call(lambda: int(cache.get(key) or 0), 0)

    def take_lease(self, key: str, holder: str, seconds: int) -> bool:
        """Whether `holder` is the one to compute `key`; without a cache everybody is."""
        return self._call(lambda: bool(cache.add(keys.lease(key), holder, seconds)), True)

    def end_lease(self, key: str, holder: str) -> None:
        """Gives the lease up, unless it has expired and is another's by now."""

        def end() -> bool:
            mine = cache.get(keys.lease(key)) == holder
            return mine and bool(cache.delete(keys.lease(key)))

        self._call(end, False)

    def generation(self, scope: str) -> int:
        """The scope's generation; 0 while the cache is away."""
        if scope in self._owed and not self.advance(scope):
            return 0

        def read() -> int:
            key = keys.generation(scope)
            known = cache.get(key)
            if known is None:
                # From the clock, so that a generation that was lost never comes again.
                cache.add(key, time.time_ns(), None)
                known = cache.get(key)
            return int(known or 0)

        return self._call(read, 0)

    def advance(self, scope: str) -> bool:
        """Invalidates everything cached in the scope; call it once the change is committed.

        False: the cache is away. This process then advances the scope before it reads from it again; others may serve
        what is old until its TTL, if the cache comes back with its contents.
        """

        def raise_it() -> bool:
            key = keys.generation(scope)
            try:
                cache.incr(key)
            except ValueError:  # there is none
                cache.set(key, time.time_ns(), None)
            return True

        done = self._call(raise_it, False)
        if done:
            self._owed.discard(scope)
        else:
            self._owed.add(scope)
        return done

    def _call(self, work: Callable[[], R], otherwise: R) -> R:
        if not self.breaker.allows():
            return otherwise
        try:
            answer = work()
        except VALUE_ERRORS:
            LOGGER.exception("A value could not be stored in the cache or read from it")
            return otherwise
        except Exception as error:  # every backend has its own; whichever it is, there is no cache
            self.breaker.failed()
            LOGGER.warning("The cache does not answer: %s", error)
            return otherwise
        self.breaker.succeeded()
        return answer


def _value(found: object) -> tuple[object] | None:
    """What lies in the cache as the value that it stands for; None for nothing, and for what another release left."""
    return (serializer.unpack(found),) if isinstance(found, bytes) else None


STORE = Store()


def load_cache_client() -> None:
    """Imports the cache's client, before there are threads that ask it.

    The modules of the Redis client import each other in circles: two threads that ask for the first time at once (the
    probes of the cache and of the queue do) each find half of it, and neither has an answer. Nothing is connected to.
    """
    getattr(cache, "client", None)


def advance(scope: str) -> bool:
    """Invalidates everything cached in the scope (see `Store.advance`)."""
    return STORE.advance(scope)
