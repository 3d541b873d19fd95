"""vcp: volatility contraction (scanner definitions, section 6).

1. `features`: the trend template's averages, highs and lows, three depths of 20 sessions each, pivot, volume dry-up.
2. `score`: at least 6 of the 7 of the trend template, depths that contract, and a score of 60 or more; grades S, A, B.
3. The plan is a buy stop at the pivot, in raw currency of the session; its stop counts only after entry.

Choices where the definitions are silent: the relative strength is ranked as .4 C/C[-63] + .2 C/C[-126] + .2 C/C[-189] +
.2 C/C[-252], which orders as RS does; bounds include both ends; the regime changes nothing and is recorded as the trend
regime; all matches are ranked unless `top_n` limits them.

Flow is read where `flow_weight` is above 0 and nowhere else. It is measured in adjusted shares over the volume of the
same 5 sessions. Where a source gives only the value of what was bought, that value at the session's average price
(turnover / volume) replaces the shares, which makes the measure value over turnover. "Bought" is net buying above 0,
the blend is (1 - w) score + w 100 flow, and without flow on one of the 5 sessions the score stays: missing is not 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.engines import regimes
from scans.engines.base import Features, Requirements, Universe
from scans.engines.candidate_cells import LOOSENED, can_reach, can_stay_within
from scans.engines.condition_engine import ConditionEngine, Evaluation, MarketState
from scans.engines.conditions import (
    Condition,
    all_defined,
    all_hold,
    count_fulfilled,
    filter_,
    gate,
    liquidity_floors,
    universe_conditions,
)
from scans.engines.currency_params import price_floor, turnover_floor
from scans.engines.engine_params import param
from scans.engines.indicators import Measures
from scans.engines.outcomes import Levels
from scans.engines.ranking import Picks, order_picks, rank_rule
from scans.engines.vcp import contraction
from scans.kernels.compare import at_least

WARM_UP = 253
"""Sessions before the first requested one: no window is longer."""

STEADY, SUDDEN = 0.75, 0.5
"""The largest depth after the one before, and the largest last one after the first."""
DEEPEST = max(STEADY * STEADY, SUDDEN)
"""The largest last depth of a contraction, as a share of the first."""


@dataclass(frozen=True)
class Params:
    """Parameters of vcp; the defaults are the definition."""

    turnover_min: float = turnover_floor()
    price_min: float = price_floor()
    template_min: int = param(6, least=0, most=7, unit="of 7", help="What the trend template asks for")
    depth_min: float = param(0.08, least=0, most=1, unit="fraction of the high", help="Least first depth")
    depth_max: float = param(0.35, least=0, most=1, unit="fraction of the high", help="Largest first depth")
    score_min: float = param(60.0, least=0, most=100, help="Least score of a match")
    flow_weight: float = param(0.0, least=0, most=1, unit="fraction of the score", help="Weight of institutional flow")
    top_n: int = param(0, least=0, most=10_000, unit="instruments", help="How many picks are kept; 0 for all")


class Engine(ConditionEngine):
    """The engine vcp; the module describes its steps."""

    slug: ClassVar[str] = "vcp"
    title: ClassVar[str] = "Volatility contraction"
    revision: ClassVar[int] = 1
    inputs: ClassVar[Mapping[str, int]] = contraction.INPUTS
    warm_up: ClassVar[int] = WARM_UP
    regime_kind: ClassVar[str] = regimes.TREND
    compared: ClassVar[tuple[str, ...]] = ("strength",)
    min_bars: ClassVar[int] = 253
    Params: ClassVar[type[Any]] = Params
    feature_params: ClassVar[tuple[str, ...]] = ()  # whether flow counts shows in `needs`

    def requirements(self, params: Any) -> Requirements:
        """See `base.VariableRequirements`: flow is read where it counts."""
        inputs = dict(self.inputs)
        if params.flow_weight > 0:
            inputs |= contraction.FLOW_INPUTS
        return Requirements(inputs, self.warm_up, self.min_bars)

    def features(self, measures: Measures, params: Any) -> Features:
        """See `contraction.features`."""
        return contraction.features(measures, flow=params.flow_weight > 0)

    def candidates(self, universe: Universe, features: Features, params: Any) -> Bools | None:
        """See `ConditionEngine`. With flow every cell is evaluated: its notes count all instruments that have some."""
        if params.flow_weight > 0:
            return None
        f = features
        floors: Bools = can_reach(f["turnover"], params.turnover_min) & (universe.close >= params.price_min)
        depth = can_reach(f["depth_1"], params.depth_min) & can_stay_within(f["depth_1"], params.depth_max)
        contracted: Bools = f["depth_3"] <= (DEEPEST + LOOSENED) * f["depth_1"]
        return floors & depth & contracted

    def scored(self, universe: Universe, features: Features, params: Any) -> Bools:
        """See `ConditionEngine`; flow may be missing."""
        return universe.eligible & all_defined({name: values for name, values in features.items() if name != "flow"})

    def evaluate(self, universe: Universe, features: Features, market: MarketState, params: Any) -> Evaluation:
        """See `ConditionEngine`."""
        f = features
        scored = self.scored(universe, f, params)
        strength = market.percentiles["strength"]
        template = contraction.template_conditions(f, strength)
        number = count_fulfilled(template)
        parts = contraction.score_parts(f, number, strength)
        score, parts = contraction.blend_flow(f, parts, params.flow_weight)
        least = params.template_min
        conditions = [
            *universe_conditions(universe, scored),
            *liquidity_floors(universe, f["turnover"], turnover_min=params.turnover_min, price_min=params.price_min),
            *template,
            gate("template", number, "at least {} of the seven", number >= least, least),
            *_depths(f, params),
            gate("score", score, "score >= {}", at_least(score, params.score_min), params.score_min),
        ]
        matched = all_hold(condition for condition in conditions if condition.group != "signal")
        picks = order_picks(universe, matched, score).best(params.top_n)
        shown = {name: values for name, values in f.items() if values.dtype.kind == "f"}
        return Evaluation(
            scored=scored,
            matched=matched.sum(axis=1),
            checks=[*conditions, _breakout(f), *parts],
            picks=picks,
            rank_rule=rank_rule(params.top_n),
            label=_grades(picks.score),
            strategy=np.full(len(picks), ""),
            levels=_levels(picks, universe, f),
            signals={"breakout": f["breakout"], **{condition.name: condition.holds for condition in template}},
            components={**shown, "rs_percentile": strength},
            notes=_notes(f, params, len(universe.sessions)),
        )


def _breakout(f: Features) -> Condition:
    return Condition(
        "signal",
        "breakout",
        f["to_pivot"],
        "close above the pivot of yesterday on 1.5 times the volume of 50 sessions",
        f["breakout"],
    )


def _depths(f: Features, params: Params) -> list[Condition]:
    first, second, third = f["depth_1"], f["depth_2"], f["depth_3"]
    steady = at_least(STEADY * first, second) & at_least(STEADY * second, third)
    sudden = at_least(SUDDEN * first, third) & at_least(first, second)
    return [
        filter_(
            "contraction",
            third,
            "each depth at most 0.75 of the one before, or the last at most half of the first and the second no deeper",
            steady | sudden,
        ),
        filter_(
            "depth",
            first,
            "{} <= first depth <= {}",
            at_least(first, params.depth_min) & at_least(params.depth_max, first),
            params.depth_min,
            params.depth_max,
        ),
    ]


def _grades(score: Floats) -> NDArray[np.str_]:
    """S from 80, A from 70, B from 60."""
    steps = [at_least(score, 80.0), at_least(score, 70.0), at_least(score, 60.0)]
    return np.select(steps, ["S", "A", "B"], "")


def _levels(picks: Picks, universe: Universe, f: Features) -> Levels:
    """A buy stop at the pivot in raw currency, its stop and its target."""
    close = picks.of(universe.close)
    pivot = close * picks.of(f["to_pivot"])
    none = np.zeros(len(picks), dtype=np.int16)
    return Levels(
        entry=pivot,
        target=1.20 * pivot,
        stop=np.maximum(close * picks.of(f["low_share"]), 0.93 * pivot),
        holding_min=none,
        holding_max=none,
    )


def _notes(f: Features, params: Params, sessions: int) -> list[str]:
    """The notes of sessions on which no instrument has flow on each of its last 5 sessions."""
    if params.flow_weight == 0:
        return [""] * sessions
    note = "no institutional flow is recorded: flow_weight has no effect"
    counts = np.isfinite(f["flow"]).sum(axis=1)
    return ["" if count else note for count in counts.tolist()]
