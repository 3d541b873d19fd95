"""One limiter for every process that calls the same exchange.

1. Every attempt takes a permit, retries too, and occupies a slot until it is settled (`pace`): `Limiter.permit` does
   so whatever becomes of the call.
2. Calls of one process queue up and ask one at a time, so that every process asks for its own next call only.
3. A refusal holds the whole group and slows its pace a little, for all processes.
4. A store that blocks is called from one thread of its own, so that a database needs one connection for it. Nobody
   waits for a call to be settled: it comes before what the process asks for next.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar
from uuid import uuid4

from marketdata.context_threads import ContextThreadPool
from marketdata.sources.base import SourceUnavailable
from marketdata.sources.http.rate_limit import PermitAnswer, Rate, RateLimitState
from marketdata.sources.http.rate_limit_stores import ProcessRateLimits, RateLimitStore, update_state

P = ParamSpec("P")
R = TypeVar("R")

LOGGER = logging.getLogger(__name__)
REMEMBERED = 256  # round trips of a group,
TRUSTED = 50  # of which so many tell how short one can be


class RoundTrips:
    """How long the last calls of a group took."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=REMEMBERED)
        self.shortest = 0.0
        """Seconds that no call takes less than; 0 while that is not known. The shortest one seen, less a quarter of
        what others took longer: the ways there and back have not been at their shortest both in one call."""

    def add(self, seconds: float) -> None:
        self._seconds.append(seconds)
        seen = tuple(self._seconds)
        if len(seen) >= TRUSTED:
            least = min(seen)
            longer = max(0.0, sum(seen) / len(seen) - least)
            self.shortest = max(0.0, least - longer / 4)


class Limiter:
    """Waits for permits. `pause` and `clock` are swapped in tests."""

    def __init__(
        self,
        store: RateLimitStore | None = None,
        *,
        adapt: float = 1.03,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store or ProcessRateLimits()
        self._adapt = adapt
        self._pause = pause
        self._clock = clock
        self._who = uuid4().hex[:8]
        self._queues: dict[tuple[int, str], asyncio.Lock] = {}
        self._round_trips: dict[str, RoundTrips] = {}
        self._thread = ContextThreadPool(1, thread_name_prefix="limiter") if self._store.blocking else None

    @asynccontextmanager
    async def permit(self, rate: Rate, *, longest: float = float("inf")) -> AsyncIterator[None]:
        """Enter when a call of the group may be sent; leave when it has been answered, or with the exception by which
        it failed. SourceUnavailable where the permit is further off than `longest` seconds.
        """
        at = await self._acquire(rate, longest)
        trips = self._round_trips.setdefault(rate.group, RoundTrips())
        sent = self._clock()
        try:
            yield
        except BaseException:
            # It may have been counted until now, however long the way there.
            self._settle(rate, at, self._clock(), 0.0)
            raise
        answered = self._clock()
        trips.add(answered - sent)
        self._settle(rate, at, answered, trips.shortest)

    async def refused(self, rate: Rate, seconds: float, *, adapt: bool) -> None:
        """The other side refused a call of the group: hold all for `seconds`, and slow down if
        asked.
        """
        await self._call(self._held, rate, seconds, self._adapt if adapt else 1.0)

    async def hold(self, rate: Rate, seconds: float) -> None:
        """Hold the group without a refusal, as when an answer says that nothing is left."""
        await self._call(self._held, rate, seconds, 1.0)

    def close(self) -> None:
        """End the thread of a store that blocks."""
        if self._thread is not None:
            self._thread.submit(self._store.close)
            self._thread.shutdown(wait=True)

    async def _acquire(self, rate: Rate, longest: float) -> float:
        """The moment of a permit, when it has come."""
        queue = self._queues.setdefault((id(asyncio.get_running_loop()), rate.group), asyncio.Lock())
        async with queue:
            while True:
                turn = await self._call(self._asked, rate)
                if turn.at is not None:
                    return turn.at
                if turn.wait > longest:
                    raise SourceUnavailable(
                        f"{rate.group} may not be asked for another {turn.wait:.0f} s.",
                        retry_after=turn.wait,
                    )
                await self._pause(turn.wait)

    def _asked(self, rate: Rate) -> PermitAnswer:
        trips = self._round_trips.setdefault(rate.group, RoundTrips())
        return update_state(
            self._store,
            rate.group,
            lambda pace, now: pace.taken(now, rate, self._who, trips.shortest),
        )

    def _held(self, rate: Rate, seconds: float, slower: float) -> None:
        def work(pace: RateLimitState, now: float) -> tuple[RateLimitState, None]:
            held = pace.held(now + seconds)
            return (held.slowed(now, slower) if slower > 1.0 else held), None

        update_state(self._store, rate.group, work)

    def _settle(self, rate: Rate, at: float, answered: float, shortest: float) -> None:
        if self._thread is None:
            self._settled(rate, at, answered, shortest)
        else:
            self._thread.submit(self._settled, rate, at, answered, shortest)

    def _settled(self, rate: Rate, at: float, answered: float, shortest: float) -> None:
        """Tell the store, on whose clock the answer came as long ago as on this one."""
        ago = self._clock() - answered

        def work(pace: RateLimitState, now: float) -> tuple[RateLimitState, None]:
            return pace.settled(at, now - ago, shortest), None

        try:
            update_state(self._store, rate.group, work)
        except Exception as error:  # nobody waits for this; the slot becomes free all the same, a little later
            LOGGER.warning("limiter event=unsettled group=%s error=%s", rate.group, error)

    async def _call(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self._thread is None:
            return work(*args, **kwargs)
        return await asyncio.wrap_future(self._thread.submit(work, *args, **kwargs))
