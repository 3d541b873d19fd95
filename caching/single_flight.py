"""Single flight within a process: of the threads that need the same answer at once, one computes it."""

from __future__ import annotations

from threading import Event, Lock, get_ident


class Flight:
    """A running computation. `value`: a tuple of the answer once it has succeeded, None if it failed; `incomplete`:
    whether the answer lacks a part, so that it is not stored."""

    def __init__(self) -> None:
        self.pilot = get_ident()
        self.landed = Event()
        self.value: tuple[object] | None = None
        self.incomplete = False


class Flights:
    """The running computations by key."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._flying: dict[str, Flight] = {}

    def board(self, key: str) -> tuple[Flight, bool]:
        """The flight for `key`, and whether the caller is its pilot, who computes."""
        with self._lock:
            flight = self._flying.get(key)
            if flight is not None:
                return flight, False
            flight = self._flying[key] = Flight()
            return flight, True

    def land(self, key: str, flight: Flight) -> None:
        """End a flight and wake all waiting threads; the pilot calls it after success and failure."""
        with self._lock:
            del self._flying[key]
        flight.landed.set()
