"""One limiter for every process that calls the same exchange: permits spaced evenly, for all of them together.

1. Every attempt takes a permit (`Limiter.acquire`), retries too. Even spacing is what keeps below
   a limit per second wherever the other side's second begins.
2. A refusal holds the whole group: permits already given out are checked against it when their moment comes.
3. A refusal also slows the group's pace a little, for all processes, down to half at most; it recovers slowly
   (`permits`).
4. A permit that is used late, as on a busy machine, moves one permit a second later (`permits`). One that is far too
   late is given up for another.
5. A store that blocks is called from one thread of its own, so that a database needs one connection for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from marketdata.sources.base import SourceUnavailable
from marketdata.sources.http.permits import LimiterStore, ProcessStore

P = ParamSpec("P")
R = TypeVar("R")

PUNCTUAL = 0.001  # seconds that a call may be late without being told
MOST_LATE = 0.1  # seconds after which a permit is not used any more,
GIVEN_UP = 3  # so many times in a row: a store that is so far away makes every permit late


@dataclass(frozen=True, slots=True)
class Rate:
    """A group of calls that share a limit, and how many a second are made."""

    group: str
    per_second: float

    @property
    def spacing(self) -> float:
        return 1.0 / self.per_second


class Limiter:
    """Waits for permits. `pause` and `clock` are swapped in tests."""

    def __init__(
        self,
        store: LimiterStore | None = None,
        *,
        adapt: float = 1.03,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store or ProcessStore()
        self._adapt = adapt
        self._pause = pause
        self._clock = clock
        self._queues: dict[tuple[int, str], asyncio.Lock] = {}
        self._thread = (
            ThreadPoolExecutor(1, thread_name_prefix="limiter") if self._store.blocking else None
        )

    async def acquire(self, rate: Rate, *, longest: float = float("inf")) -> None:
        """Return when a call of the group may be sent; SourceUnavailable where that is too far off.

        Calls of one process queue up here and take one permit at a time, so that a process that
        stalls sends one late call, not a burst of them.
        """
        queue = self._queues.setdefault(
            (id(asyncio.get_running_loop()), rate.group), asyncio.Lock()
        )
        given_up = 0
        async with queue:
            while True:
                asked = self._clock()
                wait = await self._call(self._store.take, rate.group, rate.spacing)
                if wait > longest:
                    raise SourceUnavailable(
                        f"{rate.group} may not be asked for another {wait:.0f} s.", retry_after=wait
                    )
                if wait > 0:
                    await self._pause(wait)
                if await self._call(self._store.held, rate.group) > 0:
                    continue
                late = self._clock() - (asked + wait)
                if late > MOST_LATE and given_up < GIVEN_UP:
                    given_up += 1
                    continue
                if late > PUNCTUAL:
                    await self._call(self._store.lag, rate.group, min(late, MOST_LATE))
                return

    async def refused(self, rate: Rate, seconds: float, *, adapt: bool) -> None:
        """The other side refused a call of the group: hold all for `seconds`, and slow down if
        asked.
        """
        await self._call(self._store.hold, rate.group, seconds)
        if adapt:
            await self._call(self._store.slow_down, rate.group, self._adapt)

    async def hold(self, rate: Rate, seconds: float) -> None:
        """Hold the group without a refusal, as when an answer says that nothing is left."""
        await self._call(self._store.hold, rate.group, seconds)

    def close(self) -> None:
        """End the thread of a store that blocks."""
        if self._thread is not None:
            self._thread.submit(self._store.close)
            self._thread.shutdown(wait=True)

    async def _call(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self._thread is None:
            return work(*args, **kwargs)
        asked = self._thread.submit(work, *args, **kwargs)
        return await asyncio.wrap_future(asked)
