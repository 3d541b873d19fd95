"""Asking an engine in the tests: what it reads and no more, with parameters that let many through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from marketdata.panel import Panel
from scans.engines.base import Engine, Features, MarketIndex, Outcome, Universe, get_requirements
from scans.engines.engine_params import read
from scans.engines.indicators import Measures
from scans.engines.vcp import engine as vcp
from tests.scans.engines import panels

# Parameters that let many through, so that small random markets have picks to compare.
LENIENT: dict[str, dict[str, Any]] = {
    "v1": {
        "turnover_min": 1e6, "rsi_headroom": 60, "gap_min": -0.2, "gap_max": 0.2, "ext_max": 0.5,
        "atr_min": 0.0, "atr_max": 1.0, "risk_max": 5,
    },
    "v2": {
        "turnover_min": 1e6, "rsi_headroom": 60, "gap_min": -0.2, "gap_max_bull": 0.2,
        "gap_max_neutral": 0.2, "ext_max": 0.5, "risk_max": 9,
        "cutoff_swing_neutral": 0.0, "cutoff_position_neutral": 0.0, "cutoff_longterm_neutral": 0.0,
        "cutoff_swing_bull": 0.0, "cutoff_position_bull": 0.0, "cutoff_longterm_bull": 0.0,
    },
    "v3": {
        "turnover_min": 1e6, "price_min": 500, "momentum_min": 0.1, "high_min": 0.5,
        "rest_min": 0.9, "rest_max": 1.1, "rsi_min": 10, "rsi_max": 90, "volume_max": 1.5,
        "midterm_top": 3, "pullback_top": 3,
    },
    "formula": {
        "define": """
            trend = close / ema(close, 20)
            rested = rsi(14) < 75
            lively = volume >= 0.3 * sma(volume, 5) or crosses_above(close, dema(close, 10))
            strength = percentile(change(close, 20))
        """,
        "match": 'trend > 0.9 and rested and lively and strength >= 0.2 and regime != "crash" and turnover(20) > 1e6',
        "score": 'strength * 100 + if(regime == "bull", 5, 0) + if(rising(close, 10), slope(close, 10) / close, 0)',
    },
    "seismograph": {"turnover_min": 1e6, "threshold": 10.0},
    "vcp": {
        "turnover_min": 1e4, "price_min": 100, "template_min": 1, "depth_min": 0.0,
        "depth_max": 1.0, "score_min": 0,
    },
}  # fmt: skip


class Flowing(vcp.Engine):
    """vcp with investor flow blended in."""


FLOWING = Flowing()


class Near(list[float]):
    """Numbers that are equal within 1e-6 relative, NaN to NaN."""

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Near) and np.allclose(self, other, rtol=1e-6, atol=1e-9, equal_nan=True)


def lenient(engine: Engine) -> Any:
    options = LENIENT[engine.slug]
    return read(engine.Params, options | {"flow_weight": 0.5} if engine is FLOWING else options)


def market(engine: Engine, seed: int, *, instruments: int = 12) -> Panel:
    """A random market of 30 scored sessions, most of whose instruments have the bars that the engine wants."""
    return panels.panel(seed, sessions=max(130, engine.min_bars + 40), instruments=instruments)


def inputs_only(engine: Engine, made: Panel, params: Any = None) -> Panel:
    """The panel with the fields that the engine says it reads, as far back as it says."""
    params = lenient(engine) if params is None else params
    span = len(made.output_sessions)
    return replace(
        made,
        fields={
            name: made[name][max(len(made[name]) - span - before, 0) :]
            for name, before in get_requirements(engine, params).inputs.items()
        },
    )


def features(engine: Engine, made: Panel, params: Any = None) -> Features:
    params = lenient(engine) if params is None else params
    return engine.features(Measures(inputs_only(engine, made, params)), params)


def answer(engine: Engine, made: Panel, index: MarketIndex, params: Any = None) -> tuple[Universe, Outcome]:
    params = lenient(engine) if params is None else params
    universe = panels.universe(made, get_requirements(engine, params).min_bars)
    return universe, engine.score(universe, features(engine, made, params), index, params)


def rows(universe: Universe, outcome: Outcome) -> dict[str, list[Any]]:
    """Per session its state and its picks, numbers to 1e-6 relative."""
    days, ranks = outcome.days, outcome.ranks
    result: dict[str, list[Any]] = {
        str(session): [
            days.regime[at], int(days.step[at]), int(days.short_risk[at]), int(days.universe[at]),
            int(days.scored[at]), int(days.matched[at]), days.reason[at], days.notes[at],
        ]
        for at, session in enumerate(universe.sessions)
    }  # fmt: skip
    for at in range(len(ranks.day)):
        result[str(universe.sessions[ranks.day[at]])].append(_row(universe, outcome, at))
    return result


def _row(universe: Universe, outcome: Outcome, at: int) -> list[Any]:
    ranks = outcome.ranks
    numbers = [ranks.score[at], ranks.entry[at], ranks.target[at], ranks.stop[at]]
    numbers += [ranks.components[name][at] for name in sorted(ranks.components)]
    return [
        str(universe.codes[ranks.column[at]]),
        int(ranks.rank[at]),
        str(ranks.label[at]),
        str(ranks.strategy[at]),
        int(ranks.holding_min[at]),
        int(ranks.holding_max[at]),
        [name for name in sorted(ranks.signals) if ranks.signals[name][at]],
        Near(float(one) for one in numbers),
    ]


def same_features(one: Features, other: Features) -> None:
    assert set(one) == set(other)
    for name, values in one.items():
        assert values.dtype == other[name].dtype, name
        assert values.shape == other[name].shape, name
        np.testing.assert_array_equal(values, other[name], err_msg=name)
