"""The decorator on the cache in use: in-process, or a real Redis with `--backend postgres`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
from django.core.cache import cache

from caching import cached as module
from caching.cached import Cached, cached, leave_unstored
from caching.policies import POLICIES, get_policy
from caching.stats import STATS
from caching.store import STORE, advance

pytestmark = pytest.mark.backend
TOGETHER = 8


class Counter:
    """A function that counts its calls and fails on demand."""

    def __init__(self, *answers: object) -> None:
        self.calls: list[tuple[object, ...]] = []
        self._answers: Iterator[object] = iter(answers)

    def __call__(self, *args: object) -> object:
        self.calls.append(args)
        answer = next(self._answers, args)
        if isinstance(answer, Exception):
            raise answer
        return answer


def keep(function: Callable[..., object], **options: Any) -> Cached[..., object]:
    return cached("published", what="test", **options)(function)


def counts() -> dict[str, float]:
    return STATS.snapshot()["test"]


def test_an_answer_is_computed_once_per_arguments() -> None:
    count = Counter()
    kept = keep(count)
    assert [kept("a"), kept("a"), kept("b"), kept("a")] == [("a",), ("a",), ("b",), ("a",)]
    assert count.calls == [("a",), ("b",)]
    assert (counts()["hits"], counts()["misses"]) == (2, 2)


def test_by_replaces_the_arguments_in_the_key() -> None:
    count = Counter()
    kept = keep(count, by=lambda what, how: (what,))
    assert [kept("a", 1), kept("a", 2), kept("b", 3)] == [("a", 1), ("a", 1), ("b", 3)]
    assert count.calls == [("a", 1), ("b", 3)]


@pytest.mark.parametrize("value", [None, False, 0, "", (), []])
def test_an_empty_answer_is_an_answer(value: object) -> None:
    count = Counter(value, "computed again")
    kept = keep(count)
    assert kept() == value
    assert kept() == value
    assert len(count.calls) == 1


def test_an_error_is_not_kept() -> None:
    count = Counter(ValueError("no"), "yes")
    kept = keep(count)
    with pytest.raises(ValueError, match="no"):
        kept()
    assert kept() == "yes"
    assert kept() == "yes"
    assert (counts()["failures"], counts()["misses"], counts()["hits"]) == (1, 1, 1)


def test_advancing_a_scope_invalidates_that_scope_alone() -> None:
    count = Counter()
    kept = keep(count, scope=lambda market: f"market.{market}")
    for market in ("kr", "us", "kr", "us"):
        kept(market)
    assert len(count.calls) == 2
    assert advance("market.kr")
    kept("us")
    assert len(count.calls) == 2
    kept("kr")
    kept("kr")
    assert count.calls == [("kr",), ("us",), ("kr",)]


def test_a_lost_generation_never_brings_an_old_answer_back() -> None:
    kept = keep(Counter("old", "newer", "newest"), scope="one")
    assert kept() == "old"
    advance("one")
    assert kept() == "newer"
    cache.delete("generation:one")  # evicted
    assert kept() == "newest"


def test_an_answer_computed_before_an_invalidation_is_not_served_after_it() -> None:
    kept: Cached[..., object] = keep(lambda: advance("one") and None, scope="one")
    kept()
    kept()
    assert counts()["hits"] == 0


def test_another_version_is_another_answer() -> None:
    assert keep(Counter("first form"), version=1)() == "first form"
    assert keep(Counter("second form"), version=2)() == "second form"
    assert keep(Counter("unused"), version=1)() == "first form"


def test_refresh_and_forget() -> None:
    kept = keep(Counter(1, 2, 3))
    assert kept() == 1
    assert kept.refresh() == 2
    assert kept() == 2
    kept.forget()
    assert kept() == 3


class Watched(threading.Event):
    """An event that tells how many have begun to wait for it."""

    waiting = threading.Semaphore(0)

    def wait(self, timeout: float | None = None) -> bool:
        self.waiting.release()
        return super().wait(timeout)


def test_threads_of_one_process_compute_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def slow() -> str:
        calls.append(1)
        for _ in range(TOGETHER - 1):  # until all the others wait
            assert Watched.waiting.acquire(timeout=10)
        return "answer"

    kept = keep(slow)
    monkeypatch.setattr("caching.single_flight.Event", Watched)
    with ThreadPoolExecutor(TOGETHER) as pool:
        assert list(pool.map(lambda _: kept(), range(TOGETHER))) == ["answer"] * TOGETHER
    assert len(calls) == 1
    assert counts()["shared"] == TOGETHER - 1


def test_processes_compute_once() -> None:
    """Two decorated functions of one name share nothing but the cache, as two processes do."""
    computing, other_asks, release = threading.Event(), threading.Event(), threading.Event()

    def slow() -> str:
        computing.set()
        release.wait(10)
        return "answer"

    def never() -> str:
        raise AssertionError("computed twice")

    here, there = keep(slow), keep(never)
    taken = STORE.take_lease

    def take_lease(key: str, holder: str, seconds: int) -> bool:
        got = taken(key, holder, seconds)
        if not got:
            other_asks.set()  # the second waits for the first
        return got

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr(STORE, "take_lease", take_lease)
        first = pool.submit(here)
        assert computing.wait(10)
        second = pool.submit(there)
        assert other_asks.wait(10)
        release.set()
        assert (first.result(10), second.result(10)) == ("answer", "answer")


def test_who_waits_takes_over_when_the_first_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def first() -> str:
        begun.set()
        assert Watched.waiting.acquire(timeout=10)
        raise RuntimeError("the first failed")

    turns: Iterator[Callable[[], str]] = iter([first, lambda: "second"])
    kept = keep(lambda: next(turns)())
    monkeypatch.setattr("caching.single_flight.Event", Watched)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(kept)
        assert begun.wait(10)
        two = pool.submit(kept)
        assert two.result(10) == "second"
        with pytest.raises(RuntimeError, match="the first failed"):
            one.result(10)


def test_a_dead_holder_does_not_hold_anybody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICIES, "hasty", type(get_policy("kept"))(ttl=10, lease=10, wait=0.0))
    kept = cached("hasty", what="test")(lambda: "own")
    assert STORE.take_lease(kept.key(), "a process that died", 10)
    assert kept() == "own"


def test_a_function_may_ask_for_itself() -> None:
    answers: list[Cached[[int], int]] = []

    def factorial(n: int) -> int:
        return n * answers[0](n - 1) if n else 1

    answers.append(cached("published", what="test")(factorial))
    assert answers[0](5) == 120

    depth = [0]

    def itself() -> int:
        depth[0] += 1
        return depth[0] if depth[0] > 1 else loop[0]()

    loop: list[Cached[[], int]] = []
    loop.append(cached("published", what="test")(itself))
    assert loop[0]() == 2


def test_what_is_no_plain_data_is_computed_each_time() -> None:
    count = Counter(lambda: 1, lambda: 2)
    kept = keep(count)
    assert kept()() == 1  # type: ignore[operator]
    assert kept()() == 2  # type: ignore[operator]
    assert counts()["unstored"] == 2
    assert not STORE.breaker.is_open


def test_what_another_release_wrote_is_a_miss() -> None:
    for n, left in enumerate(({"another": "form"}, b"\xc1", ("computed",), "text")):
        kept = keep(Counter("computed"), version=n)
        cache.set(kept.key(), left, 60)
        assert kept() == "computed"
        assert not STORE.breaker.is_open


def test_leases_are_returned() -> None:
    kept = keep(Counter(1))
    kept()
    assert STORE.take_lease(kept.key(), "the next", 10)


def test_an_unknown_policy_lists_the_existing_ones() -> None:
    with pytest.raises(LookupError, match="no cache policy 'forever': choose among published"):
        cached("forever", what="test")
    assert all(one.ttl > 0 and one.lease >= 0 and one.wait >= 0 for one in POLICIES.values())
    assert all(one.wait > module.POLL for one in POLICIES.values())


def test_a_counter() -> None:
    assert STORE.counter("a") == 0
    assert [STORE.count("a", 1, 60), STORE.count("a", 2, 60), STORE.count("a", -1, 60)] == [1, 3, 2]
    assert STORE.counter("a") == 2
    with ThreadPoolExecutor(TOGETHER) as pool:
        list(pool.map(lambda _: STORE.count("b", 1, 60), range(100)))
    assert STORE.counter("b") == 100


def test_an_answer_that_lacks_a_part_is_not_stored_nor_one_made_from_it() -> None:
    parts: list[object] = []

    def part() -> object:
        if not parts:
            leave_unstored()
        return parts[-1] if parts else None

    inner = keep(part)
    outer = cached("published", what="outer")(lambda: [inner(), "whole"])
    assert outer() == [None, "whole"]
    parts.append("index")
    assert outer() == ["index", "whole"]
    parts.append("another")
    assert outer() == ["index", "whole"]
    assert inner() == "index"


def test_an_incomplete_answer_leaves_the_next_one_alone() -> None:
    keep(lambda: leave_unstored())()
    other = Counter("a", "b")
    function = cached("published", what="other")(other)
    assert (function(1), function(1)) == ("a", "a")


def test_waiting_threads_learn_whether_the_answer_they_share_is_incomplete() -> None:
    """Of an earlier incomplete answer in the pilot's thread, the threads that share a whole one learn nothing."""
    pilot = copy_context()
    pilot.run(leave_unstored)  # outside any answer, as in a request before
    started, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        started.set()
        go_on.wait(10)
        return "whole"

    inner = cached("published", what="slow")(slow)
    outer = cached("published", what="sharing")(lambda: [inner()])
    with ThreadPoolExecutor(1) as pool:
        sharing = pool.submit(lambda: (started.wait(10), outer(), outer())[1:])
        threading.Timer(0.3, go_on.set).start()
        assert pilot.run(inner) == "whole"
        assert sharing.result() == (["whole"], ["whole"])
    assert STATS.snapshot()["sharing"]["unstored"] == 0
