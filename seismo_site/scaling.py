"""How many task clusters each queue has: a decision from the tasks that wait and what the host has left.

1. Each queue has one cluster at least, both together `least` to `most`.
2. A queue is pressed where its oldest task has waited for longer than its patience, or where twice as many tasks wait
   as it has workers. Pressed for `GROW_AFTER` seconds it gets one more cluster, unless the host lacks CPU or memory, or
   the last one that it got has no worker yet (for `START_UP` seconds at most). At `most`, a pressed `high` takes the
   place of a surplus cluster of `low`.
3. A queue is idle where nothing waits and a worker has nothing to do. Idle for `SHRINK_AFTER` seconds it loses one.
   Where memory is short, a surplus cluster of `low` goes at once.

Growing and shrinking need different times (hysteresis), so that a queue that is busy on and off does not flutter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PATIENCE = {"high": 1.0, "low": 20.0}
"""Seconds that the oldest task of a queue may wait before the queue is pressed."""
GROW_AFTER, SHRINK_AFTER = 2.0, 60.0
START_UP = 30.0
"""Seconds that a busy host may need until a new cluster takes tasks."""
CPU_LIMIT = 0.9
"""Share of the host's CPU in use from which no cluster is added."""
CLUSTER_MEMORY = 400 * 2**20
"""Bytes that a cluster needs: with less left none is added, with half of it left one ends."""


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """Tasks that wait, seconds that the oldest has waited, tasks at work, workers and clusters."""

    waiting: int
    age: float
    running: int
    workers: int
    clusters: int


@dataclass(frozen=True, slots=True)
class HostLoad:
    """Share of the CPU in use (0 to 1) and bytes of memory left."""

    cpu: float
    memory_left: int


@dataclass
class Scaler:
    """The decisions for the queues, in the order of their rank."""

    least: int
    most: int
    pressed_since: dict[str, float] = field(default_factory=dict)
    idle_since: dict[str, float] = field(default_factory=dict)
    added: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Queue -> when it got its last cluster, and how many workers it had then."""

    def decide(self, now: float, queues: Mapping[str, QueueLoad], host: HostLoad) -> dict[str, int]:
        """Queue -> +1 or -1 cluster, at most one of each a call; `now` in seconds of any clock."""
        changes = self._changes(now, queues, host)
        self.added |= {name: (now, queues[name].workers) for name, change in changes.items() if change > 0}
        return changes

    def _changes(self, now: float, queues: Mapping[str, QueueLoad], host: HostLoad) -> dict[str, int]:
        total = sum(load.clusters for load in queues.values())
        missing = [name for name, load in queues.items() if not load.clusters]
        if missing:
            return dict.fromkeys(missing, 1)
        if total < self.least:
            return {min(queues, key=lambda name: queues[name].clusters): 1}
        for name, load in queues.items():
            self._note(self.pressed_since, name, now, _is_pressed(name, load))
            self._note(self.idle_since, name, now, not load.waiting and load.running < load.workers)
        surplus = [name for name, load in queues.items() if load.clusters > 1] if total > self.least else []
        if host.memory_left < CLUSTER_MEMORY // 2 and surplus:
            return {surplus[-1]: -1}
        return self._grow(now, queues, host, surplus) or self._shrink(now, surplus)

    def _grow(self, now: float, queues: Mapping[str, QueueLoad], host: HostLoad, surplus: list[str]) -> dict[str, int]:
        """One more cluster for the first queue that is pressed for long enough."""
        total, first = sum(load.clusters for load in queues.values()), next(iter(queues))
        for name in queues:
            if now - self.pressed_since.get(name, now) < GROW_AFTER or self._is_starting(name, now, queues[name]):
                continue
            if total >= self.most and name == first and surplus[-1:] not in ([], [first]):
                return {surplus[-1]: -1}  # the next call adds one here
            if total < self.most and host.cpu < CPU_LIMIT and host.memory_left >= CLUSTER_MEMORY:
                self.pressed_since[name] = now
                return {name: 1}
        return {}

    def _is_starting(self, name: str, now: float, load: QueueLoad) -> bool:
        """Whether the last cluster that the queue got takes no tasks yet."""
        since, workers = self.added.get(name, (now - START_UP, 0))
        return now - since < START_UP and load.workers <= workers

    def _shrink(self, now: float, surplus: list[str]) -> dict[str, int]:
        """One cluster less of a queue that is idle for long enough."""
        for name in surplus:
            if now - self.idle_since.get(name, now) >= SHRINK_AFTER:
                self.idle_since[name] = now
                return {name: -1}
        return {}

    @staticmethod
    def _note(since: dict[str, float], name: str, now: float, holds: bool) -> None:
        if holds:
            since.setdefault(name, now)
        else:
            since.pop(name, None)


def _is_pressed(name: str, load: QueueLoad) -> bool:
    return load.waiting > 0 and (load.age > PATIENCE[name] or load.waiting >= 2 * max(load.workers, 1))
