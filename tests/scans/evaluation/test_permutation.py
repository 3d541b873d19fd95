"""The permutation test of picks: against all permutations of a small market, and what it must not depend on."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from scans.evaluation.permutation import permutation_test, universe_excess
from scans.evaluation.prices import Prices
from scans.evaluation.tradability import Tradability

NAN = math.nan
HORIZON = 2


def naive_statistic(excess: Any, picks: list[tuple[int, int]], horizon: int = HORIZON) -> float:
    """The mean over sessions of their picks' mean excess, in units of its Newey-West error, one number at a time."""
    by_day: dict[int, list[float]] = {}
    for day, column in picks:
        if not math.isnan(excess[day, column]):
            by_day.setdefault(day, []).append(float(excess[day, column]))
    means = {day: math.fsum(values) / len(values) for day, values in by_day.items()}
    mean = math.fsum(means.values()) / len(means)
    total = math.fsum((value - mean) ** 2 for value in means.values())
    for day, other in itertools.permutations(means, 2):
        apart = abs(day - other)
        if apart <= horizon:
            total += (1 - apart / (horizon + 1)) * (means[day] - mean) * (means[other] - mean)
    return mean * len(means) / math.sqrt(total)


def small_market(seed: int) -> tuple[Any, list[tuple[int, int]]]:
    """The excess of five names over 12 sessions, some unknown, and picks on most sessions, names returning."""
    random = np.random.default_rng(seed)
    excess = random.normal(0, 0.05, (12, 5))
    excess[random.random(excess.shape) < 0.1] = NAN
    picks = [(day, column) for day in range(12) if day != 7 for column in (day // 3, (day // 3 + 2) % 5)]
    return excess, picks


@pytest.mark.parametrize("seed", range(4))
def test_the_p_value_is_the_share_of_all_permutations(seed: int) -> None:
    excess, picks = small_market(seed)
    own = abs(naive_statistic(excess, picks))
    judged = [(day, column) for day, column in picks if not math.isnan(excess[day, column])]
    every = [
        abs(naive_statistic(excess, [(day, names[column]) for day, column in judged]))
        for names in itertools.permutations(range(5))
    ]
    exact = sum(value >= own * (1 - 1e-9) for value in every) / len(every)
    day, column = np.array(picks).T
    drawn = permutation_test(excess, day, column, HORIZON, draws=4_999)
    assert drawn == pytest.approx(exact, abs=0.03)


def test_names_that_are_always_better_are_found_and_the_order_of_picks_is_nothing() -> None:
    random = np.random.default_rng(3)
    excess = random.normal(0, 0.02, (60, 40))
    excess[:, :5] += 0.05
    day, column = np.repeat(np.arange(60), 2), random.integers(0, 5, 120)
    order = random.permutation(120)
    found = permutation_test(excess, day, column, HORIZON, draws=199)
    assert found == 1 / 200
    assert permutation_test(excess, day[order], column[order], HORIZON, draws=199) == found
    assert permutation_test(excess, day, column + 20, HORIZON, draws=199) > 0.05


def test_too_few_sessions_have_no_p_value() -> None:
    excess = np.zeros((9, 4))
    days = np.arange(4)
    assert math.isnan(permutation_test(excess, days, days, HORIZON))
    excess[0, 0] = NAN
    days = np.arange(5)
    assert math.isnan(permutation_test(excess, days, np.zeros(5, dtype=int), HORIZON))


def test_the_excess_of_everything_eligible_by_hand() -> None:
    """Three names over four sessions, held for two: bought at the next open, the third not judged because of an action,
    nothing on the second session since its holdings end beyond the record."""
    opened = np.array([[10.0, 20, 30], [10, 20, 30], [11, 22, 33], [12, 24, 36]])
    close = np.array([[10.0, 20, 30], [10, 21, 30], [12, 22, 33], [12, 24, 36]])
    everything = np.ones(close.shape, dtype=bool)
    actions = np.zeros(close.shape, dtype=np.int16)
    actions[2:, 2] = 1
    prices = Prices(
        sessions=np.datetime64("2026-03-02") + np.arange(4),
        codes=np.array(["A", "B", "C"]),
        open=opened,
        high=np.maximum(opened, close),
        low=np.minimum(opened, close),
        close=close,
        traded=everything,
        actions=actions,
        market_cap=np.full(close.shape, NAN),
    )
    eligible = everything[:3].copy()
    eligible[1, 2] = False
    excess = universe_excess(prices, eligible, Tradability(everything, everything, ~everything), np.full(3, 3), 2)
    # Session 0: bought on 1, sold on 2: 12/10 - 1 = 0.2 and 22/20 - 1 = 0.1. Session 1: 12/11 - 1 and 24/22 - 1, alike.
    expected = [[0.05, -0.05, NAN], [0.0, 0.0, NAN], [NAN, NAN, NAN]]
    np.testing.assert_allclose(excess, expected, rtol=0, atol=1e-12)
