"""When the next call of a group may be sent: pure functions on a state that all processes share.

An exchange that takes N calls in any W seconds counts a call somewhere between its sending and its answer. So each
call occupies one of N slots, and another may be sent in its place once it is certain to be counted W later:

1. A call that was answered was counted before its answer, earlier by what the answer took on its way; the next call is
   counted later than it is sent, by what the call takes. Both together are no less than the shortest round trip, so
   the slot is free W - shortest after the answer. A late timer or answer is part of that moment already and needs no
   correction.
2. A call without an answer, such as that of a killed process, keeps its slot for `PATIENCE` more than W.
3. Calls lie evenly on a grid of W / N, but may be `BEHIND` it, since some are late and slots become free late: then
   they lie at least `CLOSEST` of a spacing apart. A group that was idle begins a new grid.
4. A refusal holds the group and stretches W a little, for all processes, to `SLOWEST` times at most; it recovers.
5. A permit is given only at the moment at which it may be used, so that a hold is never too late for one. Waiting
   processes queue and return at the time of their answer; one that returns later than `LATE` loses its place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import NamedTuple

SLOWEST = 2.0  # times the configured spacing
RECOVERY = 5.0  # seconds in which a slowdown shrinks by 1 %
FORGOTTEN = 3600.0  # seconds after which a refusal no longer counts
PATIENCE = 0.25  # seconds after a permit within which an unanswered call is assumed to be counted
MARGIN = 0.001  # seconds: clocks are read a little early or late
CLOSEST = 0.7  # spacings
BEHIND = 2.0  # spacings
MOST_SLOTS = 64  # bounds the size of a state: higher rates use a window shorter than a second
LOOK_AGAIN = 0.02  # seconds between checks whether a call has been answered
LATE = 0.05  # seconds
AHEAD = 5.0  # seconds that clocks may differ; later moments were written before the clock was set back


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate limit of a group of calls: at most `per_second` calls a second."""

    group: str
    per_second: float

    @property
    def slots(self) -> int:
        """N: how many calls are made in any `window`."""
        return self._whole // self._parts

    @property
    def window(self) -> float:
        """W in seconds: that of the largest whole number of calls not above the rate, or of an even part of them."""
        return self._whole / self.per_second / self._parts

    @property
    def spacing(self) -> float:
        return self.window / self.slots

    @property
    def _whole(self) -> int:
        return max(1, int(self.per_second))

    @property
    def _parts(self) -> int:
        return -(-self._whole // MOST_SLOTS)


class CallSlot(NamedTuple):
    """The slot of a call: the moment of its permit, of its answer (None: not yet), and the shortest round trip of the
    process that made it (0: unknown)."""

    at: float
    answered: float | None = None
    shortest: float = 0.0

    def free(self, window: float, shortest: float) -> float:
        """The moment from which a call with that shortest round trip may certainly take this slot."""
        if self.answered is None:
            return self.at + window + PATIENCE
        return self.answered - min(self.shortest, shortest) + window + MARGIN

    def earliest_free(self, window: float, shortest: float) -> float:
        """The same for an answer without delay."""
        return self.at + window + MARGIN if self.answered is None else self.free(window, shortest)


class QueuePlace(NamedTuple):
    """A process that waits for a permit, and the moment until which its place is reserved."""

    process: str
    until: float


class PermitAnswer(NamedTuple):
    """The answer to a request for a permit. `at`: the moment of the permit, usable at once; None: repeat the request
    in `wait` seconds."""

    at: float | None
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """The state of one group; times in seconds on one clock. `slots` in the order of their permits; `grid`: when the
    next call is due; `last_process`: the process of the last call."""

    slots: tuple[CallSlot, ...] = ()
    grid: float = 0.0
    hold_until: float = 0.0
    slowdown: float = 1.0
    slowdown_at: float = -1.0
    floor: float = 1.0
    queue: tuple[QueuePlace, ...] = ()
    last_process: str = ""

    def slowness(self, now: float) -> float:
        """The factor on the configured spacing at `now`."""
        quiet = now - self.slowdown_at
        if self.slowdown_at < 0 or quiet > FORGOTTEN:
            return 1.0
        recovered: float = self.slowdown * 0.99 ** (max(quiet, 0.0) / RECOVERY)
        return max(self.floor, recovered)

    def request_permit(
        self, now: float, rate: Rate, process: str, shortest: float
    ) -> tuple[RateLimitState, PermitAnswer]:
        """The state after a request of `process`, whose shortest round trip is `shortest` (0: unknown), and the
        answer."""
        newest = max(self.grid, self.slots[-1].at if self.slots else 0.0)
        if newest > now + AHEAD + SLOWEST * rate.spacing:
            return replace(self, slots=(), grid=0.0, queue=()).request_permit(now, rate, process, shortest)
        slowness = self.slowness(now)
        window, spacing = rate.window * slowness, rate.spacing * slowness
        slots = tuple(slot for slot in self.slots if slot.free(window, 0.0) > now)
        certain, earliest = self._due(slots, rate, slowness, shortest)
        queue = tuple(place for place in self.queue if place.until > now)
        names = [place.process for place in queue]
        position = names.index(process) if process in names else len(names)
        if certain <= now and not position:
            grid, behind = max(self.grid, self.hold_until), now - BEHIND * spacing
            if grid < behind:
                is_idle = len(slots) < rate.slots / 2
                grid = now if is_idle else behind
            slots = (*slots, CallSlot(now))
            changed = replace(self, slots=slots, grid=grid + spacing, queue=queue[1:], last_process=process)
            return changed, PermitAnswer(now)
        due = min(certain, max(earliest, now + LOOK_AGAIN))
        if position:
            due = max(now + LOOK_AGAIN, min(due + position * spacing, queue[position - 1].until))
        if not queue and process == self.last_process:
            return self, PermitAnswer(None, due - now)  # no other process needs to see a queue
        queue = (*queue[:position], QueuePlace(process, due + LATE), *queue[position + 1 :])
        return replace(self, queue=queue), PermitAnswer(None, due - now)

    def _due(self, slots: tuple[CallSlot, ...], rate: Rate, slowness: float, shortest: float) -> tuple[float, float]:
        """The moment from which the next call may be sent, and the same if open calls are answered at once."""
        window, spacing = rate.window * slowness, rate.spacing * slowness
        due = max(self.hold_until, self.grid)
        if not slots:
            return due, due
        due = max(due, slots[-1].at + CLOSEST * spacing)
        if len(slots) < rate.slots:
            return due, due
        certain = sorted(slot.free(window, shortest) for slot in slots)[-rate.slots]
        earliest = sorted(slot.earliest_free(window, shortest) for slot in slots)[-rate.slots]
        return max(due, certain), max(due, earliest)

    def settle(self, at: float, answered: float, shortest: float) -> RateLimitState:
        """The state after the call with the permit of `at` was answered, or failed."""
        others = [slot for slot in self.slots if slot.at != at]
        return replace(self, slots=tuple(sorted([*others, CallSlot(at, answered, shortest)])))

    def hold(self, until: float) -> RateLimitState:
        """The state with a hold; it never becomes shorter."""
        return replace(self, hold_until=max(self.hold_until, until))

    def slow_down(self, now: float, factor: float) -> RateLimitState:
        """The state after a refusal. Refusals within one second count once."""
        if self.slowdown_at >= 0 and now < self.slowdown_at + 1.0:
            return self
        slowdown = min(SLOWEST, self.slowness(now) * factor)
        return replace(self, slowdown=slowdown, slowdown_at=now, floor=min(SLOWEST, factor))

    def text(self) -> str:
        """The state as JSON, for stores."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def of_text(cls, text: str) -> RateLimitState:
        """The state of such a text; an empty one where the text is of another release."""
        try:
            fields = json.loads(text)
            slots = tuple(CallSlot(*slot) for slot in fields.pop("slots"))
            queue = tuple(QueuePlace(*place) for place in fields.pop("queue"))
            return cls(slots=slots, queue=queue, **fields)
        except (AttributeError, KeyError, TypeError, ValueError):
            return cls()
