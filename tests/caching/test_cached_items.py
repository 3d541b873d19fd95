"""Cached items on the cache in use: in-process, or a real Redis with `--backend postgres`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from django.core.cache import cache

from caching import keys
from caching.cached_items import CachedItems, StoredFailure
from caching.stats import STATS
from caching.store import STORE

pytestmark = pytest.mark.backend
SCOPE = ("kr", "2026-08-21")


class Reader:
    """Answers items by their names in capitals, and "missing" with None; notes what each call wanted."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.calls: list[list[str]] = []
        self.failure = failure

    def __call__(self, items: Sequence[str]) -> dict[str, str | None]:
        self.calls.append(list(items))
        if self.failure:
            raise self.failure
        return {item: None if item == "missing" else item.upper() for item in items}


def make() -> CachedItems[str | None]:
    return CachedItems("live", what="letters", failures=(LookupError,))


def test_missing_items_alone_are_computed() -> None:
    letters, read = make(), Reader()
    assert letters(SCOPE, ["a", "b", "c"], read) == {"a": "A", "b": "B", "c": "C"}
    assert letters(SCOPE, ["e", "a", "d", "c", "b"], read) == {"e": "E", "a": "A", "d": "D", "c": "C", "b": "B"}
    assert letters(SCOPE, ["d", "e"], read) == {"d": "D", "e": "E"}
    assert read.calls == [["a", "b", "c"], ["e", "d"]]
    counts = STATS.snapshot()["letters"]
    assert (counts["misses"], counts["hits"]) == (5, 5)


def test_none_is_an_answer_and_scopes_are_apart() -> None:
    letters, read = make(), Reader()
    assert letters(SCOPE, ["missing"], read) == letters(SCOPE, ["missing"], read) == {"missing": None}
    letters(("us", "2026-08-21"), ["missing"], read)
    assert read.calls == [["missing"], ["missing"]]
    assert letters(SCOPE, [], read) == {}


def test_a_failure_is_stored_for_the_scope() -> None:
    letters, read = make(), Reader()
    letters(SCOPE, ["a"], read)
    read.failure = LookupError("no line")
    for items in (["a", "b"], ["b"], ["c"]):
        with pytest.raises(StoredFailure, match="no line"):
            letters(SCOPE, items, read)
    assert letters(SCOPE, ["a"], read) == {"a": "A"}
    assert read.calls == [["a"], ["b"]]
    letters(("us",), ["a"], Reader())


def test_another_error_is_not_stored() -> None:
    letters, read = make(), Reader(ValueError("a defect"))
    with pytest.raises(ValueError, match="a defect"):
        letters(SCOPE, ["a"], read)
    read.failure = None
    assert letters(SCOPE, ["a"], read) == {"a": "A"}


def test_items_that_several_want_at_once_are_computed_once() -> None:
    """Eight requests at the same time, each of three items that overlap: every item is in one call."""
    letters, began, release = make(), threading.Event(), threading.Event()
    calls: list[list[str]] = []

    def read(items: Sequence[str]) -> dict[str, str | None]:
        calls.append(list(items))
        began.set()
        release.wait(5)
        return {item: item.upper() for item in items}

    wanted = [[str(n), str(n + 1), str(n + 2)] for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(copy_context().run, letters, SCOPE, wanted[0], read)
        assert began.wait(5)
        others = [pool.submit(copy_context().run, letters, SCOPE, items, read) for items in wanted[1:]]
        release.set()
        results = [first.result(5), *(other.result(5) for other in others)]
    assert results == [{item: item for item in items} for items in wanted]
    computed = sorted((item for items in calls for item in items), key=int)
    assert computed == [str(n) for n in range(10)]


def test_another_process_that_computes_is_waited_for() -> None:
    """While another holder has the scope's lease nothing is computed; what it stored is taken."""
    letters, read = make(), Reader()
    lease = keys.answer("letters", version=1, generation=0, parts=(*SCOPE, "turn"))
    assert STORE.take_lease(lease, "another", 15)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(copy_context().run, letters, SCOPE, ["a", "b"], read)
        item = keys.answer("letters", version=1, generation=0, parts=(*SCOPE, "item", "a"))
        STORE.put_many({item: "from the other"}, 30)
        STORE.end_lease(lease, "another")
        assert waiting.result(5) == {"a": "from the other", "b": "B"}
    assert read.calls == [["b"]]


def test_a_value_that_cannot_be_read_is_computed_again() -> None:
    letters, read = make(), Reader()
    cache.set(keys.answer("letters", version=1, generation=0, parts=(*SCOPE, "item", "a")), b"\xc1", 30)
    assert letters(SCOPE, ["a", "b"], read) == {"a": "A", "b": "B"}
    assert read.calls == [["a", "b"]]
