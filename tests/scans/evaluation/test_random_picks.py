"""Random picks: a case by hand, a naive version, and picks whose skill is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scans.evaluation.random_picks import NO_GROUP, alike, random_picks


def market(seed: int = 1, sessions: int = 40, names: int = 30) -> tuple[Any, Any]:
    """Returns, and three groups with some names outside each session."""
    random = np.random.default_rng(seed)
    returns = random.normal(0, 0.05, (sessions, names))
    returns[random.random(returns.shape) < 0.05] = np.nan
    groups = np.where(random.random(returns.shape) < 0.2, NO_GROUP, np.arange(names) % 3).astype(np.int16)
    return returns, groups


def picks(groups: Any, value: Any, each: int = 3) -> tuple[Any, Any]:
    """The names with the highest value (D, N) of each session."""
    score = np.where(groups == NO_GROUP, -np.inf, np.nan_to_num(value, nan=-1e9))
    column = np.argsort(-score, axis=1)[:, :each]
    return np.repeat(np.arange(len(groups)), each), column.ravel()


def test_a_group_as_large_as_its_picks_leaves_nothing_to_draw() -> None:
    returns = np.array([[0.10, 0.02, -0.04], [0.01, np.nan, 0.05]])
    groups = np.array([[0, 1, NO_GROUP], [0, 1, 1]], dtype=np.int16)
    result = random_picks(returns, groups, np.array([0, 0, 1, 1, 1]), np.array([0, 1, 0, 1, 2]), draws=9)
    # (0.10 + 0.02) / 2 = 0.06 and (0.01 + 0.05) / 2 = 0.03, each date alike
    assert result.own == pytest.approx(0.045)
    assert (result.mean, result.low, result.high) == pytest.approx((0.045, 0.045, 0.045))
    assert result.as_good == 1.0


def test_draws_are_those_of_a_naive_version() -> None:
    returns, groups = market()
    day, column = picks(groups, np.random.default_rng(5).random(returns.shape))
    result = random_picks(returns, groups, day, column, draws=50, seed=3)
    random, means = np.random.default_rng(3), []
    for _ in range(50):
        priority = random.random(returns.shape[1])
        of_days = []
        for t in range(len(returns)):
            chosen: list[int] = []
            for group in range(3):
                count = sum(1 for d, c in zip(day, column, strict=True) if d == t and groups[t, c] == group)
                members = [n for n in range(returns.shape[1]) if groups[t, n] == group]
                chosen += sorted(members, key=lambda n: priority[n])[:count]
            of_days.append(np.nanmean([returns[t, n] for n in chosen]))
        means.append(np.mean(of_days))
    assert result.mean == pytest.approx(np.mean(means))
    assert (result.low, result.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))
    assert result.as_good == (1 + sum(mean >= result.own for mean in means)) / 51


def test_picks_that_know_the_future_are_better_than_random_ones_and_others_are_not() -> None:
    returns, groups = market()
    known = random_picks(returns, groups, *picks(groups, returns))
    assert known.as_good == 1 / 200
    assert known.own > known.high
    worlds = 100
    chances = []
    for seed in range(worlds):
        values, own = market(seed)
        chances.append(random_picks(values, own, *picks(own, np.tile(values[0], (len(values), 1)))).as_good)
    assert np.mean(np.array(chances) <= 0.05) <= 0.1


def test_instruments_of_like_volatility_and_turnover() -> None:
    volatility = np.arange(25.0).reshape(1, 25) // 5
    turnover = np.tile(np.arange(5.0), 5).reshape(1, 25)
    eligible = np.ones((1, 25), dtype=bool)
    eligible[0, 24] = False
    groups = alike(volatility, turnover, eligible)
    assert groups[0, 24] == NO_GROUP
    assert len(set(groups[0, :24].tolist())) == 24
    assert groups[0, 0] == 7  # the lowest of both: 1 x 6 + 1
