"""Warming: in order, within its budget, whatever a single call does."""

from __future__ import annotations

import itertools

from caching.warmup import warm


def test_one_failure_does_not_stop_the_others() -> None:
    made: list[str] = []

    def fail() -> None:
        raise RuntimeError("broken")

    warmth = warm([("a", lambda: made.append("a")), ("b", fail), ("c", lambda: made.append("c"))], budget=60.0)
    assert made == ["a", "c"]
    assert (warmth.warmed, warmth.failed, warmth.skipped) == (2, ["b"], 0)


def test_the_budget_ends_it() -> None:
    seconds = itertools.count()
    made: list[int] = []
    calls = [(str(n), lambda n=n: made.append(n)) for n in range(10)]
    warmth = warm(calls, budget=4.0, clock=lambda: float(next(seconds)))
    assert made == [0, 1, 2]
    assert (warmth.warmed, warmth.skipped) == (3, 7)
    assert warmth.seconds == 11.0
