"""What every store of paces must do: change a state only from what was stored, also for two processes that take permits
as fast as they get them."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import pairwise

from marketdata.sources.http.rate_limit import CLOSEST, CallSlot, Rate, RateLimitState
from marketdata.sources.http.rate_limit_stores import RateLimitStore, update_state

RATE = Rate("shared", 100.0)
EACH = 60
FIRST = RateLimitState(grid=1.1, slots=(CallSlot(0.1), CallSlot(0.6, 0.7, 0.05)))
SECOND = RateLimitState(grid=2.2, hold_until=3.3, slowdown=1.03, slowdown_at=0.5, last_process="me")


def check_compare_and_swap(store: RateLimitStore) -> None:
    """In a store that is empty."""
    nothing = store.read("a")
    assert nothing.state == RateLimitState()
    assert store.swap("a", nothing, FIRST)
    assert not store.swap("a", nothing, SECOND)
    stored = store.read("a")
    assert stored.state == FIRST
    assert stored.now >= nothing.now
    assert store.swap("a", stored, SECOND)
    assert not store.swap("a", stored, FIRST)
    assert store.read("a").state == SECOND
    assert store.read("b").state == RateLimitState()


def take_many(store: RateLimitStore, process: str) -> None:
    """Print the moment of every permit; each call is answered at once."""
    sys.stdin.readline()
    calls = 0
    while calls < EACH:
        answer = update_state(store, RATE.group, lambda state, now: state.request_permit(now, RATE, process, 0.0))
        if answer.at is None:
            time.sleep(answer.wait)
            continue
        at = answer.at
        update_state(store, RATE.group, lambda state, now: (state.settle(at, now, 0.0), None))  # noqa: B023
        print(repr(at))
        calls += 1


def take_together(code: str, *arguments: str) -> None:
    """Run `code` in two processes at once and look at all their permits together."""
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, process, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for process in ("one", "two")
    ]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate()[0] for process in both]
    moments = sorted(float(line) for text in printed for line in text.split())
    assert len(moments) == 2 * EACH
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert min(gaps) >= CLOSEST * RATE.spacing - 1e-6
    assert all(
        later - earlier >= RATE.window - 1e-6 for earlier, later in zip(moments, moments[RATE.slots :], strict=False)
    )
