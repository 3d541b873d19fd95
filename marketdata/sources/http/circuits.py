"""The circuits of a host: one for each endpoint (a path without its query), and one for the host itself.

An endpoint that fails several times in a row opens its own circuit; other endpoints of the host are called as before.
The host's circuit is open when as many calls in a row failed, no endpoint answered in between, and at least two
endpoints are among them: before that, nothing says that more than one endpoint is broken. While it is open:

- One call at a time is a trial, for all endpoints together. Endpoints take turns: one without a failure since the last
  answer of the host comes first, then the one with the oldest trial, so that a dead endpoint takes no trial from a live
  one.
- An answer of any endpoint closes the host's circuit. Endpoints that failed keep their own.

The arithmetic of one circuit is `caching.circuit_breaker`; this file composes one of each endpoint and one of the host.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from caching.circuit_breaker import CircuitBreaker

ENDPOINTS = 2
"""Failing endpoints that put their host in doubt."""
NOT_ITS_TURN = 0.5
"""Seconds until an endpoint checks again while the next trial is another's."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A time without an answer, of a host or of one endpoint while others of its host answered: seconds, and calls in
    a row."""

    of_host: bool
    seconds: float
    calls: int


@dataclass(slots=True)
class _Failing:
    """An endpoint whose last call failed. `is_alone`: others of its host answered since its first failure in a row."""

    breaker: CircuitBreaker
    is_alone: bool = False


class HostCircuit:
    """The circuits of one host, for the calls of one event loop; `make` makes a closed breaker."""

    def __init__(self, make: Callable[[], CircuitBreaker]) -> None:
        self._make = make
        self._host = make()
        self._failing: dict[str, _Failing] = {}
        self._in_doubt: set[str] = set()  # endpoints that failed since the host last answered
        self._turns: dict[str, int] = {}  # of these and of those tried since then: the number of the last trial
        self._waiting: Counter[str] = Counter()

    @property
    def is_host_open(self) -> bool:
        """Whether calls of every endpoint are held back."""
        return self._host.is_open and len(self._in_doubt) >= ENDPOINTS

    def is_open(self, endpoint: str) -> bool:
        """Whether calls of this endpoint are held back."""
        failing = self._failing.get(endpoint)
        return self.is_host_open or (failing is not None and failing.breaker.is_open)

    @contextmanager
    def waiting(self, endpoint: str) -> Iterator[None]:
        """A context in which a call of this endpoint waits until its `delay` is 0, and takes part in the turns."""
        self._waiting[endpoint] += 1
        try:
            yield
        finally:
            self._waiting[endpoint] -= 1
            if not self._waiting[endpoint]:
                del self._waiting[endpoint]

    def delay(self, endpoint: str) -> float:
        """Seconds until a call of this endpoint may be made, 0: now. The caller that gets 0 from an open circuit makes
        its trial."""
        if not self.is_host_open:
            failing = self._failing.get(endpoint)
            return failing.breaker.delay() if failing else 0.0
        last_trial = self._turns.get(endpoint, 0)
        if any(self._turns.get(other, 0) < last_trial for other in self._waiting):
            return NOT_ITS_TURN
        delay = self._host.delay()
        if delay == 0.0:
            self._turns[endpoint] = max(self._turns.values()) + 1
        return delay

    def succeeded(self, endpoint: str) -> None:
        """Note an answer: the circuits of the host and of this endpoint close."""
        self._host.succeeded()
        self._in_doubt.clear()
        self._turns.clear()
        self._failing.pop(endpoint, None)
        for failing in self._failing.values():
            failing.is_alone = True

    def failed(self, endpoint: str) -> None:
        """Note a call of this endpoint without an answer."""
        failing = self._failing.get(endpoint)
        if failing is None:
            failing = self._failing[endpoint] = _Failing(self._make())
        self._host.failed()
        failing.breaker.failed()
        self._in_doubt.add(endpoint)
        self._turns.setdefault(endpoint, 1)

    def silence(self, endpoint: str, patience: float) -> Silence | None:
        """The silence of more than `patience` seconds that holds calls of this endpoint back: its own, or that of its
        host where a call of this endpoint failed as well; None where there is none."""
        failing = self._failing.get(endpoint)
        if failing is None:
            return None
        own, host = failing.breaker, self._host
        is_long = own.is_open and own.failing_for > patience
        if is_long and failing.is_alone:
            return Silence(False, own.failing_for, own.failures)
        is_gone = self.is_host_open and endpoint in self._in_doubt and host.failing_for > patience
        return Silence(True, host.failing_for, host.failures) if is_long or is_gone else None
