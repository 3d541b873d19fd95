"""The wait after `sec=0`: exchanges that count in whole seconds or in the second before, on a simulated clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from marketdata.sources.http.rate_limit import Rate, RateLimitState
from marketdata.sources.quotation.quota import PROOF, CountedCall, Quota, QuotaWindow
from tests.exchanges.server import FixedLimit, SlidingLimit

CALLS = 75
TRIP = 0.02  # seconds each way and back
Limit = SlidingLimit | FixedLimit
Wait = Callable[[CountedCall, float], float]


def sliding() -> Limit:
    return SlidingLimit(10)


def fixed() -> Limit:
    return FixedLimit(10, phase=0.37)


def next_second(call: CountedCall, to_next_second: float) -> float:
    """The wait until the next second of our own clock, whatever the exchange counts."""
    return to_next_second if call.left == 0 else 0.0


@dataclass(frozen=True)
class Ended:
    seconds: float
    refused: int


def run(limit: Limit, wait: Wait, per_second: float = 1 / 0.105, others: float = 0.0, begin: float = 100.3) -> Ended:
    """`CALLS` calls at a pace while others make so many a second, at even distances in bursts of two."""
    rate, state, now, done, refused = Rate("candles", per_second), RateLimitState(), begin, 0, 0
    draw = random.Random(5)
    foreign = sorted(begin + draw.uniform(0, 60) for _ in range(int(others * 60)))
    while done < CALLS:
        state, answer = state.request_permit(now, rate, "process", TRIP)
        if answer.at is None:
            now += answer.wait
            continue
        counted = now + TRIP / 2
        while foreign and foreign[0] < counted:
            limit.take(foreign.pop(0))
        left = limit.take(counted)
        answered = now + TRIP
        state = state.settle(now, answered, TRIP)
        if left < 0:
            refused += 1
            state = state.hold(answered + 1.0)
        else:
            done += 1
            seconds = wait(CountedCall(now, answered, left), 1 - answered % 1)
            if seconds > 0:
                state = state.hold(answered + seconds)
        now = answered
    return Ended(now - begin, refused)


@pytest.mark.parametrize("limit", [sliding, fixed])
@pytest.mark.parametrize("begin", [100.0, 100.3, 100.6, 100.9])
def test_the_default_pace_is_no_slower_than_a_lower_one(limit: Callable[[], Limit], begin: float) -> None:
    default = run(limit(), Quota(10).wait, begin=begin)
    lower = run(limit(), Quota(10).wait, per_second=8.0, begin=begin)
    assert default.refused == lower.refused == 0
    assert default.seconds < lower.seconds


def test_a_sliding_window_no_longer_costs_whole_seconds() -> None:
    assert run(sliding(), Quota(10).wait).seconds == pytest.approx(CALLS * 0.105, rel=0.05)
    assert run(sliding(), next_second).seconds > 1.25 * CALLS * 0.105


@pytest.mark.parametrize("limit", [sliding, fixed])
@pytest.mark.parametrize("others", [1.0, 3.0, 5.0])
def test_beside_others_it_is_refused_no_more_than_after_the_next_second(
    limit: Callable[[], Limit], others: float
) -> None:
    refused, refused_before = 0, 0
    for phase in range(20):
        begin = 100 + phase / 20
        refused += run(limit(), Quota(10).wait, others=others, begin=begin).refused
        refused_before += run(limit(), next_second, others=others, begin=begin).refused
    assert refused <= refused_before


class TestQuota:
    """What it learns, and its waits, by hand."""

    @staticmethod
    def after(quota: Quota, *calls: tuple[float, int], trip: float = 0.01) -> float:
        """The wait after the last of calls, each sent at a time with a number left; our second ends in 0.7 s."""
        return [quota.wait(CountedCall(sent, sent + trip, left), 0.7) for sent, left in calls][-1]

    def test_calls_left_need_no_wait(self) -> None:
        assert self.after(Quota(10), (5.0, 9), (5.1, 8)) == 0.0

    def test_an_unknown_window_used_up_by_others_waits_for_the_next_second(self) -> None:
        quota = Quota(10)
        assert self.after(quota, (5.0, 2), (5.1, 0)) == 0.7
        assert quota.window is QuotaWindow.UNKNOWN

    def test_an_unknown_window_used_up_by_own_calls_waits_for_the_oldest(self) -> None:
        assert self.after(Quota(10), *((5.0 + n / 20, 9 - n) for n in range(10))) == pytest.approx(0.551)

    def test_a_rise_within_a_second_shows_a_fixed_window(self) -> None:
        quota = Quota(10)
        calls = [(5.0, 9), (5.1, 8), (5.2, 7), (5.3, 9), (5.4, 8)]
        assert self.after(quota, *calls) == 0.0
        assert quota.window is QuotaWindow.FIXED
        assert self.after(quota, (5.5, 0)) == pytest.approx(5.31 + 1.0 - 5.51 + 0.001)

    def test_no_rise_in_more_than_a_second_shows_a_sliding_window(self) -> None:
        quota = Quota(10)
        calls = [(5.0 + n / 8, max(2, 9 - n)) for n in range(13)]
        self.after(quota, *calls)
        assert quota.window is QuotaWindow.SLIDING
        # The calls of the last second begin at 5.625. Others used two of the ten: one more call is left to them.
        assert self.after(quota, (6.625, 0)) == pytest.approx(5.76 + 1.0 - 6.635 + 0.001)

    def test_an_answer_that_was_overtaken_shows_nothing(self) -> None:
        quota = Quota(10)
        self.after(quota, *((5.0 + n / 100, 8 - n) for n in range(5)))
        quota.wait(CountedCall(4.99, 5.2, 9), 0.7)
        assert quota.window is QuotaWindow.UNKNOWN


def test_a_second_proved_by_a_late_call_is_doubted_again() -> None:
    """A false proof would cost a whole second for every ten calls, as long as the exchange is asked."""
    quota = Quota(10)
    quota._note_rise(100.0)
    wrong = run(sliding(), quota.wait)
    assert quota.window is QuotaWindow.SLIDING
    assert wrong.refused == 0
    assert wrong.seconds < CALLS * 0.105 + PROOF + 1.0


def test_whole_seconds_are_proved_again_and_again() -> None:
    quota = Quota(10)
    assert run(fixed(), quota.wait).refused == 0
    assert quota.window is QuotaWindow.FIXED
