"""Holdings, benchmarks and figures against the naive judgement of the reference, on random markets."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from scans.evaluation.benchmarks import compute_benchmarks
from scans.evaluation.holdings import JUDGED, NEVER, OPEN, UNJUDGED, PickSet, follow, hold
from scans.evaluation.statistics import compute_figures
from tests.reference import judge
from tests.reference.made_markets import DAYS, frames
from tests.scans.evaluation.markets import arrays, random_picks, random_rows

SESSIONS, INSTRUMENTS = 45, 9
HORIZONS = (1, 2, 5, 9, 20)
STATES = {"judged": JUDGED, "dropped": NEVER, "open": OPEN, "unjudged": UNJUDGED}


@pytest.mark.parametrize("seed", range(12))
def test_every_holding_and_figure(seed: int) -> None:
    result = frames(random_rows(seed, SESSIONS, INSTRUMENTS), SESSIONS)
    listed, eligible = random_picks(seed, result, SESSIONS)
    prices = arrays(result, SESSIONS)
    axis, codes = DAYS[:SESSIONS].tolist(), prices.codes.tolist()
    picks = PickSet(
        np.array([axis.index(day) for day, _ in listed]),
        np.array([codes.index(code) for _, code in listed]),
    )
    codes_at = {day: prices.codes[row].tolist() for day, row in zip(axis, eligible, strict=True)}
    costs = [0.0, 0.01][seed % 2]
    paths = follow(prices, picks, HORIZONS)
    beside = compute_benchmarks(prices, paths, eligible)
    seen = set()
    for horizon in HORIZONS:
        expected = judge.holdings(
            listed,
            result,
            DAYS[:SESSIONS],
            lambda day: codes_at[day],
            horizon,
            costs=costs,
        )
        own = hold(paths, horizon, costs=costs)
        excess = beside.beside(own)
        assert own.state.tolist() == [STATES[one.state] for one in expected]
        assert own.hit.tolist() == [one.hit for one in expected]
        for name in ("gross", "net", "best", "worst"):
            np.testing.assert_allclose(getattr(own, name), [getattr(one, name) for one in expected], rtol=0, atol=1e-12)
        np.testing.assert_allclose(excess[0], [one.excess_cap for one in expected], atol=1e-12)
        np.testing.assert_allclose(excess[1], [one.excess_equal for one in expected], atol=1e-12)
        summary = judge.summary(expected, result, costs=costs)
        figured = asdict(compute_figures(own, excess))
        figured.pop("excess_error")
        assert figured == pytest.approx(summary, rel=1e-10, abs=1e-12, nan_ok=True)
        seen |= set(own.state.tolist())
    assert {JUDGED, OPEN} <= seen


def test_the_random_markets_hold_everything_that_can_happen() -> None:
    states = set()
    for seed in range(12):
        result = frames(random_rows(seed, SESSIONS, INSTRUMENTS), SESSIONS)
        listed, _ = random_picks(seed, result, SESSIONS)
        for day, code in listed:
            states.add(judge.hold(result, DAYS[:SESSIONS], day, code, 9, 0.0).state)
    assert states == set(STATES)


def test_groups_are_the_figures_of_their_picks_alone() -> None:
    result = frames(random_rows(3, SESSIONS, INSTRUMENTS), SESSIONS)
    listed, eligible = random_picks(3, result, SESSIONS)
    prices = arrays(result, SESSIONS)
    axis, codes = DAYS[:SESSIONS].tolist(), prices.codes.tolist()
    picks = PickSet(
        np.array([axis.index(day) for day, _ in listed]),
        np.array([codes.index(code) for _, code in listed]),
    )
    paths = follow(prices, picks, (5,))
    own = hold(paths, 5, costs=0.002)
    excess = compute_benchmarks(prices, paths, eligible).beside(own)
    kept = picks.column % 2 == 0
    some = [pick for pick, mark in zip(listed, kept, strict=True) if mark]
    expected = judge.holdings(
        some,
        result,
        DAYS[:SESSIONS],
        lambda day: np.array(codes)[eligible[axis.index(day)]].tolist(),
        5,
        costs=0.002,
    )
    figured = asdict(compute_figures(own, excess, kept))
    figured.pop("excess_error")
    summary = judge.summary(expected, result, costs=0.002)
    assert figured == pytest.approx(summary, rel=1e-10, abs=1e-12, nan_ok=True)
