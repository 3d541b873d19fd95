"""seismograph: limits, thresholds and models that are null."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marketdata.panel import Panel
from scans.engines.base import Ranks
from scans.engines.engine_params import read
from scans.engines.indicators import Measures
from scans.engines.registry import ENGINES
from tests.scans.engines import panels

ENGINE = ENGINES["seismograph"]
ALL = {"turnover_min": 0.0, "threshold": 0.0}


def ranks(made: Panel, **options: Any) -> Ranks:
    params = read(ENGINE.Params, {**ALL, **options})
    universe = panels.universe(made, ENGINE.min_bars)
    measured = ENGINE.features(Measures(made), params)
    return ENGINE.score(universe, measured, panels.index(made), params).ranks


def picks(result: Ranks) -> set[tuple[int, int]]:
    return set(zip(result.day.tolist(), result.column.tolist(), strict=True))


def without_trades(made: Panel, column: int, sessions: slice) -> Panel:
    """One instrument without trades on some sessions: volume and turnover 0, its price where it stood."""
    fields = {name: values.copy() for name, values in made.fields.items()}
    rows = np.arange(len(made.sessions))[sessions]
    for t in rows:
        for name in ("open", "high", "low", "close", "raw_close"):
            source = "raw_close" if name == "raw_close" else "close"
            fields[name][t, column] = fields[source][t - 1, column]
        fields["volume"][t, column] = fields["amount"][t, column] = 0.0
    return panels.changed(made, **fields)


@pytest.mark.parametrize(("idle", "null"), [(10, False), (11, True)])
def test_a_model_is_null_where_fewer_than_half_of_its_bars_traded(idle: int, null: bool) -> None:
    made = panels.panel(3, span=1, dirty=False)
    end = len(made.sessions) - 1
    params = read(ENGINE.Params, ALL)
    halted = without_trades(made, 4, slice(end - idle, end))
    measured = ENGINE.features(Measures(halted), params)
    assert np.isnan(measured["tight_range"][0, 4]) == null
    assert np.isnan(measured["v4_obv_divergence"][0, 4]) == null
    assert np.isfinite(measured["v3_tight"][0, 4])  # 49 of 60 traded
    longer = without_trades(made, 4, slice(end - 20 - idle, end - 9))
    third = ENGINE.features(Measures(longer), params)
    assert np.isfinite(third["v3_tight"][0, 4])
    dead = ENGINE.features(Measures(without_trades(made, 4, slice(end - 31, end))), params)
    assert np.isnan(dead["v3_tight"][0, 4])


def test_a_null_score_is_not_scored_and_the_others_are_kept() -> None:
    made = panels.panel(3, span=1, dirty=False)
    end = len(made.sessions) - 1
    halted = without_trades(made, 4, slice(end - 11, end))
    params = read(ENGINE.Params, {**ALL, "model": "v3"})
    universe = panels.universe(halted, ENGINE.min_bars)
    measured = ENGINE.features(Measures(halted), params)
    outcome = ENGINE.score(universe, measured, panels.index(halted), params)
    at = outcome.ranks.column.tolist().index(4)
    components = outcome.ranks.components
    assert np.isfinite(components["score_v3"][at])
    for name in ("score_v1", "score_v2", "score_v4", "stage", "tight_range"):
        assert np.isnan(components[name][at])
    assert outcome.ranks.label[at] == ""
    by_v2 = ENGINE.score(universe, measured, panels.index(halted), read(ENGINE.Params, ALL))
    assert by_v2.days.scored[0] == outcome.days.scored[0] - 1
    assert 4 not in by_v2.ranks.column


@pytest.mark.parametrize(("model", "threshold"), [("v1", 50.0), ("v2", 50.0), ("v3", 75.0), ("v4", 50.0)])
def test_each_model_has_its_own_threshold_and_a_match_is_strictly_above(model: str, threshold: float) -> None:
    made = panels.panel(7, instruments=40, sessions=260, span=150)
    everything = ranks(made, model=model)
    over = everything.score > threshold * (1 + 1e-9)
    own = ranks(made, model=model, threshold=-1.0)
    assert len(own.day) == over.sum() > 0
    assert (own.score > threshold).all()
    np.testing.assert_array_equal(own.score, everything.components[f"score_{model}"][over])
    if model == "v1":
        assert (everything.score == 50).any()


def test_limits_of_price_volume_and_turnover() -> None:
    made = panels.panel(5, instruments=30, sessions=200, span=60)
    everything = ranks(made)
    close = made["raw_close"][made.start :][everything.day, everything.column]
    within = picks(ranks(made, price_min=2_400.0, price_max=3_600.0))
    inside = (close >= 2_400) & (close <= 3_600)
    assert within == {
        pick
        for pick, kept in zip(
            zip(everything.day.tolist(), everything.column.tolist(), strict=True),
            inside.tolist(),
            strict=True,
        )
        if kept
    }
    assert 0 < len(within) < len(everything.day)
    rich = ranks(made, turnover_min=1e9)
    assert 0 < len(rich.day) < len(everything.day)
    assert (rich.components["turnover"] >= 1e9).all()


def test_volume_is_counted_in_the_shares_of_the_session() -> None:
    made = panels.panel(5, dirty=False)
    volume = made["volume"].copy()
    volume[:, 0] = 1_000.0
    level = made["raw_close"].copy()
    level[:, 0] = made["close"][:, 0] * 4  # a later split of 4 for 1 divided its adjusted prices
    split = panels.changed(made, volume=volume, raw_close=level)
    measured = ENGINE.features(Measures(split), read(ENGINE.Params, ALL))
    np.testing.assert_allclose(measured["volume"][:, 0], 250.0)


def test_top_n_keeps_the_best_of_each_session() -> None:
    made = panels.panel(5, instruments=30)
    everything, best = ranks(made), ranks(made, top_n=2)
    assert picks(best) == picks(everything) & {
        pick
        for pick, rank in zip(
            zip(everything.day.tolist(), everything.column.tolist(), strict=True),
            everything.rank.tolist(),
            strict=True,
        )
        if rank <= 2
    }
    assert best.rank.max() == 2
