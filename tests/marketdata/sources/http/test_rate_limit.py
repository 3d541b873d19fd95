"""When the next call may be sent: pure arithmetic, and whole crowds of processes against an exchange that counts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.sources.http.rate_limit import (
    CLOSEST,
    LATE,
    MARGIN,
    MOST_SLOTS,
    PATIENCE,
    SLOWEST,
    CallSlot,
    Rate,
    RateLimitState,
)
from tests.marketdata.sources.http.crowd import (
    CountingExchange,
    Crowd,
    World,
    between,
    mostly_short,
)

TWO = Rate("group", 2.0)
LIMITS = [(18, 1.0), (10, 1.0), (5, 1.0), (1, 1.25), (150, 1.0)]
"""Calls, and the seconds in which an exchange takes so many."""


def permits(
    state: RateLimitState, rate: Rate, until: float, *, process: str = "me"
) -> tuple[RateLimitState, list[float]]:
    """The moments of all permits up to `until` of a process that requests exactly on time and whose calls are answered
    at once."""
    now, moments = 1000.0, []
    while now <= until:
        state, answer = state.request_permit(now, rate, process, 0.0)
        if answer.at is None:
            assert answer.wait > 0
            now += answer.wait
        else:
            moments.append(answer.at)
            state = state.settle(answer.at, answer.at, 0.0)
    return state, moments


# --- one at a time


def test_permits_lie_evenly() -> None:
    _, moments = permits(RateLimitState(), Rate("group", 10.0), 1000.95)
    assert moments == pytest.approx([1000.0 + number / 10 for number in range(10)])


@given(st.floats(0.01, 5000.0))
def test_slots_of_a_window_are_the_rate_and_never_more_in_a_second(per_second: float) -> None:
    rate = Rate("group", per_second)
    assert 1 <= rate.slots <= MOST_SLOTS
    assert rate.slots / rate.window <= per_second * (1 + 1e-9)
    assert rate.slots / rate.window >= per_second * (1 - 1 / MOST_SLOTS)
    assert rate.spacing * rate.slots == pytest.approx(rate.window)


def test_a_slot_is_free_when_the_next_call_is_certain_to_be_counted_a_window_later() -> None:
    """Answered 0.3 s after its permit by a process whose calls take 0.2 s at least: counted 0.1 s after it, or earlier
    by the duration of an answer, and the next call is counted no earlier than after the duration of a request."""
    state = RateLimitState(slots=(CallSlot(999.0, 999.3, 0.2), CallSlot(999.4, 999.7, 0.2)))
    for shortest, after_answer in (
        (0.2, 1.0 - 0.2),
        (0.15, 1.0 - 0.15),
        (0.5, 1.0 - 0.2),
        (0.0, 1.0),
    ):
        _, answer = state.request_permit(999.8, TWO, "me", shortest)
        assert 999.8 + answer.wait == pytest.approx(999.3 + after_answer + MARGIN)


def test_calls_without_an_answer_release_their_slots_in_the_end() -> None:
    state = RateLimitState(slots=(CallSlot(999.0), CallSlot(999.5)))
    _, answer = state.request_permit(999.6, TWO, "me", 0.1)
    assert 999.6 + answer.wait == pytest.approx(1000.0 + MARGIN)  # when it may be free at the earliest
    _, answer = state.request_permit(1000.1, TWO, "me", 0.1)
    assert answer.at is None
    assert answer.wait <= 0.02 + 1e-9
    _, answer = state.request_permit(1000.0 + PATIENCE, TWO, "me", 0.1)  # as of a process that was killed
    assert answer.at == 1000.0 + PATIENCE


def test_late_answer_takes_a_slot_again() -> None:
    state = RateLimitState(slots=(CallSlot(1000.2, 1000.25), CallSlot(1000.7, 1000.75)))
    state = state.settle(998.0, 1000.8, 0.0)
    assert [slot.at for slot in state.slots] == [998.0, 1000.2, 1000.7]
    _, answer = state.request_permit(1000.9, TWO, "me", 0.0)
    assert 1000.9 + answer.wait == pytest.approx(1001.75 + MARGIN)


def test_what_was_late_is_made_up_for_within_bounds() -> None:
    rate = Rate("group", 10.0)
    state, _ = permits(RateLimitState(), rate, 1000.55)
    state, answer = state.request_permit(1000.77, rate, "me", 0.0)  # 0.17 s after it was due
    assert answer.at == 1000.77
    _, answer = state.settle(1000.77, 1000.77, 0.0).request_permit(1000.78, rate, "me", 0.0)
    assert 1000.78 + answer.wait == pytest.approx(1000.77 + CLOSEST * 0.1)


def test_no_permit_in_a_hold_and_no_rush_after_it() -> None:
    rate = Rate("group", 10.0)
    state = RateLimitState().hold(1005.0).hold(1002.0)
    _, moments = permits(state, rate, 1005.35)
    assert moments == pytest.approx([1005.0, 1005.1, 1005.2, 1005.3])


def test_a_clock_that_was_put_back_forgets_the_calls_before() -> None:
    state, _ = permits(RateLimitState(), TWO, 1010.0)
    assert state.request_permit(10.0, TWO, "me", 0.0)[1].at == 10.0
    state = RateLimitState().settle(1010.0, 9.0, 0.0)  # a call of before, answered since
    assert state.request_permit(10.0, TWO, "me", 0.0)[1].at == 10.0


# --- several processes


def test_waiting_processes_are_served_in_turn() -> None:
    rate, state = Rate("group", 10.0), RateLimitState()
    order: list[str] = []
    coming = dict.fromkeys("abc", 1000.0)
    while len(order) < 30:
        process = min(coming, key=lambda one: (coming[one], one))
        now = coming[process]
        state, answer = state.request_permit(now, rate, process, 0.0)
        if answer.at is not None:
            order.append(process)
            state = state.settle(answer.at, answer.at, 0.0)
        coming[process] = now + answer.wait
    assert all(len(set(order[at : at + 3])) == 3 for at in range(3, 28))


def test_a_process_that_does_not_return_loses_its_place_and_nothing_else() -> None:
    rate = Rate("group", 10.0)
    state, answer = RateLimitState().request_permit(1000.0, rate, "a", 0.0)
    state = state.settle(1000.0, 1000.0, 0.0)
    state, _ = state.request_permit(1000.01, rate, "b", 0.0)  # its time is 1000.1; it is killed
    assert [place.process for place in state.queue] == ["b"]
    assert state.queue[0].until == pytest.approx(1000.1 + LATE)
    state, answer = state.request_permit(1000.02, rate, "a", 0.0)
    now = 1000.02 + answer.wait
    assert now >= 1000.1
    while answer.at is None:
        state, answer = state.request_permit(now, rate, "a", 0.0)
        now += answer.wait
    assert answer.at <= 1000.1 + LATE + 0.02 + 1e-9


# --- refusals


@given(st.lists(st.floats(0, 3), min_size=1, max_size=30))
def test_the_slowest_rate_is_half_the_configured_one(gaps: list[float]) -> None:
    state, now = RateLimitState(), 0.0
    for gap in gaps:
        now += gap
        before = state.slowness(now)
        state = state.slow_down(now, 1.3)
        assert before <= state.slowness(now) <= SLOWEST


def test_a_slowdown_recovers_to_that_of_one_refusal_and_ends_in_an_hour() -> None:
    state = RateLimitState()
    for second in (0.0, 2.0, 4.0, 6.0):
        state = state.slow_down(second, 1.03)
    at_once = state.slowness(6.0)
    assert 1.03**4 * 0.98 < at_once <= 1.03**4
    slowness = [state.slowness(6.0 + minute * 60.0) for minute in range(60)]
    assert slowness == sorted(slowness, reverse=True)
    assert slowness[1] < at_once
    assert slowness[2:] == [1.03] * 58
    assert state.slowness(3700.0) == 1.0


def test_a_slowdown_stretches_the_spacing_and_the_window() -> None:
    rate = Rate("group", 10.0)
    _, moments = permits(RateLimitState().slow_down(1000.0, 1.5), rate, 1000.95)
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert gaps == pytest.approx([0.15] * len(gaps), rel=0.01)
    full = replace(RateLimitState(), slots=tuple(CallSlot(999.5 + n / 100, 999.5 + n / 100) for n in range(10)))
    _, answer = full.slow_down(1000.0, 1.5).request_permit(1000.0, rate, "me", 0.0)
    assert 1000.0 + answer.wait == pytest.approx(999.5 + 1.5 + MARGIN)


# --- stored as text


@given(
    st.lists(st.tuples(st.floats(0, 2), st.sampled_from("abc"), st.booleans()), max_size=40),
)
def test_a_state_comes_back_from_its_text(steps: list[tuple[float, str, bool]]) -> None:
    state, now = RateLimitState(), 1_764_000_000.123
    for gap, process, refused in steps:
        now += gap
        state, answer = state.request_permit(now, TWO, process, 0.0)
        if answer.at is not None and gap < 1.0:
            state = state.settle(answer.at, now + gap, gap / 10)
        if refused:
            state = state.hold(now + 1.0).slow_down(now, 1.03)
    assert RateLimitState.of_text(state.text()) == state


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"next_at": 3.0}', '{"slots": 1}'])
def test_a_text_of_another_release_is_a_group_without_calls(text: str) -> None:
    assert RateLimitState.of_text(text) == RateLimitState()


# --- crowds


@settings(max_examples=20, deadline=None)
@given(
    limit=st.sampled_from(LIMITS),
    processes=st.integers(1, 3),
    there=st.floats(0.0, 0.1),
    back=st.floats(0.0, 0.3),
    jitter=st.floats(0.0, 0.05),
    latest=st.floats(0.0, 0.03),
    tails=st.booleans(),
    seed=st.integers(0, 2**32),
    kill=st.dictionaries(st.integers(1, 2), st.floats(0.0, 10.0)),
)
@pytest.mark.slow
def test_no_call_is_ever_refused(
    limit: tuple[int, float],
    processes: int,
    there: float,
    back: float,
    jitter: float,
    latest: float,
    tails: bool,
    seed: int,
    kill: dict[int, float],
) -> None:
    """For any length of the ways there and back, any lateness of timers, and any killed process."""
    exchange = CountingExchange(World(), *limit)
    draws = (
        (mostly_short(there, jitter / 4, seed), mostly_short(back, jitter / 4, seed + 1))
        if tails
        else (between(there, there + jitter, seed), between(back, back + jitter, seed + 1))
    )
    late = between(0.0, latest, seed + 2)
    rate = Rate("group", limit[0] / limit[1])
    crowd = Crowd(exchange, rate, there=draws[0], back=draws[1], late=late)
    crowd.send(processes, 300, kill=kill)
    assert exchange.refused == 0
    assert len(exchange.accepted) >= 300 - 12 * len(kill)
    for earlier, later in zip(exchange.accepted, exchange.accepted[limit[0] :], strict=False):
        assert later - earlier >= limit[1]


@pytest.mark.parametrize(("processes", "calls", "window"), [(1, 18, 1.0), (2, 18, 1.0), (3, 10, 1.0), (2, 1, 1.25)])
def test_nearly_all_that_the_limit_allows_is_used_and_shared_evenly(processes: int, calls: int, window: float) -> None:
    exchange = CountingExchange(World(), calls, window)
    crowd = Crowd(
        exchange,
        Rate("group", calls / window),
        there=between(0.005, 0.01, 1),
        back=between(0.025, 0.03, 2),
        late=mostly_short(0.0002, 0.001, 3),
    )
    crowd.send(processes, 60 * processes + 300)
    assert exchange.refused == 0
    settled = exchange.accepted[-300:]  # once each knows what a round trip takes at least
    assert 299 / (settled[-1] - settled[0]) >= 0.97 * calls / window
    last = crowd.made[-300:]
    assert all(last.count(one) >= 0.9 * 300 / processes for one in range(processes))


def test_an_exchange_that_takes_seconds_for_an_answer_is_still_called() -> None:
    exchange = CountingExchange(World(), 18, 1.0)
    crowd = Crowd(
        exchange,
        Rate("group", 18.0),
        there=between(0.0, 0.1, 1),
        back=between(1.0, 3.0, 2),
        late=between(0.0, 0.005, 3),
        at_once=64,
    )
    crowd.send(2, 400)
    assert exchange.refused == 0
    assert 399 / (exchange.accepted[-1] - exchange.accepted[0]) >= 0.4 * 18


def test_the_slots_of_a_killed_process_come_back() -> None:
    exchange = CountingExchange(World(), 5, 1.0)
    draw = between(0.01, 0.02, 1)
    crowd = Crowd(exchange, Rate("group", 5.0), there=draw, back=draw, late=draw)
    crowd.send(3, 200, kill={0: 7.0, 1: 9.0})
    assert exchange.refused == 0
    assert set(crowd.made[-100:]) == {2}
    assert 99 / (exchange.accepted[-1] - exchange.accepted[-100]) >= 0.9 * 5
