"""Waiting for permits, and what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.sources.base import SourceUnavailable
from marketdata.sources.http.limiter import ENOUGH_ROUND_TRIPS, ROUND_TRIPS, Limiter, RoundTrips
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.http.rate_limit_stores import ProcessRateLimits, RateLimitStore
from marketdata.sources.http.sqlite_rate_limits import SqliteRateLimits
from tests.marketdata.sources.http.virtual import Virtual

TEN = Rate("group", 10.0)
QUICK = Rate("group", 10_000.0)


def limiter(virtual: Virtual, store: RateLimitStore | None = None) -> Limiter:
    return Limiter(store or ProcessRateLimits(virtual.clock), pause=virtual.pause, clock=virtual.clock)


def times_of(virtual: Virtual, work: Limiter, number: int) -> list[float]:
    sent: list[float] = []

    async def one() -> None:
        async with work.permit(TEN):
            sent.append(virtual.now)

    async def all_() -> None:
        await asyncio.gather(*(one() for _ in range(number)))

    asyncio.run(all_())
    return sent


def test_calls_made_together_are_sent_one_spacing_apart() -> None:
    virtual = Virtual()
    sent = times_of(virtual, limiter(virtual), 10)
    assert [later - earlier for earlier, later in pairwise(sent)] == pytest.approx([0.1] * 9)


def test_a_hold_that_comes_while_a_call_waits_is_kept() -> None:
    virtual = Virtual()
    store = ProcessRateLimits(virtual.clock)
    other = limiter(virtual, store)

    async def pause(seconds: float) -> None:
        if not virtual.waits:  # while the second call waits, another process is refused
            await other.refused(TEN, 5.0, adapt=False)
        await virtual.pause(seconds)

    work = Limiter(store, pause=pause, clock=virtual.clock)
    began = virtual.now
    sent = times_of(virtual, work, 3)
    assert sent[0] == began
    assert sent[1] >= began + 5.0


def test_a_refusal_slows_every_process_down_and_a_hold_alone_does_not() -> None:
    for adapt, spacing in ((True, 0.103), (False, 0.1)):
        virtual = Virtual()
        store = ProcessRateLimits(virtual.clock)
        asyncio.run(limiter(virtual, store).refused(TEN, 1.0, adapt=adapt))
        sent = times_of(virtual, limiter(virtual, store), 3)
        gaps = [later - earlier for earlier, later in pairwise(sent)]
        assert gaps == pytest.approx([spacing] * 2, rel=0.001)


def test_a_process_that_stalls_does_not_send_a_burst_afterwards() -> None:
    virtual = Virtual()

    async def stalling(seconds: float) -> None:
        await virtual.pause(seconds + (3.0 if len(virtual.waits) == 4 else 0.0))

    work = Limiter(ProcessRateLimits(virtual.clock), pause=stalling, clock=virtual.clock)
    sent = times_of(virtual, work, 15)
    assert min(later - earlier for earlier, later in pairwise(sent)) >= 0.1 - 1e-6


def test_a_wait_that_is_too_long_is_not_waited_for() -> None:
    virtual = Virtual()
    work = limiter(virtual)

    async def main() -> None:
        await work.refused(TEN, 600.0, adapt=False)
        async with work.permit(TEN, longest=90.0):
            raise AssertionError

    with pytest.raises(SourceUnavailable, match="another 600 s") as refused:
        asyncio.run(main())
    assert refused.value.retry_after == pytest.approx(600.0)
    assert virtual.waits == []


# --- settled once, whatever becomes of the call


@pytest.fixture(params=["process", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RateLimitStore]:
    shared = ProcessRateLimits() if request.param == "process" else SqliteRateLimits(tmp_path / "paces.sqlite3")
    yield shared
    shared.close()


@pytest.mark.parametrize("ends", ["answered", "failed", "cancelled"])
def test_every_call_is_settled(ends: str, store: RateLimitStore) -> None:
    work = Limiter(store)

    async def call() -> None:
        async with work.permit(TEN):
            if ends == "failed":
                raise ConnectionError
            if ends == "cancelled":
                await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(call())
        while not store.read("group").state.slots:
            await asyncio.sleep(0.001)
        if ends == "cancelled":
            await asyncio.sleep(0.001)
            task.cancel()
        (result,) = await asyncio.gather(task, return_exceptions=True)
        assert (result is None) == (ends == "answered")

    asyncio.run(main())
    work.close()
    (slot,) = store.read("group").state.slots
    assert slot.answered is not None
    assert slot.at <= slot.answered <= store.read("group").now


def test_an_answer_is_settled_by_when_it_came() -> None:
    virtual = Virtual()
    store = ProcessRateLimits(lambda: virtual.now + 5000.0)  # on a clock of its own
    work = limiter(virtual, store)

    async def main() -> None:
        for number in range(ENOUGH_ROUND_TRIPS):
            async with work.permit(QUICK):
                virtual.now += 0.2 if number == 3 else 0.4

    asyncio.run(main())
    last = store.read("group").state.slots[-1]
    assert last.answered == pytest.approx(virtual.now + 5000.0)
    assert last.at == pytest.approx(virtual.now + 5000.0 - 0.4)
    mean = 0.2 / ENOUGH_ROUND_TRIPS + 0.4 * (ENOUGH_ROUND_TRIPS - 1) / ENOUGH_ROUND_TRIPS
    assert last.shortest == pytest.approx(0.2 - (mean - 0.2) / 4)


def test_a_call_that_failed_is_taken_to_have_been_counted_until_then() -> None:
    virtual = Virtual()
    store = ProcessRateLimits(virtual.clock)
    work = limiter(virtual, store)

    async def main() -> None:
        for number in range(ENOUGH_ROUND_TRIPS + 1):
            try:
                async with work.permit(QUICK):
                    virtual.now += 0.2
                    if number == ENOUGH_ROUND_TRIPS:
                        raise TimeoutError
            except TimeoutError:
                pass

    asyncio.run(main())
    *_, before, last = store.read("group").state.slots
    assert before.shortest == pytest.approx(0.2)
    assert last.shortest == 0.0
    assert last.answered == virtual.now


@settings(max_examples=20)
@given(st.lists(st.floats(0.001, 10.0), min_size=ENOUGH_ROUND_TRIPS, max_size=2 * ROUND_TRIPS))
def test_a_round_trip_is_taken_to_be_no_longer_than_the_shortest_of_late(
    seconds: list[float],
) -> None:
    trips = RoundTrips()
    for number, each in enumerate(seconds, start=1):
        trips.add(each)
        assert (trips.shortest == 0.0) or number >= ENOUGH_ROUND_TRIPS
        assert 0.0 <= trips.shortest <= min(seconds[max(0, number - ROUND_TRIPS) : number])
    steady = RoundTrips()
    for _ in range(ENOUGH_ROUND_TRIPS):
        steady.add(seconds[0])
    assert steady.shortest == pytest.approx(seconds[0])
