"""Scores of the cells that can match against scores of every cell, for features whole and in parts."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from scans.engines import candidate_cells, condition_engine
from scans.engines.base import Engine, Features, MarketIndex, Outcome, Universe, get_requirements
from scans.engines.candidate_cells import can_reach, can_stay_within
from scans.engines.engine_params import read
from scans.engines.registry import ENGINES
from scans.engines.split_features import SplitArray, SplitFeatures
from scans.kernels.compare import TIE, at_least
from tests.scans.engines import panels
from tests.scans.engines.asking import LENIENT, features, lenient, market

SEISMOGRAPHS = [{"model": model, "threshold": least} for model, least in (("v1", 20), ("v3", 30), ("v4", 1))]
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ("v1", "v2", "v3", "vcp", "seismograph")),
    *(("seismograph", options) for options in SEISMOGRAPHS),
    ("v2", {"gap_min": -0.02, "ext_max": 0.02}),
    ("v3", {"atr_max": 0.05, "extension_max": 1.05}),
    ("vcp", {"depth_max": 0.3}),
]


def split(whole: Features, *edges: int) -> SplitFeatures:
    """The features in parts that end before these columns and at the last one."""
    return SplitFeatures({name: SplitArray(np.split(values, edges, axis=1)) for name, values in whole.items()})


def outcome_of(engine: Engine, universe: Universe, f: Features, index: MarketIndex, params: Any) -> dict[str, Any]:
    outcome: Outcome = engine.score(universe, f, index, params)
    result: dict[str, Any] = {}
    for name, part in (("days", outcome.days), ("ranks", outcome.ranks)):
        result |= {f"{name}.{field.name}": getattr(part, field.name) for field in fields(part)}
    return result


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_candidates_give_the_outcome_of_all_cells(
    monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, Any], seed: int
) -> None:
    engine: Any = ENGINES[name]
    panel = market(engine, seed, instruments=40)
    params = read(engine.Params, LENIENT[name] | options) if options else lenient(engine)
    index, measured = panels.index(panel, seed), features(engine, panel)
    universe = panels.universe(panel, get_requirements(engine, params).min_bars)
    expected = outcome_of(engine, universe, measured, index, params)
    assert len(expected["ranks.day"]) > 0
    monkeypatch.setattr(condition_engine, "MANY_CELLS", 0)
    monkeypatch.setattr(condition_engine, "MOST_CANDIDATES", 1.0)
    monkeypatch.setattr(candidate_cells, "BLOCK", 7)
    chosen = engine.candidates(universe, measured, params)
    assert chosen.any()
    assert not chosen.all()
    for given in (measured, split(measured, 11, 30)):
        found = outcome_of(engine, universe, given, index, params)
        for field, values in expected.items():
            if isinstance(values, dict):
                assert found[field].keys() == values.keys()
                for part, own in values.items():
                    np.testing.assert_array_equal(found[field][part], own, err_msg=f"{field} {part}")
            else:
                np.testing.assert_array_equal(found[field], values, err_msg=field)


def test_sessions_without_a_candidate_have_no_picks(monkeypatch: pytest.MonkeyPatch) -> None:
    engine: Any = ENGINES["v3"]
    panel = market(engine, 1)
    universe = panels.universe(panel, engine.min_bars)
    params = read(engine.Params, LENIENT["v3"] | {"turnover_min": 1e15})
    monkeypatch.setattr(condition_engine, "MANY_CELLS", 0)
    outcome = engine.score(universe, features(engine, panel), panels.index(panel, 1), params)
    assert len(outcome.ranks.day) == 0
    assert outcome.days.scored.any()
    assert {"nothing passed"} == {
        reason for reason, scored in zip(outcome.days.reason, outcome.days.scored, strict=True) if scored
    }


@pytest.mark.parametrize("limit", [0.0, 0.002, -0.2, 58.0, 1e9])
def test_a_tie_is_within_reach(limit: float) -> None:
    """The ties rule itself, `compare.at_least`, is the measure: what it passes is a candidate."""
    near = limit * (1 + np.array([-3, -1, -0.99, 0, 0.99, 1, 3]) * TIE)
    assert (can_reach(near, limit) | ~at_least(near, limit)).all()
    assert (can_stay_within(near, limit) | ~at_least(limit, near)).all()
    assert not can_reach(np.array([limit - 1e-6 * max(abs(limit), 1), np.nan]), limit).any()
    assert not can_stay_within(np.array([limit + 1e-6 * max(abs(limit), 1), np.nan]), limit).any()


def test_an_array_in_parts_is_joined_once() -> None:
    values = np.arange(12.0).reshape(2, 6)
    shared = split({"gap": values}, 1, 4)
    assert shared["gap"] is shared["gap"]
    np.testing.assert_array_equal(shared["gap"], values)


def test_parts_of_arrays_that_were_joined_and_of_others_agree() -> None:
    values = np.arange(12.0).reshape(2, 6)
    both = split({"gap": values, "ext": -values}, 1, 4)
    assert both["gap"].shape == (2, 6)
    parts = both.column_parts()
    assert [(columns.start, columns.stop) for columns, _ in parts] == [(0, 1), (1, 4), (4, 6)]
    for columns, part in parts:
        np.testing.assert_array_equal(part["gap"], values[:, columns])
        np.testing.assert_array_equal(part["ext"], -values[:, columns])
