"""Residuals of a regression over the instruments of a session."""

from __future__ import annotations

import numpy as np
import pytest

from scans.kernels.residuals import residual

X = [1.0, 2.0, 3.0, 6.0]
Y = [0.0, 1.0, 2.0, 3.0]
"""The line through them is 0.6 + 1.6 y: mean of x 3, of y 1.5; covariance 8 / 4, variance of y 5 / 4."""
RESIDUALS = [0.4, -0.2, -0.8, 0.6]


def rows(*values: list[float]) -> np.ndarray:
    return np.array(values, dtype=float)


def everyone(x: np.ndarray) -> np.ndarray:
    return np.ones(x.shape, dtype=bool)


def test_one_regressor_by_hand() -> None:
    result = residual(rows(X), [rows(Y)], everyone(rows(X)))
    assert result[0].tolist() == pytest.approx(RESIDUALS, abs=1e-12)


def test_instruments_outside_or_without_a_value_change_nothing() -> None:
    x = rows([*X, 500.0, 7.0, np.nan])
    y = rows([*Y, -3.0, np.nan, 2.0])
    result = residual(x, [y], np.array([[True] * 4 + [False, True, True]]))
    assert result[0, :4].tolist() == pytest.approx(RESIDUALS, abs=1e-12)
    assert np.isnan(result[0, 4:]).all()


def test_a_constant_or_repeated_regressor_explains_nothing_more() -> None:
    x, y = rows(X), rows(Y)
    for others in ([y, np.full_like(y, 7.3)], [np.full_like(y, 1e12), y], [y, y], [y * 1e-9, 3 - 2 * y]):
        x4, others4 = np.tile(x, (1, 2)), [np.tile(one, (1, 2)) for one in others]
        result = residual(x4, others4, everyone(x4))
        assert result[0].tolist() == pytest.approx(RESIDUALS * 2, abs=1e-9)


def test_what_is_explained_wholly_is_0_and_not_the_noise_of_rounding() -> None:
    y = np.linspace(20, 35, 60).reshape(2, 30)
    assert (residual(1e6 - 0.37 * y, [y], everyone(y)) == 0).all()


def test_each_session_by_itself_against_lstsq() -> None:
    rng = np.random.default_rng(5)
    x, size, calm = rng.normal(0, 0.1, (6, 40)), rng.normal(25, 2, (6, 40)), rng.uniform(0.005, 0.05, (6, 40))
    mask = rng.random(x.shape) < 0.8
    expected = np.full(x.shape, np.nan)
    for day, members in enumerate(mask):
        columns = np.column_stack([np.ones(members.sum()), size[day, members], calm[day, members]])
        fit = columns @ np.linalg.lstsq(columns, x[day, members], rcond=None)[0]
        expected[day, members] = x[day, members] - fit
    np.testing.assert_allclose(residual(x, [size, calm], mask), expected, atol=1e-12)


def test_too_few_instruments_have_no_residual() -> None:
    x = rows([*X, 2.0, 9.0])
    regressors = [rows([*Y, 8.0, 1.0]), rows([5.0, 2.0, 2.0, 9.0, 1.0, 0.0])]
    for count, shown in ((6, 6), (5, 5), (4, 0), (0, 0)):
        result = residual(x, regressors, np.arange(6)[None, :] < count)
        assert np.isfinite(result).sum() == shown
