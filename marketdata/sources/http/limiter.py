"""One rate limiter for every process that calls the same exchange.

1. Every attempt, retries too, takes a permit and occupies a slot until it is settled (`rate_limit`): `Limiter.permit`
   settles it however the call ends.
2. Calls of one process queue up and request permits one at a time, so that every process requests only its next call.
3. A refusal holds the whole group and slows it down a little, for all processes.
4. A store that blocks is called from one thread of its own, so that a database needs one connection for it. No call
   waits for its settlement: it comes before the next request of the process.
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
ROUND_TRIPS = 256
"""Round trips of a group that are remembered."""
ENOUGH_ROUND_TRIPS = 50
"""Round trips from which the shortest one is estimated."""


class RoundTrips:
    """Durations of the last calls of a group."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=ROUND_TRIPS)
        self.shortest = 0.0
        """Lower bound of a round trip in seconds; 0 while it is unknown. The shortest one measured, less a quarter of
        the mean excess of the others: both ways have not been at their shortest in one call."""

    def add(self, seconds: float) -> None:
        self._seconds.append(seconds)
        durations = tuple(self._seconds)
        if len(durations) >= ENOUGH_ROUND_TRIPS:
            least = min(durations)
            excess = max(0.0, sum(durations) / len(durations) - least)
            self.shortest = max(0.0, least - excess / 4)


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
        self._process = uuid4().hex[:8]
        self._queues: dict[tuple[int, str], asyncio.Lock] = {}
        self._round_trips: dict[str, RoundTrips] = {}
        self._thread = ContextThreadPool(1, thread_name_prefix="limiter") if self._store.blocking else None

    @asynccontextmanager
    async def permit(self, rate: Rate, *, longest: float = float("inf")) -> AsyncIterator[None]:
        """A context that begins when a call of the group may be sent, and ends when it has been answered or has
        failed. SourceUnavailable where the permit is more than `longest` seconds away.
        """
        at = await self._acquire(rate, longest)
        trips = self._round_trips.setdefault(rate.group, RoundTrips())
        sent = self._clock()
        try:
            yield
        except BaseException:
            # The exchange may have counted it at any moment until now.
            self._settle(rate, at, self._clock(), 0.0)
            raise
        answered = self._clock()
        trips.add(answered - sent)
        self._settle(rate, at, answered, trips.shortest)

    async def refused(self, rate: Rate, seconds: float, *, adapt: bool) -> None:
        """Note a refusal by the exchange: hold the group for `seconds`, and slow it down where `adapt` is set."""
        await self._call(self._store_hold, rate, seconds, self._adapt if adapt else 1.0)

    async def hold(self, rate: Rate, seconds: float) -> None:
        """Hold the group without a refusal, as when an answer says that no calls are left."""
        await self._call(self._store_hold, rate, seconds, 1.0)

    def close(self) -> None:
        """End the thread of a store that blocks."""
        if self._thread is not None:
            self._thread.submit(self._store.close)
            self._thread.shutdown(wait=True)

    async def _acquire(self, rate: Rate, longest: float) -> float:
        """Wait for a permit; its moment."""
        queue = self._queues.setdefault((id(asyncio.get_running_loop()), rate.group), asyncio.Lock())
        async with queue:
            while True:
                answer = await self._call(self._request, rate)
                if answer.at is not None:
                    return answer.at
                if answer.wait > longest:
                    raise SourceUnavailable(
                        f"{rate.group} may not be called for another {answer.wait:.0f} s.", retry_after=answer.wait
                    )
                await self._pause(answer.wait)

    def _request(self, rate: Rate) -> PermitAnswer:
        trips = self._round_trips.setdefault(rate.group, RoundTrips())
        return update_state(
            self._store, rate.group, lambda state, now: state.request_permit(now, rate, self._process, trips.shortest)
        )

    def _store_hold(self, rate: Rate, seconds: float, slowdown: float) -> None:
        def update(state: RateLimitState, now: float) -> tuple[RateLimitState, None]:
            state = state.hold(now + seconds)
            return (state.slow_down(now, slowdown) if slowdown > 1.0 else state), None

        update_state(self._store, rate.group, update)

    def _settle(self, rate: Rate, at: float, answered: float, shortest: float) -> None:
        if self._thread is None:
            self._store_settlement(rate, at, answered, shortest)
        else:
            self._thread.submit(self._store_settlement, rate, at, answered, shortest)

    def _store_settlement(self, rate: Rate, at: float, answered: float, shortest: float) -> None:
        """Settle the call in the store, at the time of the store's clock that corresponds to `answered`."""
        ago = self._clock() - answered

        def update(state: RateLimitState, now: float) -> tuple[RateLimitState, None]:
            return state.settle(at, now - ago, shortest), None

        try:
            update_state(self._store, rate.group, update)
        except Exception as error:  # no call waits for this; the slot becomes free all the same, a little later
            LOGGER.warning("limiter event=unsettled group=%s error=%s", rate.group, error)

    async def _call(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self._thread is None:
            return work(*args, **kwargs)
        return await asyncio.wrap_future(self._thread.submit(work, *args, **kwargs))
