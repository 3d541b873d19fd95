"""The ties rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.kernels.compare import above, at_least, crosses_above
from tests.reference import indicators as reference

numbers = st.floats(-1e12, 1e12, allow_nan=False) | st.just(float("nan"))
near = st.floats(-3e-9, 3e-9)


@given(a=numbers, b=numbers, nudge=near)
def test_agrees_with_the_rule_written_for_two_numbers(a: float, b: float, nudge: float) -> None:
    for x, y in ((a, b), (a, a * (1 + nudge)), (a, a), (-a, a)):
        assert bool(above(x, y)) == reference.above(x, y)
        assert bool(at_least(x, y)) == reference.at_least(x, y)


@given(a=numbers, b=numbers)
def test_either_above_or_at_least_the_other_way_unless_one_is_missing(a: float, b: float) -> None:
    missing = np.isnan(a) or np.isnan(b)
    assert bool(above(a, b)) + bool(at_least(b, a)) == (0 if missing else 1)


def test_ties_of_rescaled_prices() -> None:
    prices = np.array([[1000.0, 5005.0, 9990.0]])
    rescaled = prices * 0.3 / 0.7 * 7 / 3
    assert (rescaled != prices).any()
    assert not above(prices, rescaled).any()
    assert not above(rescaled, prices).any()
    assert at_least(prices, rescaled).all()
    assert above(prices * (1 + 2e-9), prices).all()


def test_zero_has_no_scale() -> None:
    assert above(1e-300, 0.0)
    assert not above(0.0, 0.0)
    assert above(0.0, -1e-300)


@pytest.mark.parametrize("shape", [(7,), (300, 1), (1, 400), (300, 400)])
def test_limits_of_a_session_or_one_number_spread_over_the_market(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape)
    assert np.array_equal(above(values, 0.25), values > 0.25)
    assert np.array_equal(at_least(0.25, values), values <= 0.25)
    if len(shape) == 2:
        limits = np.linspace(-1, 1, shape[0])[:, None]
        assert np.array_equal(above(values, limits), values > limits)


def test_a_cross_is_above_now_and_not_above_before() -> None:
    a = np.array([[1.0, 1.0, 2.0, 2.0, np.nan], [2.0, 2.0, 3.0, 2.0, 2.0]])
    b = np.array([[2.0, 1.0, 1.0, 1.0, np.nan], [1.0, 1.0, 1.0, 2.0, 1.0]])
    assert crosses_above(a, b).tolist() == [[False] * 5, [True, True, False, False, False]]
