"""Intervals of a version's mean: as wide as theory says where picks are independent, unknown where sessions are few."""

from __future__ import annotations

import numpy as np
import pytest

from scans.evaluation.bootstrap import widening
from scans.evaluation.intervals import LEVEL, mean_intervals

SESSIONS, PICKS = 400, 4


def made(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    session = np.repeat(np.arange(SESSIONS), PICKS)
    return session, rng.normal(0.01, 0.05, size=len(session))


def test_independent_picks_give_the_interval_of_the_normal() -> None:
    session, values = made(1)
    everything = np.ones(len(values), dtype=bool)
    ((result,),) = mean_intervals(session, [values], [everything], sessions=SESSIONS, horizon=1)
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) * widening(LEVEL, SESSIONS, 1)
    assert (result.low + result.high) / 2 == pytest.approx(values.mean(), abs=half / 4)
    assert (result.high - result.low) / 2 == pytest.approx(half, rel=0.15)


def test_each_group_and_column_is_judged_by_itself() -> None:
    session, values = made(2)
    late = session >= SESSIONS // 2
    both = mean_intervals(session, [values, values + 1], [late, ~late], sessions=SESSIONS, horizon=1)
    for (plain, shifted), kept in zip(both, (late, ~late), strict=True):
        assert plain.low < values[kept].mean() < plain.high
        assert shifted.low == pytest.approx(plain.low + 1)
        assert shifted.high == pytest.approx(plain.high + 1)


def test_few_sessions_say_nothing() -> None:
    session, values = np.arange(50), np.linspace(-1, 1, 50)
    everything = np.ones(50, dtype=bool)
    ((result,),) = mean_intervals(session, [values], [everything], sessions=50, horizon=20)
    assert np.isnan([result.low, result.high]).all()
