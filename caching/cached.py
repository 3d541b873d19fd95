"""The cache decorator: stores the answers of a function for a while.

    @cached("published", what="chart", version=2, scope=lambda market, code: f"market.{market}")
    def chart(market: str, code: str) -> Chart: ...

1. The key consists of `what`, version, the scope's generation and the arguments (`keys`).
2. A stored answer is returned; None is an answer like any other.
3. Otherwise one caller computes: one thread of this process (`single_flight`), in one process of a server on this
   machine (`shared_answers`), or in all that use the cache where that is shared and the policy has leases. The others
   wait for it, at most `policy.wait` seconds, then compute for themselves.
4. An error of the function reaches its caller, is not stored, and lets the next caller compute. Nor is an answer stored
   that lacks a part which may be there again at once (`leave_unstored`).
5. Without a cache (`store`) the function is called, still once at a time for each key.
"""

from __future__ import annotations

import functools
import math
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Generic, ParamSpec, TypeVar, cast

from caching import keys, serializer
from caching.policies import Policy, get_policy
from caching.shared_answers import SHARED
from caching.single_flight import Flight, Flights
from caching.stats import STATS
from caching.store import STORE

P = ParamSpec("P")
R = TypeVar("R")
POLL = 0.02  # seconds between two checks for the answer of another process


_INCOMPLETE: ContextVar[bool] = ContextVar("incomplete", default=False)


def leave_unstored() -> None:
    """Called while an answer is computed that lacks a part for now, as a file that is being written: neither it nor an
    answer made from it is stored."""
    _INCOMPLETE.set(True)


def cached(
    policy_name: str,
    *,
    what: str,
    version: int = 1,
    scope: str | Callable[..., str] | None = None,
    by: Callable[..., Sequence[keys.Part]] | None = None,
    holds: Sequence[type[Any]] = (),
) -> Callable[[Callable[P, R]], Cached[P, R]]:
    """A decorator that caches the answers of a function.

    `policy_name` is one of `policies.POLICIES`; `what` names the answers in keys and counters; `version` rises when
    their form changes; `scope` (a name, or a function of the arguments) is the set of answers that `store.advance`
    invalidates together; `by` (a function of the arguments) replaces the arguments in the key; `holds` are the
    dataclasses in answers, besides plain data (see `serializer`).
    """
    get_policy(policy_name)  # refuses an unknown name at once
    serializer.register(*holds)

    def decorate(function: Callable[P, R]) -> Cached[P, R]:
        return Cached(function, what, version, scope, by, policy_name)

    return decorate


