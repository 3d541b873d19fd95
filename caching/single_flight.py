"""Single flight within a process: of the threads that want the same answer at once, one computes it."""

from __future__ import annotations

from threading import Event, Lock, get_ident


class Flight:
    """A computation on its way. `value` is a tuple of one once it has landed well, None if it failed."""

    def __init__(self) -> None:
        self.pilot = get_ident()
        self.landed = Event()
        self.value: tuple[object] | None = None


class Flights:
    """Those on their way, by key."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._flying: dict[str, Flight] = {}

    def board(self, key: str) -> tuple[Flight, bool]:
        """The flight for `key`, and whether the caller is to fly it."""
        with self._lock:
            flight = self._flying.get(key)
            if flight is not None:
                return flight, False
            flight = self._flying[key] = Flight()
            return flight, True

    def land(self, key: str, flight: Flight) -> None:
        """To be called by the pilot whatever happened: wakes everybody who waits."""
        with self._lock:
            del self._flying[key]
        flight.landed.set()
