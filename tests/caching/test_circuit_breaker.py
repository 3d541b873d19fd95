"""The circuit against a naive reading of its rules, for any sequence of calls and pauses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caching.circuit_breaker import CircuitBreaker

THRESHOLD = 3
REST = 5.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def make() -> tuple[CircuitBreaker, Clock]:
    clock = Clock()
    return CircuitBreaker(threshold=THRESHOLD, rest=REST, clock=clock), clock


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker, _ = make()
    for _ in range(THRESHOLD - 1):
        breaker.failed()
    assert breaker.allows()
    breaker.succeeded()
    for _ in range(THRESHOLD - 1):
        breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert breaker.is_open
    assert not breaker.allows()


def test_one_trial_after_the_rest() -> None:
    breaker, clock = make()
    for _ in range(THRESHOLD):
        breaker.failed()
    clock.now += REST - 0.1
    assert not breaker.allows()
    clock.now += 0.1
    assert breaker.allows()
    assert not breaker.allows()  # there is a trial already
    breaker.failed()
    assert not breaker.allows()
    clock.now += REST
    assert breaker.allows()
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.allows()


def test_each_trial_in_vain_doubles_the_rest_up_to_the_longest() -> None:
    clock = Clock()
    breaker = CircuitBreaker(threshold=1, rest=1.0, longest=5.0, clock=clock)
    breaker.failed()
    rests = []
    for _ in range(5):
        rests.append(breaker.delay())
        clock.now += rests[-1]
        assert breaker.delay() == 0.0
        breaker.failed()
    assert rests == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert breaker.failing_for == sum(rests)
    breaker.succeeded()
    assert (breaker.failing_for, breaker.failures) == (0.0, 0)
    breaker.failed()
    assert breaker.delay() == 1.0


def test_a_trial_that_never_reports_is_followed_by_another() -> None:
    breaker, clock = make()
    for _ in range(THRESHOLD):
        breaker.failed()
    clock.now += REST
    assert breaker.allows()
    clock.now += REST - 0.5
    assert breaker.delay() == 0.5
    clock.now += 0.5
    assert breaker.allows()


@given(st.lists(st.tuples(st.floats(0, 10), st.booleans()), max_size=40))
def test_calls_go_through_as_the_rules_say(steps: list[tuple[float, bool]]) -> None:
    breaker, clock = make()
    in_a_row, held_until = 0, 0.0
    for pause, works in steps:
        clock.now += pause
        expected = in_a_row < THRESHOLD or clock.now >= held_until
        assert breaker.allows() is expected
        if not expected:
            continue
        if works:
            breaker.succeeded()
            in_a_row = 0
        else:
            breaker.failed()
            in_a_row += 1
            held_until = clock.now + REST
