"""An engine's features depend on its `feature_params`, and on other parameters only through its requirements."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from scans.engines.base import Engine, get_feature_params, get_requirements
from scans.engines.engine_params import read
from scans.engines.indicators import Measures
from scans.engines.registry import ENGINES
from tests.scans.engines.asking import FLOWING, LENIENT, lenient, market, same_features

every_engine = pytest.mark.parametrize("engine", [*ENGINES.values(), FLOWING], ids=[*ENGINES, "vcp with flow"])


def watched(params: Any, seen: set[str]) -> Any:
    """The same parameters, which write down the names of those that are read."""
    names = {one.name for one in dataclasses.fields(params)}

    def noting(self: Any, name: str) -> Any:
        if name in names:
            seen.add(name)
        return object.__getattribute__(self, name)

    kind = type("Watched", (type(params),), {"__getattribute__": noting})
    result: Any = object.__new__(kind)
    result.__dict__.update(vars(params))
    return result


@every_engine
def test_features_read_declared_parameters_only(engine: Engine) -> None:
    result = get_feature_params(engine)
    assert result is not None
    seen: set[str] = set()
    params = watched(lenient(engine), seen)
    get_requirements(engine, params)
    through_needs = set(seen)
    engine.features(Measures(market(engine, 1)), params)
    assert seen - through_needs <= set(result)


def test_how_much_flow_weighs_changes_no_feature_of_vcp() -> None:
    """The requirements read the weight too: whether it is above 0."""
    made, result = market(FLOWING, 2), []
    for weight in (0.1, 0.9):
        params = read(FLOWING.Params, LENIENT["vcp"] | {"flow_weight": weight})
        result.append(FLOWING.features(Measures(made), params))
    same_features(*result)
