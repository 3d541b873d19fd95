"""A circuit breaker per host: after many failures in a row a host is left alone for a while.

closed --(`threshold` failures in a row)--> open --(`cooldown` seconds)--> half open: one call is
let through; its success closes the circuit, its failure opens it again. A refusal with an answer
(a rate limit, a business error) is a sign of life and counts as a success.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from marketdata.sources.base import SourceUnavailable


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    opened_at: float | None = None
    probing_since: float | None = None


class Breaker:
    """Safe to share between threads; knows nothing of other processes."""

    def __init__(
        self,
        *,
        threshold: int = 10,
        cooldown: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threshold = threshold
        self._cooldown = cooldown
        self._clock = clock
        self._lock = threading.Lock()
        self._circuits: dict[str, _Circuit] = {}

    def check(self, host: str) -> None:
        """Return if a call may be sent; SourceUnavailable with the seconds left if not."""
        with self._lock:
            circuit = self._circuits.setdefault(host, _Circuit())
            if circuit.opened_at is None:
                return
            now = self._clock()
            left = circuit.opened_at + self._cooldown - now
            if left <= 0:
                # A probe that never reported (a cancelled call) must not close the host for ever.
                lost = circuit.probing_since
                if lost is None or now - lost >= self._cooldown:
                    circuit.probing_since = now
                    return
                left = lost + self._cooldown - now
        raise SourceUnavailable(
            f"{host} failed {circuit.failures} times in a row and is left alone for {left:.0f} s.",
            retry_after=left,
        )

    def succeeded(self, host: str) -> None:
        """The host answered: the circuit closes."""
        with self._lock:
            self._circuits[host] = _Circuit()

    def failed(self, host: str) -> None:
        """The host did not answer, or with a server error."""
        with self._lock:
            circuit = self._circuits.setdefault(host, _Circuit())
            circuit.failures += 1
            if circuit.opened_at is not None or circuit.failures >= self._threshold:
                circuit.opened_at = self._clock()
                circuit.probing_since = None

    def is_open(self, host: str) -> bool:
        with self._lock:
            circuit = self._circuits.get(host)
            return circuit is not None and circuit.opened_at is not None
