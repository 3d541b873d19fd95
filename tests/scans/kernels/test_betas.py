"""Beta by hand, and where it is unknown."""

from __future__ import annotations

import numpy as np

from scans.kernels.betas import beta

MARKET = np.array([0.01, -0.02, 0.03, 0.0])


def test_beta_by_hand() -> None:
    """Twice the market and a constant; against it; a share that does not move."""
    returns = np.column_stack([2 * MARKET + 0.001, -MARKET, np.zeros(4)])
    np.testing.assert_allclose(beta(returns, MARKET, 3), [[2, -1, 0], [2, -1, 0]], atol=1e-12)


def test_beta_is_unknown_where_a_return_is_or_the_market_does_not_move() -> None:
    returns = np.column_stack([MARKET, MARKET])
    returns[0, 1] = np.nan
    np.testing.assert_array_equal(np.isfinite(beta(returns, MARKET, 3)), [[True, False], [True, True]])
    assert np.isnan(beta(returns, np.full(4, 0.01), 3)).all()
    assert np.isnan(beta(returns, np.array([0.01, 0.02, np.nan, 0.0]), 3)).all()


def test_a_session_has_the_same_beta_alone_as_among_others() -> None:
    random = np.random.default_rng(5)
    returns, market = random.normal(0, 0.02, (80, 7)), random.normal(0, 0.01, 80)
    together = beta(returns, market, 60)
    for k in range(len(together)):
        np.testing.assert_array_equal(beta(returns[k : k + 60], market[k : k + 60], 60)[0], together[k])