class Cached(Generic[P, R]):
    """The cached function. Arguments (or the result of `by`) are text, numbers, dates, or collections of them."""

    def __init__(
        self,
        function: Callable[P, R],
        what: str,
        version: int,
        scope: str | Callable[..., str] | None,
        by: Callable[..., Sequence[keys.Part]] | None,
        policy_name: str,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.what = what
        self._version = version
        self._scope = scope
        self._by = by
        self._policy_name = policy_name
        self._flights = Flights()

    @property
    def policy(self) -> Policy:
        """How long its answers are served."""
        return get_policy(self._policy_name)

    def _count_stale(self) -> None:
        self._count(stale=1)

    def _count(self, **numbers: float) -> None:
        STATS.count(self.what, self._policy_name, **numbers)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._answer(self.key(*args, **kwargs), *args, **kwargs)

    def _answer(self, key: str, *args: P.args, **kwargs: P.kwargs) -> R:
        deadline = time.monotonic() + self.policy.wait
        while True:
            stored = STORE.get(key, self._count_stale)
            if stored is not None:
                self._count(hits=1)
                return cast(R, stored[0])
            flight, is_pilot = self._flights.board(key)
            if is_pilot:
                return self._fly(key, flight, deadline, *args, **kwargs)
            left = deadline - time.monotonic()
            if left <= 0 or flight.pilot == threading.get_ident():  # a recursive call
                return self._compute(key, *args, **kwargs)[0]
            if flight.landed.wait(left) and flight.value is not None:
                self._count(shared=1)
                if flight.incomplete:
                    leave_unstored()
                return cast(R, flight.value[0])

    def is_stored(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether the answer for these arguments is stored."""
        return STORE.get(self.key(*args, **kwargs)) is not None

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Computes, stores and returns the answer, whether or not one is stored."""
        return self._compute(self.key(*args, **kwargs), *args, **kwargs)[0]

    def forget(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Drops the answer for these arguments."""
        key = self.key(*args, **kwargs)
        STORE.forget(key)
        SHARED.forget(key)

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The key of the answer for these arguments; positional and named arguments differ."""
        scope = self._scope(*args, **kwargs) if callable(self._scope) else self._scope
        return keys.answer(
            self.what,
            version=self._version,
            generation=STORE.generation(scope) if scope else 0,
            parts=self._by(*args, **kwargs) if self._by else (args, kwargs),
        )

    def _fly(self, key: str, flight: Flight, deadline: float, *args: P.args, **kwargs: P.kwargs) -> R:
        """Computes for the processes of this server, or waits for one of them that computes already."""
        try:
            with SHARED.turn(key, deadline) as waited:
                flight.value = self._from_process(key, waited)
                if flight.value is None:
                    compute = self._lead if self.policy.lease else self._compute_for
                    compute(key, flight, deadline, *args, **kwargs)
            return cast(R, cast("tuple[object]", flight.value)[0])
        finally:
            self._flights.land(key, flight)

    def _compute_for(self, key: str, flight: Flight, deadline: float, *args: P.args, **kwargs: P.kwargs) -> None:
        value, flight.incomplete = self._compute(key, *args, **kwargs)
        flight.value = (value,)

    def _lead(self, key: str, flight: Flight, deadline: float, *args: P.args, **kwargs: P.kwargs) -> None:
        """Computes with the lease of the key, or waits for the process that has it."""
        holder = uuid.uuid4().hex
        try:
            while not STORE.take_lease(key, holder, self.policy.lease):
                flight.value = STORE.get(key)
                if flight.value is not None:
                    self._count(shared=1)
                    return
                if time.monotonic() > deadline:
                    break
                time.sleep(POLL)
            flight.value = STORE.get(key)  # stored between the first lookup and the lease
            if flight.value is None:
                self._compute_for(key, flight, deadline, *args, **kwargs)
        finally:
            STORE.end_lease(key, holder)

    def _from_process(self, key: str, waited: bool) -> tuple[object] | None:
        """A tuple of the answer that another process of this server has computed, stored here too."""
        if STORE.is_shared:
            stored = STORE.get(key) if waited else None
        else:
            answer = SHARED.read(key, self.policy.ttl) if self._scope is None else None
            stored = None if answer is None else answer[:1]
            if answer is not None:
                STORE.put(key, answer[0], math.ceil(answer[1]))
        if stored is not None:
            self._count(shared=1)
        return stored

    def _compute(self, key: str, *args: P.args, **kwargs: P.kwargs) -> tuple[R, bool]:
        """The answer, stored unless it is incomplete, and whether it is."""
        started, outer = time.perf_counter(), _INCOMPLETE.get()
        _INCOMPLETE.set(False)
        try:
            value = self.function(*args, **kwargs)
            incomplete = _INCOMPLETE.get()
        except BaseException:
            _INCOMPLETE.set(outer)
            self._count(failures=1)
            raise
        _INCOMPLETE.set(outer or incomplete)
        self._count(misses=1, seconds=time.perf_counter() - started)
        size = 0 if incomplete else STORE.put(key, value, self.policy.ttl)
        self._count(**({"bytes": size} if size else {"unstored": 1}))
        # A generation of the cache is this process's own where the cache is.
        if size and self._scope is None and not STORE.is_shared:
            SHARED.write(key, value)
        return value, incomplete
