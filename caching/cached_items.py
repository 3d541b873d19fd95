"""Cached answers of single items, which one call computes for many of them at once.

    QUOTES: CachedItems[Quote | None] = CachedItems("live", what="quotes", failures=(SourceError,), holds=(Quote,))
    quotes = QUOTES((market, session), codes, read_quotes)

1. Every item is stored on its own: a request computes those alone that are not stored.
2. One caller of a scope computes at a time: one thread of this process that also has the scope's lease in the cache,
   against other processes. The others wait for it, at most `policy.wait` seconds, and look again; so an item that
   several want at the same time is computed once.
3. An error of `failures` is an answer too: its text is stored for the scope, and every request with a missing item
   raises it as `StoredFailure` until it expires. Other errors reach their caller and are not stored.
4. Without a cache every request computes its items.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

from caching import keys, serializer
from caching.policies import Policy, get_policy
from caching.single_flight import Flights
from caching.stats import STATS
from caching.store import STORE

R = TypeVar("R")
Compute = Callable[[Sequence[str]], Mapping[str, R]]
POLL = 0.02
"""Seconds between two checks for the answers of another process."""


class StoredFailure(Exception):
    """The items of a scope could not be computed, now or less than the policy's time ago; the message says why."""


class CachedItems(Generic[R]):
    """The items' cache. `what` names the answers in keys and counters; `version` rises when their form changes; `holds`
    are the dataclasses in answers, besides plain data (see `serializer`)."""

    def __init__(
        self,
        policy_name: str,
        *,
        what: str,
        version: int = 1,
        failures: tuple[type[Exception], ...] = (),
        holds: Sequence[type[Any]] = (),
    ) -> None:
        get_policy(policy_name)  # refuses an unknown name at once
        serializer.register(*holds)
        self.what = what
        self._policy_name = policy_name
        self._version = version
        self._failures = failures
        self._flights = Flights()

    @property
    def policy(self) -> Policy:
        """How long its answers are served."""
        return get_policy(self._policy_name)

    def __call__(self, scope: Sequence[keys.Part], items: Sequence[str], compute: Compute[R]) -> dict[str, R]:
        """The answers of `items`, in their order; `compute` is called with the missing ones and answers each of them,
        None being an answer like any other. StoredFailure where it fails or failed a moment ago."""
        answers = self._stored(scope, items)
        self._count(hits=len(answers))
        deadline = time.monotonic() + self.policy.wait
        turn = self._key(scope, "turn")
        while missing := [item for item in items if item not in answers]:
            flight, is_pilot = self._flights.board(turn)
            if is_pilot:
                try:
                    answers |= self._compute_in_turn(scope, missing, compute, deadline)
                finally:
                    self._flights.land(turn, flight)
            elif flight.landed.wait(max(deadline - time.monotonic(), 0)):
                answers |= self._shared(scope, missing)
            else:
                answers |= self._compute(scope, missing, compute)
        return {item: answers[item] for item in items}

    def _compute_in_turn(
        self, scope: Sequence[keys.Part], items: Sequence[str], compute: Compute[R], deadline: float
    ) -> dict[str, R]:
        """Computes what no other process computes meanwhile."""
        lease, holder = self._key(scope, "turn"), uuid.uuid4().hex
        try:
            while not STORE.take_lease(lease, holder, self.policy.lease) and time.monotonic() < deadline:
                time.sleep(POLL)
            answers = self._shared(scope, items)
            missing = [item for item in items if item not in answers]
            return answers | self._compute(scope, missing, compute) if missing else answers
        finally:
            STORE.end_lease(lease, holder)

    def _compute(self, scope: Sequence[keys.Part], items: Sequence[str], compute: Compute[R]) -> dict[str, R]:
        failure = STORE.get(self._key(scope, "failure"))
        if failure is not None:
            raise StoredFailure(str(failure[0]))
        started, ttl = time.perf_counter(), self.policy.ttl
        try:
            answers = dict(compute(items))
        except self._failures as error:
            self._count(failures=1)
            STORE.put(self._key(scope, "failure"), str(error), ttl)
            raise StoredFailure(str(error)) from error
        written = STORE.put_many({self._key(scope, "item", item): answers[item] for item in items}, ttl)
        self._count(misses=len(items), seconds=time.perf_counter() - started, bytes=written)
        return answers

    def _shared(self, scope: Sequence[keys.Part], items: Sequence[str]) -> dict[str, R]:
        """Those that another caller has stored."""
        answers = self._stored(scope, items)
        self._count(shared=len(answers))
        return answers

    def _stored(self, scope: Sequence[keys.Part], items: Sequence[str]) -> dict[str, R]:
        names = {self._key(scope, "item", item): item for item in items}
        values = STORE.get_many(list(names))
        return {names[key]: cast(R, value) for key, value in values.items()}

    def _key(self, scope: Sequence[keys.Part], *parts: str) -> str:
        return keys.answer(self.what, version=self._version, generation=0, parts=(*scope, *parts))

    def _count(self, **numbers: float) -> None:
        if any(numbers.values()):
            STATS.count(self.what, self._policy_name, **numbers)
