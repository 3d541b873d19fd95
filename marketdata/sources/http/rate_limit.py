"""When the next call of a group may be sent: pure functions on a state that all processes share.

An exchange that takes N calls in any W seconds counts a call somewhere between its sending and its answer. So each
call occupies one of N slots, and another may be sent in its place once this is certain to be counted W later:

1. A call that was answered was counted before its answer, earlier by what the answer took on its way; the next call is
   counted later than it is sent, by what the call takes. Both together are no less than the shortest round trip, so
   the slot is free W - shortest after the answer. Whatever came late in between, a timer or an answer, is in that
   moment already; nothing has to be corrected for it.
2. A call without an answer keeps its slot for `PATIENCE` more than W: also one whose process was killed.
3. Calls lie evenly on a grid of W / N, but may be `BEHIND` it, as some are late and slots become free late: then they
   lie `CLOSEST` of a spacing apart at least. A group that was idle begins a grid of its own.
4. A refusal holds the group and stretches W a little, for all processes, to `SLOWEST` times at most; it recovers.
5. A permit is given only in the moment in which it may be used, so that a hold is never too late for one. Processes
   that wait stand in a line, and come when they were told to; who comes later than `LATE` has lost the place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import NamedTuple

SLOWEST = 2.0  # times the configured spacing
RECOVERY = 5.0  # seconds in which a slowed pace wins back 1 %
FORGOTTEN = 3600.0  # seconds after which a refusal no longer counts
PATIENCE = 0.25  # seconds after a permit in which a call that is not answered is taken to have been counted
MARGIN = 0.001  # seconds: clocks are read a little early or late
CLOSEST = 0.7  # spacings
BEHIND = 2.0  # spacings
MOST_SLOTS = 64  # a state stays small: who makes more calls a second keeps a limit for part of one
LOOK_AGAIN = 0.02  # seconds until it is looked again whether a call has been answered
LATE = 0.05  # seconds
AHEAD = 5.0  # seconds that clocks may differ; what lies further ahead was written before the clock was put back


@dataclass(frozen=True, slots=True)
class Rate:
    """A group of calls that share a limit, and how many a second are made."""

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
    """A call: when its permit was given, when it was answered (None: not yet), and the shortest round trip of who made
    it, as far as it is known."""

    at: float
    answered: float | None = None
    shortest: float = 0.0

    def free(self, window: float, shortest: float) -> float:
        """From when on a call of somebody whose shortest round trip is that may take its place, for certain."""
        if self.answered is None:
            return self.at + window + PATIENCE
        return self.answered - min(self.shortest, shortest) + window + MARGIN

    def hopefully_free(self, window: float, shortest: float) -> float:
        """The same, were it answered without delay."""
        return self.at + window + MARGIN if self.answered is None else self.free(window, shortest)


class QueuePlace(NamedTuple):
    """Who waits for a permit, and how long the place in the line is kept."""

    who: str
    until: float


class PermitAnswer(NamedTuple):
    """`at`: the moment of a permit, which may be used at once. None: ask again in `wait` seconds."""

    at: float | None
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """The state of one group; times in seconds on one clock. `slots` in the order of their permits; `grid`: when the
    next call is due; `last`: who made the last one."""

    slots: tuple[CallSlot, ...] = ()
    grid: float = 0.0
    held_until: float = 0.0
    slower: float = 1.0
    slowed_at: float = -1.0
    floor: float = 1.0
    line: tuple[QueuePlace, ...] = ()
    last: str = ""

    def slowness(self, now: float) -> float:
        """How many times the configured spacing calls lie apart at `now`."""
        quiet = now - self.slowed_at
        if self.slowed_at < 0 or quiet > FORGOTTEN:
            return 1.0
        recovered: float = self.slower * 0.99 ** (max(quiet, 0.0) / RECOVERY)
        return max(self.floor, recovered)

    def taken(self, now: float, rate: Rate, who: str, shortest: float) -> tuple[RateLimitState, PermitAnswer]:
        """The state after `who`, with that shortest round trip (0: not known), has asked for a permit, and the
        answer."""
        newest = max(self.grid, self.slots[-1].at if self.slots else 0.0)
        if newest > now + AHEAD + SLOWEST * rate.spacing:
            return replace(self, slots=(), grid=0.0, line=()).taken(now, rate, who, shortest)
        slowness = self.slowness(now)
        window, spacing = rate.window * slowness, rate.spacing * slowness
        slots = tuple(one for one in self.slots if one.free(window, 0.0) > now)
        sure, hoped = self._due(slots, rate, slowness, shortest)
        line = tuple(one for one in self.line if one.until > now)
        names = [one.who for one in line]
        place = names.index(who) if who in names else len(names)
        if sure <= now and not place:
            grid, behind = max(self.grid, self.held_until), now - BEHIND * spacing
            if grid < behind:
                is_idle = len(slots) < rate.slots / 2
                grid = now if is_idle else behind
            taken = (*slots, CallSlot(now))
            changed = replace(self, slots=taken, grid=grid + spacing, line=line[1:], last=who)
            return changed, PermitAnswer(now)
        come = min(sure, max(hoped, now + LOOK_AGAIN))
        if place:
            come = max(now + LOOK_AGAIN, min(come + place * spacing, line[place - 1].until))
        if not line and who == self.last:
            return self, PermitAnswer(None, come - now)  # nobody else is here
        line = (*line[:place], QueuePlace(who, come + LATE), *line[place + 1 :])
        return replace(self, line=line), PermitAnswer(None, come - now)

    def _due(self, slots: tuple[CallSlot, ...], rate: Rate, slowness: float, shortest: float) -> tuple[float, float]:
        """From when on the next call may be sent, and from when on if those on their way are answered soon."""
        window, spacing = rate.window * slowness, rate.spacing * slowness
        due = max(self.held_until, self.grid)
        if not slots:
            return due, due
        due = max(due, slots[-1].at + CLOSEST * spacing)
        if len(slots) < rate.slots:
            return due, due
        sure = sorted(one.free(window, shortest) for one in slots)[-rate.slots]
        hoped = sorted(one.hopefully_free(window, shortest) for one in slots)[-rate.slots]
        return max(due, sure), max(due, hoped)

    def settled(self, at: float, answered: float, shortest: float) -> RateLimitState:
        """The state after the call whose permit is of `at` was answered, or failed."""
        others = [one for one in self.slots if one.at != at]
        return replace(self, slots=tuple(sorted([*others, CallSlot(at, answered, shortest)])))

    def held(self, until: float) -> RateLimitState:
        """The state with a hold; it never becomes shorter."""
        return replace(self, held_until=max(self.held_until, until))

    def slowed(self, now: float, factor: float) -> RateLimitState:
        """The state after a refusal. Those within a second of each other count as one."""
        if self.slowed_at >= 0 and now < self.slowed_at + 1.0:
            return self
        slower = min(SLOWEST, self.slowness(now) * factor)
        return replace(self, slower=slower, slowed_at=now, floor=min(SLOWEST, factor))

    def text(self) -> str:
        """The state as it is kept elsewhere."""
        kept = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(kept, separators=(",", ":"))

    @classmethod
    def of_text(cls, text: str) -> RateLimitState:
        """The state of such a text; that of a group without calls where it is of another release."""
        try:
            kept = json.loads(text)
            slots = tuple(CallSlot(*one) for one in kept.pop("slots"))
            line = tuple(QueuePlace(*one) for one in kept.pop("line"))
            return cls(slots=slots, line=line, **kept)
        except (AttributeError, KeyError, TypeError, ValueError):
            return cls()
