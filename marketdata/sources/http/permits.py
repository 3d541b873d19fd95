"""Where the permits of a group of calls are kept: in this process, in Redis, or in rows of a database.

A permit is a moment; the next one lies one spacing later. A store hands them out atomically to all
who use it, keeps a hold (no permit before its end) and the pace of the group, which refusals slow
down for every process.

Who wakes up late for a permit may not be followed by a burst: of as many calls as a second allows, the last one must
still lie a second behind the first. So the permit that comes a second later is moved by the lateness, once for all
calls that were late in between: by that of the latest, not by their sum.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from marketdata.sources.base import SourceUnavailable

SLOWEST = 2.0  # times the configured spacing
RECOVERY = 5.0  # seconds in which a slowed pace wins back 1 %
FORGOTTEN = 3600.0  # seconds after which a refusal no longer counts


class LimiterStore(Protocol):
    """Where the next permit of a group is kept; every method is atomic across all users of the
    store.

    `blocking`: a call may wait for a network or a disk, so it is made outside the event loop.
    """

    @property
    def blocking(self) -> bool: ...

    def take(self, key: str, spacing: float) -> float:
        """Take the next permit; seconds until its moment comes (0: now)."""

    def hold(self, key: str, seconds: float) -> None:
        """No permit before that many seconds have passed; never shortens a hold."""

    def held(self, key: str) -> float:
        """Seconds left of a hold, 0 without one."""

    def slow_down(self, key: str, factor: float) -> None:
        """Multiply the spacing of the group by `factor`, to `SLOWEST` times at most; it recovers by itself.

        Refusals within a second of each other count as one.
        """

    def lag(self, key: str, seconds: float) -> None:
        """A permit was used so late: one of the next is moved."""

    def close(self) -> None:
        """Give back what is held open; called by the thread that made the other calls."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The state of one group; times in seconds on the store's clock.

    `late`: how late calls since the permit of `late_at` have been at most, for which no permit has been moved yet;
    below 0 where the first permit after `late_at` has been moved by as much.
    """

    next_at: float = 0.0
    held_until: float = 0.0
    slower: float = 1.0
    slowed_at: float = -1.0
    floor: float = 1.0
    late: float = 0.0
    late_at: float = 0.0

    def slowness(self, now: float) -> float:
        """How many times the configured spacing calls lie apart at `now`."""
        quiet = now - self.slowed_at
        if self.slowed_at < 0 or quiet > FORGOTTEN:
            return 1.0
        recovered: float = self.slower * 0.99 ** (max(quiet, 0.0) / RECOVERY)
        return max(self.floor, recovered)

    def taken(self, now: float, spacing: float) -> tuple[Pace, float]:
        """The state after one more permit, and that permit's moment."""
        at, late, slowness = max(now, self.next_at, self.held_until), self.late, self.slowness(now)
        window = max(1.0, spacing)
        if late > 0 and at >= self.late_at + window - spacing / 2:
            # Calls that lie further apart than they must may be late by as much.
            at = max(at, self.next_at + late - window * (slowness - 1))
            moved = at - spacing / 2  # between two permits: clocks are read a little early or late
            return replace(self, next_at=at + spacing * slowness, late=-late, late_at=moved), at
        return replace(self, next_at=at + spacing * slowness), at

    def hold(self, until: float) -> Pace:
        return replace(self, held_until=max(self.held_until, until))

    def lag(self, now: float, seconds: float) -> Pace:
        if self.late > 0:
            return replace(self, late=max(self.late, seconds))
        if now - seconds >= self.late_at:
            return replace(self, late=seconds, late_at=now - seconds)
        # The call came before the permit that was moved already, by as much as was known then.
        more = seconds + self.late
        return replace(self, late=-seconds, next_at=self.next_at + more) if more > 0 else self

    def slow_down(self, now: float, factor: float) -> Pace:
        if self.slowed_at >= 0 and now < self.slowed_at + 1.0:
            return self
        slower = min(SLOWEST, self.slowness(now) * factor)
        return replace(self, slower=slower, slowed_at=now, floor=min(SLOWEST, factor))


class ProcessStore:
    """Permits of one process: enough where there is only one, or no shared place."""

    blocking = False

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._paces: dict[str, Pace] = {}

    def take(self, key: str, spacing: float) -> float:
        with self._lock:
            now = self._clock()
            self._paces[key], at = self._paces.get(key, Pace()).taken(now, spacing)
        return at - now

    def hold(self, key: str, seconds: float) -> None:
        with self._lock:
            pace = self._paces.get(key, Pace())
            self._paces[key] = pace.hold(self._clock() + seconds)

    def held(self, key: str) -> float:
        return max(0.0, self._paces.get(key, Pace()).held_until - self._clock())

    def slow_down(self, key: str, factor: float) -> None:
        with self._lock:
            pace = self._paces.get(key, Pace())
            self._paces[key] = pace.slow_down(self._clock(), factor)

    def lag(self, key: str, seconds: float) -> None:
        with self._lock:
            pace = self._paces.get(key, Pace())
            self._paces[key] = pace.lag(self._clock(), seconds)

    def close(self) -> None:
        """Nothing is held open."""


class PaceRows(Protocol):
    """Rows of a database, one a group, that change only from a known value (compare and swap)."""

    def load(self, key: str) -> Pace | None:
        """The row as last committed; None where there is none yet."""

    def swap(self, key: str, old: Pace | None, new: Pace) -> bool:
        """Write `new` if the row still equals `old` (None: does not exist), in one statement."""

    def close(self) -> None:
        """Close the connection of this thread."""


class RowStore:
    """Permits shared through a database, for processes without a Redis. Uses the wall clock.

    All processes that share the rows must run on one clock: one host, or hosts kept in time.
    """

    blocking = True

    def __init__(
        self, rows: PaceRows, *, clock: Callable[[], float] = time.time, tries: int = 200
    ) -> None:
        self._rows = rows
        self._clock = clock
        self._tries = tries

    def take(self, key: str, spacing: float) -> float:
        at = 0.0
        now = 0.0

        def change(pace: Pace) -> Pace:
            nonlocal at, now
            now = self._clock()
            changed, at = pace.taken(now, spacing)
            return changed

        self._change(key, change)
        return at - now

    def hold(self, key: str, seconds: float) -> None:
        self._change(key, lambda pace: pace.hold(self._clock() + seconds))

    def held(self, key: str) -> float:
        pace = self._rows.load(key)
        return max(0.0, pace.held_until - self._clock()) if pace else 0.0

    def slow_down(self, key: str, factor: float) -> None:
        self._change(key, lambda pace: pace.slow_down(self._clock(), factor))

    def lag(self, key: str, seconds: float) -> None:
        self._change(key, lambda pace: pace.lag(self._clock(), seconds))

    def close(self) -> None:
        self._rows.close()

    def _change(self, key: str, change: Callable[[Pace], Pace]) -> None:
        for _ in range(self._tries):
            old = self._rows.load(key)
            new = change(old or Pace())
            if new == old or self._rows.swap(key, old, new):
                return
        raise SourceUnavailable(
            f"The rate limit {key} is contended: its row changed under every try."
        )
