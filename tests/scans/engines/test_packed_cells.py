"""Scores of packed cells against scores of the whole universe, for random parameters of the engines that allow it."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

from scans.engines.base import CellwiseEngine, get_requirements
from scans.engines.crossover.thresholds import LOOSEST, LOOSEST_SIGNALS
from scans.engines.engine_params import read
from scans.engines.packed_cells import PackedCells, packed_ranks
from scans.engines.registry import ENGINES
from tests.scans.engines import panels
from tests.scans.engines.asking import LENIENT, features, lenient, market

CELLWISE = [name for name, engine in ENGINES.items() if isinstance(engine, CellwiseEngine)]
COUNT = 12
SPREAD = 0.2


def variants(name: str, seed: int) -> list[Any]:
    """Parameters around lenient ones, of the filters and of what comes after them."""
    random, engine = Random(seed), ENGINES[name]
    base = vars(lenient(engine))
    moved = [*sorted({*LOOSEST, *LOOSEST_SIGNALS} & set(base)), "risk_rsi"]
    return [
        read(engine.Params, LENIENT[name] | {each: near(base[each], random) for each in moved}) for _ in range(COUNT)
    ]


def near(value: float, random: Random) -> float:
    """A number up to `SPREAD` below a value, or a count beside it."""
    return (
        random.randint(max(value - 1, 0), value + 1)
        if isinstance(value, int)
        else value * random.uniform(1 - SPREAD, 1)
    )


def test_v1_and_v2_are_cellwise() -> None:
    assert CELLWISE == ["v1", "v2"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", CELLWISE)
def test_packed_cells_give_the_picks_of_the_universe(name: str, seed: int) -> None:
    engine: Any = ENGINES[name]
    panel = market(engine, seed, instruments=40)
    params = variants(name, seed)
    index = panels.index(panel, seed)
    measured = features(engine, panel)
    universe = panels.universe(panel, get_requirements(engine, params[0]).min_bars)
    cells = engine.prefilter(universe, measured, index, params)
    assert cells.any()
    assert not cells.all()
    packed = PackedCells.of(universe, measured, cells)
    count = 0
    for own in params:
        ranks = engine.score(universe, measured, index, own).ranks
        day, column = packed_ranks(engine, packed, index, own)
        np.testing.assert_array_equal(day, ranks.day)
        np.testing.assert_array_equal(column, ranks.column)
        count += len(day)
    assert count > 50


def test_nothing_that_can_match_gives_no_picks() -> None:
    engine: Any = ENGINES["v2"]
    panel = market(engine, 1)
    universe = panels.universe(panel, 60)
    packed = PackedCells.of(universe, features(engine, panel), np.zeros(universe.eligible.shape, dtype=bool))
    assert [len(values) for values in packed_ranks(engine, packed, panels.index(panel, 1), lenient(engine))] == [0, 0]
