"""v1 and v2: fallback steps, caps, cutoffs and plans on markets large enough to reach them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from marketdata.panel import Panel
from scans.engines.base import MarketIndex, Outcome, Universe
from scans.engines.engine_params import read
from scans.engines.indicators import Measures
from scans.engines.registry import ENGINES
from tests.scans.engines import panels
from tests.scans.engines.asking import LENIENT

CALM = {"m": 0.0, "range": 0.03}


@pytest.fixture(scope="module")
def market() -> Panel:
    return panels.panel(8, sessions=140, instruments=400, span=6)


def index(made: Panel, **last: float) -> MarketIndex:
    """A calm market, but for the last session."""
    series = panels.index(made)
    values = {name: np.full(len(series.m), value) for name, value in CALM.items()}
    for name, value in last.items():
        values[name][-1] = value
    return replace(series, **values)


def answer(slug: str, made: Panel, series: MarketIndex, **options: Any) -> tuple[Universe, Outcome]:
    engine = ENGINES[slug]
    params = read(engine.Params, {**LENIENT[slug], **options})
    universe = panels.universe(made, engine.min_bars)
    return universe, engine.score(universe, engine.features(Measures(made), params), series, params)


def explained(slug: str, made: Panel, series: MarketIndex, name: str, **options: Any) -> str:
    """The rule of the check `name` on the last session."""
    engine = ENGINES[slug]
    params = read(engine.Params, {**LENIENT[slug], **options})
    universe = panels.universe(made, engine.min_bars)
    measured = engine.features(Measures(made), params)
    last = len(made.output_sessions) - 1
    checks = engine.explain(universe, measured, series, params, day=last, column=0)
    return next(one.rule for one in checks if one.name == name and one.group != "risk")


def test_v1_takes_the_first_step_that_finds_enough(market: Panel) -> None:
    series = index(market)
    strict = {"min_signals_neutral": 7, "vol_mult": 5.0, "top_n": 10_000}
    steps = {}
    for target in (0, 1, 40, 1_000):
        _, result = answer("v1", market, series, **strict, target_min=target)
        steps[target] = result.days.step.tolist()
        enough = result.days.matched >= target
        assert (enough | (result.days.step == 2)).all()
    assert set(steps[0]) == {0}
    assert set(steps[1_000]) == {2}
    assert 1 in steps[1] + steps[40]


def test_a_fallback_step_never_tightens(market: Panel) -> None:
    series = index(market)
    loose = {"vol_mult": 1.5, "min_signals_neutral": 1, "target_min": 1_000}
    assert (answer("v1", market, series, **loose)[1].days.step == 2).all()
    assert explained("v1", market, series, "volume", **loose).startswith("volume >= 1.5 times")
    assert "at least 1 of" in explained("v1", market, series, "signals", **loose)
    strict = {"target_min": 1_000}
    assert explained("v1", market, series, "volume", **strict).startswith("volume >= 1.8 times")
    assert "at least 2 of" in explained("v1", market, series, "signals", **strict)


def test_a_wide_market_asks_v1_for_more(market: Panel) -> None:
    calm = index(market)
    wide = replace(calm, range=np.full_like(calm.range, 0.045))
    narrow = replace(calm, range=np.full_like(calm.range, 0.015))
    limits = {"target_min": 0, "rsi_headroom": 25}
    for series, cap, need in ((calm, 83, 3), (wide, 85, 4), (narrow, 82, 3)):
        assert explained("v1", market, series, "rsi cap", **limits) == f"rsi_tema < {cap}"
        assert f"at least {need} of" in explained("v1", market, series, "signals", **limits)


def test_a_crash_closes_v1_and_a_bear_closes_v2(market: Panel) -> None:
    _, result = answer("v1", market, index(market, m=-0.03))
    assert result.days.reason[-1] == "regime crash"
    assert result.days.step[-1] == 0
    assert (result.ranks.day < len(market.output_sessions) - 1).all()
    falling = index(market)
    falling = replace(falling, m=np.full_like(falling.m, -0.004))
    _, closed = answer("v2", market, falling)
    assert set(closed.days.reason) == {"regime bear"}
    assert len(closed.ranks.day) == 0
    assert (closed.days.universe > 0).all()


@pytest.mark.parametrize(
    ("last", "risk", "swing", "position", "longterm"),
    [
        ({}, 0, 20, 15, 20),
        ({"range": 0.05}, 1, 15, 10, 20),
        ({"m": -0.016}, 2, 10, 5, 15),
        ({"m": -0.016, "range": 0.05}, 3, 5, 3, 10),
    ],
)
def test_v2_keeps_of_each_strategy_the_best_up_to_its_cap(
    market: Panel, last: dict[str, float], risk: int, swing: int, position: int, longterm: int
) -> None:
    cut = {f"cutoff_{name}_neutral": -20.0 for name in ("swing", "position", "longterm")}
    series = index(market, **last)
    values = {"top_n": 10_000, "risk_max": 20, "min_signals_neutral": 0, **cut}
    _, result = answer("v2", market, series, **values)
    day = len(market.output_sessions) - 1
    assert result.days.short_risk[day] == risk
    caps = {"swing": swing, "position": position, "longterm": longterm}
    kept = Counter(result.ranks.strategy[result.ranks.day == day].tolist())
    assert set(kept) <= set(caps)
    assert all(kept[name] <= most for name, most in caps.items())
    assert sum(kept[name] == most for name, most in caps.items()) >= 2
    assert result.days.matched[day] == sum(kept.values())
    _, best = answer("v2", market, series, **{**values, "top_n": 4})
    assert (
        best.ranks.column[best.ranks.day == day].tolist() == result.ranks.column[result.ranks.day == day][:4].tolist()
    )


@pytest.mark.parametrize("slug", ["v1", "v2"])
def test_plans_follow_the_strategy_and_are_raw_prices(slug: str, market: Panel) -> None:
    universe, result = answer(slug, market, index(market), top_n=10_000)
    ranks = result.ranks
    close = universe.close[ranks.day, ranks.column]
    plans = {
        "swing": (1.05, 0.95, 3, 10),
        "position": (1.10, 0.93, 10, 60),
        "longterm": (1.15, 0.90, 60, 0),
        "watch": (np.nan, np.nan, 0, 0),
    }
    assert set(ranks.strategy) <= set(plans)
    assert len(set(ranks.strategy)) >= 2
    for name, (target, stop, shortest, longest) in plans.items():
        of = ranks.strategy == name
        np.testing.assert_allclose(ranks.target[of], close[of] * target)
        np.testing.assert_allclose(ranks.stop[of], close[of] * stop)
        assert set(ranks.holding_min[of]) <= {shortest}
        assert set(ranks.holding_max[of]) <= {longest}
    assert np.isnan(ranks.entry).all()
