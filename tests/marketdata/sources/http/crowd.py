"""Processes that call one exchange in a time of their own, and the exchange, which counts every call as it comes in."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from itertools import count

from marketdata.sources.http.limiter import Limiter
from marketdata.sources.http.rate_limit import Rate, RateLimitState
from marketdata.sources.http.rate_limit_stores import ProcessRateLimits, RateLimitStore, StoredState

Draw = Callable[[], float]


class World:
    """Time that jumps to the next event once all tasks wait."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self._coming: list[tuple[float, int, Callable[[], object]]] = []
        self._number = count()

    def clock(self) -> float:
        return self.now

    def after(self, seconds: float, what: Callable[[], object]) -> None:
        heapq.heappush(self._coming, (self.now + seconds, next(self._number), what))

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self.after(seconds, woken.set)
        await woken.wait()

    async def run(self, work: Iterable[Awaitable[None]]) -> None:
        """Until all of it is done."""
        tasks = [asyncio.ensure_future(one) for one in work]
        while not all(task.done() for task in tasks):
            for _ in range(8):  # each task that is awake runs to its next sleep
                await asyncio.sleep(0)
            if self._coming:
                self.now, _, happens = heapq.heappop(self._coming)
                happens()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class CountingExchange:
    """Takes `limit` calls in any `window` seconds, both ends of it counted exactly; it remembers all that came."""

    world: World
    limit: int
    window: float
    accepted: list[float] = field(default_factory=list)
    refused: int = 0

    def count(self) -> None:
        now = self.world.now
        if len([at for at in self.accepted[-self.limit :] if at > now - self.window]) < self.limit:
            self.accepted.append(now)
        else:
            self.refused += 1


class MortalStore:
    """The shared store as one process sees it; once it is dead, nothing that it writes arrives."""

    blocking = False

    def __init__(self, shared: RateLimitStore) -> None:
        self._shared = shared
        self.is_dead = False

    def read(self, key: str) -> StoredState:
        return self._shared.read(key)

    def swap(self, key: str, seen: StoredState, new: RateLimitState) -> bool:
        return self.is_dead or self._shared.swap(key, seen, new)

    def close(self) -> None:
        pass


class Crowd:
    """`processes` with a limiter each, `at_once` calls of each at a time. Legs and lateness in seconds."""

    def __init__(
        self,
        exchange: CountingExchange,
        rate: Rate,
        *,
        there: Draw,
        back: Draw,
        late: Draw,
        at_once: int = 12,
    ) -> None:
        self.world, self.exchange, self.rate = exchange.world, exchange, rate
        self.store = ProcessRateLimits(self.world.clock)
        self.made: list[int] = []
        """Who made each call, by number."""
        self._there, self._back, self._late, self._at_once = there, back, late, at_once

    def send(self, processes: int, calls: int, *, kill: dict[int, float] | None = None) -> None:
        """Make so many calls in all; each process of `kill` is killed so many seconds later."""
        todo = iter(range(calls))
        work = [one for number in range(processes) for one in self._process(number, todo, (kill or {}).get(number))]
        asyncio.run(self.world.run(work))

    def _process(self, number: int, todo: Iterable[int], killed_after: float | None) -> list[Awaitable[None]]:
        store = MortalStore(self.store)
        limiter = Limiter(store, pause=self._pause, clock=self.world.clock)

        def kill() -> None:
            store.is_dead = True

        async def worker() -> None:
            for _ in todo:
                async with limiter.permit(self.rate):
                    if store.is_dead:
                        return
                    self.made.append(number)
                    there = self._there()
                    self.world.after(there, self.exchange.count)  # whatever becomes of the process
                    await self.world.sleep(there + self._back())

        if killed_after is not None:
            self.world.after(killed_after, kill)
        return [worker() for _ in range(self._at_once)]

    async def _pause(self, seconds: float) -> None:
        await self.world.sleep(seconds + self._late())


def between(low: float, high: float, seed: int) -> Draw:
    draw = random.Random(seed)
    return lambda: draw.uniform(low, high)


def mostly_short(least: float, mean: float, seed: int) -> Draw:
    """At least so long, and longer by `mean` on average, at times by much."""
    draw = random.Random(seed)
    return lambda: least + (draw.expovariate(1.0 / mean) if mean else 0.0)
