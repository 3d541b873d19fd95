"""vcp: volatility contraction (scanner definitions, section 6).

1. `features`: the trend template's averages, highs and lows, three depths of 20 sessions each, pivot, volume dry-up.
2. `score`: at least 6 of the 7 of the trend template, depths that contract, and a score of 60 or more; grades S, A, B.
3. The plan is a buy stop at the pivot, in raw currency of the session; its stop counts only after entry.

Where the definitions are silent: the relative strength is ranked as .4 C/C[-63] + .2 C/C[-126] + .2 C/C[-189] +
.2 C/C[-252], which orders as RS does; bounds include both ends; nobody regards the regime, which is the trend regime
for the record; all matches are ranked unless `top_n` says otherwise.

Flow is read where `flow_weight` is above 0 and nowhere else. It is measured in adjusted shares over the volume of the
same 5 sessions. Where a source gives only the value of what was bought, that value at the session's average price
(turnover / volume) stands for the shares, which makes the measure value over turnover. "Bought" is net buying above 0,
the blend is (1 - w) score + w 100 flow, and without flow on one of the 5 sessions the score stays: missing is not 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.engines import outcomes, regimes
from scans.engines.base import Check, Features, MarketIndex, Outcome, Requirements, Universe
from scans.engines.conditions import (
    Condition,
    Part,
    all_defined,
    all_hold,
    count_fulfilled,
    filter_,
    gate,
    universe_conditions,
)
from scans.engines.currency_params import price_floor, turnover_floor
from scans.engines.engine_params import param
from scans.engines.indicators import Measures
from scans.engines.outcomes import Levels
from scans.engines.ranking import Picks, order_picks
from scans.engines.vcp import contraction
from scans.engines.vcp.contraction import TEMPLATE
from scans.kernels.compare import at_least
from scans.kernels.ranks import percentile

WARM_UP = 253
"""Sessions before the first asked for: no window is longer."""


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


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `score` combines and `explain` shows."""

    scored: Bools
    conditions: list[Condition]
    parts: list[Part]
    score: Floats
    strength: Floats
    template: dict[str, Bools]
    matched: Bools
    picks: Picks


class Engine:
    """See the module."""

    slug: ClassVar[str] = "vcp"
    title: ClassVar[str] = "Volatility contraction"
    revision: ClassVar[int] = 1
    inputs: ClassVar[Mapping[str, int]] = contraction.INPUTS
    warm_up: ClassVar[int] = WARM_UP
    regime_kind: ClassVar[str] = regimes.TREND
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

    def score(self, universe: Universe, features: Features, index: MarketIndex, params: Any) -> Outcome:
        """See `base.Engine`."""
        judged = _judge(universe, features, params)
        picks = judged.picks
        at = index.rows(universe.sessions)
        regime = regimes.regime_trend(index)[at]
        days = outcomes.days(
            universe,
            scored=judged.scored,
            matched=judged.matched.sum(axis=1),
            regime=[regimes.NAMES[code] for code in regime],
            closed=np.zeros(len(regime), dtype=bool),
            short_risk=regimes.short_risk(index)[at],
            notes=_notes(features, params, len(regime)),
        )
        shown = {name: one for name, one in features.items() if one.dtype.kind == "f"}
        ranks = outcomes.ranks(
            picks,
            label=_grades(picks.score),
            strategy=np.full(len(picks), ""),
            levels=_levels(picks, universe, features),
            signals={"breakout": features["breakout"], **judged.template},
            components={**shown, "rs_percentile": judged.strength},
        )
        return Outcome(days, ranks)

    def explain(
        self,
        universe: Universe,
        features: Features,
        index: MarketIndex,
        params: Any,
        *,
        day: int,
        column: int,
    ) -> list[Check]:
        """See `base.Engine`."""
        today = {name: values[day : day + 1] for name, values in features.items()}
        judged = _judge(universe.on(day), today, params)
        checks = [one.check(0, column) for one in judged.conditions]
        checks += [one.check(0, column) for one in judged.parts]
        rule = f"within the best {params.top_n}" if params.top_n else "all matches are ranked"
        return [*checks, judged.picks.check(column, rule)]


def _judge(universe: Universe, f: Features, params: Params) -> Evaluation:
    scored = universe.eligible & all_defined({k: v for k, v in f.items() if k != "flow"})
    strength = percentile(f["strength"], universe.eligible)
    template = contraction.template_conditions(f, strength)
    held = count_fulfilled(template)
    parts = contraction.score_parts(f, held, strength)
    score, parts = contraction.blend_flow(f, parts, params.flow_weight)
    conditions = [
        *universe_conditions(universe, scored),
        *_floors(universe, f, params),
        *template,
        gate(
            "template",
            held,
            "at least {} of the seven",
            held >= params.template_min,
            params.template_min,
        ),
        *_depths(f, params),
        gate("score", score, "score >= {}", at_least(score, params.score_min), params.score_min),
    ]
    matched = all_hold(one for one in conditions if one.group != "signal")
    picks = order_picks(universe, matched, score)
    return Evaluation(
        scored=scored,
        conditions=[
            *conditions,
            Condition(
                "signal",
                "breakout",
                f["to_pivot"],
                "close above the pivot of yesterday on 1.5 times the volume of 50 sessions",
                f["breakout"],
            ),
        ],
        parts=parts,
        score=score,
        strength=strength,
        template={name: one.holds for name, one in zip(TEMPLATE, template, strict=True)},
        matched=matched,
        picks=picks.where(picks.rank <= params.top_n) if params.top_n else picks,
    )


def _floors(universe: Universe, f: Features, params: Params) -> list[Condition]:
    return [
        filter_(
            "turnover",
            f["turnover"],
            "mean turnover of 20 sessions >= {}",
            at_least(f["turnover"], params.turnover_min),
            params.turnover_min,
        ),
        filter_(
            "price",
            universe.close,
            "raw close >= {}",
            universe.close >= params.price_min,
            params.price_min,
        ),
    ]


def _depths(f: Features, params: Params) -> list[Condition]:
    first, second, third = f["depth_1"], f["depth_2"], f["depth_3"]
    steady = at_least(0.75 * first, second) & at_least(0.75 * second, third)
    sudden = at_least(0.5 * first, third) & at_least(first, second)
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
    """A buy stop at the pivot in raw currency, what ends it below and above."""
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
    """What is to be said of sessions on which not one instrument's 5 sessions have flow."""
    if params.flow_weight == 0:
        return [""] * sessions
    told = "no institutional flow is recorded: flow_weight has no effect"
    known = np.isfinite(f["flow"]).sum(axis=1)
    return ["" if count else told for count in known.tolist()]
