"""What a process keeps as long as its state stays."""

from __future__ import annotations

import pytest

from caching.memo import Memo


def made(calls: list[str], name: str) -> str:
    calls.append(name)
    return name.upper()


def test_a_value_is_made_once_for_each_state() -> None:
    memo, calls = Memo[str](), list[str]()
    for state, name in ((1, "a"), (1, "b"), (2, "c"), (2, "d"), (1, "e")):
        memo.get("key", state, lambda name=name: made(calls, name))  # type: ignore[misc]
    assert calls == ["a", "c", "e"]
    assert memo.get("key", 1, lambda: made(calls, "f")) == "E"
    assert memo.get("other", 1, lambda: made(calls, "g")) == "G"


def test_the_least_recently_used_values_are_dropped_first() -> None:
    memo, calls = Memo[str](most=2), list[str]()
    for name in ("a", "b", "a", "c", "a", "b"):
        assert memo.get(name, 0, lambda name=name: made(calls, name)) == name.upper()  # type: ignore[misc]
    assert calls == ["a", "b", "c", "b"]


def test_an_error_is_not_stored() -> None:
    memo = Memo[str]()

    def fails() -> str:
        raise ValueError("no")

    assert memo.get("key", 0, lambda: "old") == "old"
    with pytest.raises(ValueError, match="no"):
        memo.get("key", 1, fails)
    assert memo.get("key", 1, lambda: "new") == "new"
