"""Permits: in one process, over Redis and over rows of a database, with the same contract."""

from __future__ import annotations

import asyncio
import heapq
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import astuple
from itertools import count, pairwise
from pathlib import Path

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis.backoff import NoBackoff
from redis.retry import Retry

from marketdata.sources.base import SourceUnavailable
from marketdata.sources.http.limiter import Limiter, Rate
from marketdata.sources.http.permits import (
    SLOWEST,
    LimiterStore,
    Pace,
    ProcessStore,
    RowStore,
)
from marketdata.sources.http.redis_permits import RedisStore
from tests.marketdata.sources.http.virtual import Virtual
from tests.servers import Servers

TEN = Rate("group", 10.0)


class SqliteRows:
    """Pace rows in a SQLite file, each change one conditional statement."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.execute(
            "create table if not exists pace "
            "(key text primary key, next_at real, held_until real, slower real, slowed_at real, floor real, "
            "late real, late_at real)"
        )

    def load(self, key: str) -> Pace | None:
        query = "select next_at, held_until, slower, slowed_at, floor, late, late_at from pace where key = ?"
        row = self._db.execute(query, (key,)).fetchone()
        return Pace(*row) if row else None

    def swap(self, key: str, old: Pace | None, new: Pace) -> bool:
        if old is None:
            done = self._db.execute(
                "insert or ignore into pace values (?, ?, ?, ?, ?, ?, ?, ?)", (key, *astuple(new))
            )
        else:
            done = self._db.execute(
                "update pace set next_at = ?, held_until = ?, slower = ?, slowed_at = ?, floor = ?, late = ?, "
                "late_at = ? where key = ? and next_at = ? and held_until = ? and slower = ? and slowed_at = ? "
                "and floor = ? and late = ? and late_at = ?",
                (*astuple(new), key, *astuple(old)),
            )
        return done.rowcount == 1

    def close(self) -> None:
        self._db.close()


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    servers = Servers()
    yield servers.redis()
    servers.stop()


@pytest.fixture(params=["process", "rows", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LimiterStore]:
    if request.param == "process":
        yield ProcessStore()
    elif request.param == "rows":
        yield RowStore(SqliteRows(tmp_path / "pace.sqlite3"))
    else:
        client = redis.Redis.from_url(request.getfixturevalue("redis_url"))
        client.flushall()
        yield RedisStore(client)


def test_permits_lie_one_spacing_apart(store: LimiterStore) -> None:
    began = time.monotonic()
    moments = [store.take("a", 100.0) for _ in range(4)]
    passed = time.monotonic() - began
    for number, wait in enumerate(moments):
        assert 100.0 * number - passed - 0.01 <= wait <= 100.0 * number + 0.01
    assert store.take("another", 100.0) == pytest.approx(0, abs=0.01)


def test_a_hold_moves_all_later_permits_and_is_never_shortened(store: LimiterStore) -> None:
    assert store.held("a") == 0
    store.hold("a", 1000.0)
    store.hold("a", 10.0)
    assert 900 < store.held("a") <= 1000.01
    assert 900 < store.take("a", 0.1) <= 1000.01
    assert store.held("another") == 0


def test_refusals_slow_the_group_down_once_a_second_and_to_a_bound(store: LimiterStore) -> None:
    store.slow_down("a", 1.5)
    store.slow_down("a", 1.5)  # the same second: one refusal seen by two
    first = store.take("a", 100.0)
    assert store.take("a", 100.0) - first == pytest.approx(150.0, abs=1.0)


def test_the_permit_a_second_later_is_moved_by_the_latest_call_alone(store: LimiterStore) -> None:
    store.take("a", 200.0)  # its calls lie further apart than a second: the next permit is moved
    for late in (20.0, 40.0, 30.0):
        store.lag("a", late)
    assert store.take("a", 200.0) == pytest.approx(240.0, abs=1.0)
    assert store.take("a", 200.0) == pytest.approx(440.0, abs=1.0)
    assert store.take("another", 0.5) == pytest.approx(0, abs=0.01)


def test_a_slowed_pace_has_room_for_late_calls(store: LimiterStore) -> None:
    store.slow_down("a", 1.1)
    store.take("a", 200.0)
    store.lag("a", 30.0)
    assert store.take("a", 200.0) == pytest.approx(220.0 + 10.0, abs=1.0)


@given(st.lists(st.floats(0, 3), min_size=1, max_size=30))
def test_the_slowest_pace_is_half_the_configured(gaps: list[float]) -> None:
    pace, now = Pace(), 0.0
    for gap in gaps:
        now += gap
        before = pace.slowness(now)
        pace = pace.slow_down(now, 1.3)
        assert before <= pace.slowness(now) <= SLOWEST


def test_a_slowed_pace_recovers_to_that_of_one_refusal_and_in_an_hour_to_the_configured() -> None:
    pace = Pace()
    for second in (0.0, 2.0, 4.0, 6.0):
        pace = pace.slow_down(second, 1.03)
    at_once = pace.slowness(6.0)
    assert 1.03**4 * 0.98 < at_once <= 1.03**4
    slowness = [pace.slowness(6.0 + minute * 60.0) for minute in range(60)]
    assert slowness == sorted(slowness, reverse=True)
    assert slowness[1] < at_once
    assert slowness[2:] == [1.03] * 58
    assert pace.slowness(3700.0) == 1.0


def test_a_recovered_pace_is_the_same_in_redis(redis_url: str) -> None:
    """The clock of Redis is its own: the time of the last refusal is moved back instead."""
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    store = RedisStore(client)
    store.slow_down("a", 1.5)
    for ago, slowness in ((0.0, 1.5), (50.0, 1.5 * 0.99**10), (3601.0, 1.0)):
        client.hset("limiter:a", mapping={"slowed": time.time() - ago, "slower": 1.5, "floor": 1.2})
        first = store.take("a", 100.0)
        assert store.take("a", 100.0) - first == pytest.approx(100.0 * slowness, rel=0.01)


def test_a_pace_that_is_refused_now_and_then_stays_near_the_limit() -> None:
    """An exchange that takes 10 calls in any second, and now and then a call that comes too early: refused calls
    cost little of the time that the limit allows."""
    virtual = Virtual()
    store = ProcessStore(virtual.clock)
    began, calls = virtual.now, 6000
    for number in range(calls):
        virtual.now += store.take("a", 0.1)
        if number % 1000 == 500:
            store.hold("a", 1.0)
            store.slow_down("a", 1.03)
    assert (virtual.now - began) / (calls * 0.1) < 1.05


@given(
    st.lists(st.tuples(st.floats(0, 2), st.sampled_from(["take", "hold"])), min_size=2, max_size=60)
)
def test_no_two_permits_are_nearer_than_the_spacing_and_none_lies_in_a_hold(
    steps: list[tuple[float, str]],
) -> None:
    virtual = Virtual()
    store = ProcessStore(virtual.clock)
    permits: list[float] = []
    holds: list[tuple[float, float]] = []
    for gap, what in steps:
        virtual.now += gap
        if what == "hold":
            store.hold("a", 1.0)
            holds.append((virtual.now, virtual.now + 1.0))
        else:
            taken = virtual.now + store.take("a", 0.5)
            assert not any(start <= virtual.now and taken < end - 1e-6 for start, end in holds)
            permits.append(taken)
    assert all(later - earlier >= 0.5 - 1e-6 for earlier, later in pairwise(permits))


# --- waiting for permits
# ----------------------------------------------------------------------------


def limiter(virtual: Virtual, store: LimiterStore | None = None) -> Limiter:
    return Limiter(store or ProcessStore(virtual.clock), pause=virtual.pause, clock=virtual.clock)


def times_of(virtual: Virtual, work: Limiter, number: int) -> list[float]:
    sent: list[float] = []

    async def one() -> None:
        await work.acquire(TEN)
        sent.append(virtual.now)

    async def all_() -> None:
        await asyncio.gather(*(one() for _ in range(number)))

    asyncio.run(all_())
    return sent


def test_calls_made_together_are_sent_one_spacing_apart() -> None:
    virtual = Virtual()
    sent = times_of(virtual, limiter(virtual), 20)
    assert [later - earlier for earlier, later in pairwise(sent)] == pytest.approx([0.1] * 19)


def test_a_permit_given_out_before_a_hold_is_not_used_in_it() -> None:
    virtual = Virtual()
    store = ProcessStore(virtual.clock)

    async def pause(seconds: float) -> None:
        if (
            not virtual.waits
        ):  # while the second call waits for its permit, another process is refused
            store.hold("group", 5.0)
        await virtual.pause(seconds)

    work = Limiter(store, pause=pause, clock=virtual.clock)
    began = virtual.now
    sent = times_of(virtual, work, 3)
    assert sent[0] == began
    assert sent[1] >= began + 5.0


def test_a_process_that_stalls_does_not_send_a_burst_afterwards() -> None:
    virtual = Virtual()

    async def stalling(seconds: float) -> None:
        await virtual.pause(seconds + (3.0 if len(virtual.waits) == 4 else 0.0))

    work = Limiter(ProcessStore(virtual.clock), pause=stalling, clock=virtual.clock)
    sent = times_of(virtual, work, 15)
    assert min(later - earlier for earlier, later in pairwise(sent)) >= 0.1 - 1e-6


def test_a_wait_that_is_too_long_is_not_waited_for() -> None:
    virtual = Virtual()
    work = limiter(virtual)

    async def main() -> None:
        await work.refused(TEN, 600.0, adapt=False)
        await work.acquire(TEN, longest=90.0)

    with pytest.raises(SourceUnavailable, match="another 600 s") as refused:
        asyncio.run(main())
    assert refused.value.retry_after == pytest.approx(600.0)
    assert virtual.waits == []


def test_a_redis_that_is_gone_is_said_in_one_sentence() -> None:
    store = RedisStore(
        redis.Redis(unix_socket_path="/nonexistent/redis.sock", retry=Retry(NoBackoff(), 0))
    )
    with pytest.raises(SourceUnavailable, match="Redis answers ConnectionError"):
        store.take("a", 1.0)


# --- late wake-ups
# ----------------------------------------------------------------------------


class Crowd:
    """Processes that share a store in a time of their own: each sleeps until its moment, and wakes up late."""

    def __init__(self, processes: int, *, latest: float, seed: int) -> None:
        self.now = 1_000_000.0
        self.sent: list[float] = []
        self._store = ProcessStore(self.clock)
        self._asleep: list[tuple[float, int, asyncio.Event]] = []
        self._number = count()
        self._draw = random.Random(seed)
        self._latest = latest
        self._processes = processes

    def clock(self) -> float:
        return self.now

    async def _pause(self, seconds: float) -> None:
        woken = asyncio.Event()
        moment = self.now + seconds + self._draw.uniform(0.0, self._latest)
        heapq.heappush(self._asleep, (moment, next(self._number), woken))
        await woken.wait()

    async def _process(self, rate: Rate, calls: int) -> None:
        work = Limiter(self._store, pause=self._pause, clock=self.clock)
        for _ in range(calls):
            await work.acquire(rate)
            self.sent.append(self.now)

    async def _run(self, rate: Rate, calls: int) -> None:
        running = [
            asyncio.create_task(self._process(rate, calls // self._processes))
            for _ in range(self._processes)
        ]
        while not all(task.done() for task in running):
            for _ in range(5):  # let whoever is awake go as far as the next pause
                await asyncio.sleep(0)
            if self._asleep:
                self.now, _, woken = heapq.heappop(self._asleep)
                woken.set()
        await asyncio.gather(*running)

    def send(self, rate: Rate, calls: int) -> None:
        asyncio.run(self._run(rate, calls))


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_calls_that_wake_up_late_keep_the_pace_and_never_pass_the_limit(
    processes: int, seed: int
) -> None:
    limit, calls = 18, 3600
    crowd = Crowd(processes, latest=0.05, seed=seed)
    began = crowd.now
    crowd.send(Rate("late", float(limit)), calls)
    sent = sorted(crowd.sent)
    assert len(sent) == calls
    assert all(later - sent[n] >= 1.0 - 1e-6 for n, later in enumerate(sent[limit:]))
    assert calls / (sent[-1] - began) >= 0.95 * limit


def test_calls_that_are_punctual_lose_nothing() -> None:
    crowd = Crowd(2, latest=0.0, seed=1)
    crowd.send(Rate("punctual", 18.0), 360)
    assert crowd.sent[-1] - crowd.sent[0] == pytest.approx(359 / 18)


TAKE_MANY = """
import sys, time
from pathlib import Path
import redis
from marketdata.sources.http.permits import RowStore
from marketdata.sources.http.redis_permits import RedisStore
from tests.marketdata.sources.http.test_limiter import SqliteRows
kind, where = sys.argv[1:]
rows = RowStore(SqliteRows(Path(where))) if kind == "rows" else None
store = rows or RedisStore(redis.Redis.from_url(where))
sys.stdin.readline()
for _ in range(40):
    asked = time.time()
    print(repr(asked + store.take("shared", 50.0)))
"""


@pytest.mark.parametrize("kind", ["redis", "rows"])
def test_two_processes_share_one_row_of_permits(kind: str, tmp_path: Path, redis_url: str) -> None:
    """80 permits taken by two processes at once: no permit twice, none left out."""
    redis.Redis.from_url(redis_url).flushall()
    where = redis_url if kind == "redis" else str(tmp_path / "pace.sqlite3")
    command = [sys.executable, "-c", TAKE_MANY, kind, where]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate()[0] for process in both]
    moments = sorted(float(line) for text in printed for line in text.split())
    assert len(moments) == 80
    # The clock is read a little before the permit is given: what is asserted is far above that.
    assert all(abs(later - earlier - 50.0) < 10.0 for earlier, later in pairwise(moments))
