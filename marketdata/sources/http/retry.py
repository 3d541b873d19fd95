"""Waits before the next attempt of a call: full jitter, bounded, never less than the other side requests."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from caching.circuit_breaker import CircuitBreaker

LONGEST_REST = 3.0
"""Seconds between two trials of a host or an endpoint that does not answer."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`attempts` of one call in all, the first included, within `patience` seconds of its first failure. Waits in
    seconds.

    Full jitter: the wait before attempt n+1 is uniform in [0, min(cap, base * 2^(n-1))], so that
    clients refused together do not come back together. A wait that the other side requests is kept in
    full; one longer than `longest` ends the call with an error that says when to come back.
    """

    attempts: int = 40
    base: float = 0.5
    cap: float = 2.0
    longest: float = 90.0
    patience: float = 90.0
    draw: Callable[[float, float], float] = random.uniform

    def wait(self, attempt: int, requested: float | None) -> float | None:
        """Seconds before the attempt after number `attempt` (1-based); None: give up. `requested`: the wait that the
        other side requests, if any."""
        if attempt >= self.attempts or (requested is not None and requested > self.longest):
            return None
        jitter = self.draw(0.0, min(self.cap, self.base * 2.0 ** (attempt - 1)))
        # Jitter on top of the requested wait: clients refused together would otherwise meet again.
        return jitter if requested is None else requested + min(jitter, 1.0)


def default_breaker() -> CircuitBreaker:
    """The circuit breaker of a host or an endpoint: five calls in a row without an answer open it, the first trial is a
    second later."""
    return CircuitBreaker(threshold=5, rest=1.0, longest=LONGEST_REST)


def retry_after(value: str | None, now: float) -> float | None:
    """The seconds of a Retry-After header, a number or a date; None where it has neither."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    when = http_date(value)
    return None if when is None else max(0.0, when - now)


def http_date(value: str | None) -> float | None:
    """A Date or Retry-After date in seconds since 1970 UTC; None where it is not one."""
    if not value:
        return None
    try:
        parsed = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
