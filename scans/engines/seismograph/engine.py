"""seismograph: accumulation before the quake (scanner definitions, section 5).

1. `features`: the intensities of `intensities`, NaN where an instrument traded too rarely.
2. `score`: four models over them, 0..100 each: v2 a weighted sum, v1 a ladder over it, v3 another weighted sum with
   bonus and penalty, v4 is v2 with a stricter tightness and divergence.
3. Scores of the chosen `model` above its threshold are ranked; every score and intensity is recorded.

A model is null where fewer than half of the bars of its window (20; v3 up to 60) traded.

Choices where the definitions are silent: "above 0.5" and the threshold follow the ties rule; v1 and v4 use v2's window
and are null where v2 is; `volume_min` bounds the mean volume of 20 sessions in today's shares; the regime changes
nothing and is recorded as the trend regime; the label is the stage; there is no plan; all matches are ranked unless
`top_n` limits them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marketdata.number_format import format_number
from marketdata.panel import Bools, Floats
from scans.engines import regimes
from scans.engines.base import Features, Universe
from scans.engines.candidate_cells import can_reach
from scans.engines.condition_engine import ConditionEngine, Evaluation, MarketState
from scans.engines.conditions import (
    Condition,
    Part,
    all_defined,
    all_hold,
    filter_,
    gate,
    liquidity_floors,
    sum_parts,
    universe_conditions,
)
from scans.engines.currency_params import money
from scans.engines.engine_params import param
from scans.engines.indicators import Measures
from scans.engines.outcomes import Plan, levels
from scans.engines.ranking import order_picks, rank_rule
from scans.engines.seismograph import intensities
from scans.kernels.compare import above, at_least

WARM_UP = 253
"""Sessions before the first requested one: no window is longer than 60, so only a suspected action reaches so far
back."""

WEIGHTS_V2 = {"tight_range": 0.30, "obv_divergence": 0.35, "accumulation_bar": 0.25, "volume_dryout": 0.10}
WEIGHTS_V3 = {"v3_tight": 0.35, "v3_absorption": 0.30, "v3_accumulation": 0.20, "v3_dryout": 0.15}
WEIGHTS_V4 = {"v4_tight_range": 0.30, "v4_obv_divergence": 0.35, "accumulation_bar": 0.25, "volume_dryout": 0.10}
WEIGHTS = {"v1": WEIGHTS_V2, "v2": WEIGHTS_V2, "v3": WEIGHTS_V3, "v4": WEIGHTS_V4}
"""Model -> the weights of its sum; the ladder of v1 reads the same intensities."""
MOST_BONUS = 15.0
"""The most that v3 adds to its sum."""
SIGNALS = ("tight_range", "obv_divergence", "accumulation_bar", "volume_dryout")
THRESHOLDS = {"v1": 50.0, "v2": 50.0, "v3": 75.0, "v4": 50.0}
STAGES = np.array(["", "stage 1", "stage 2", "", "stage 4"])


@dataclass(frozen=True)
class Params:
    """Parameters of seismograph; its limits are those of the market."""

    model: str = param("v2", choices=tuple(THRESHOLDS), help="The model that ranks")
    threshold: float = param(
        -1.0, least=-1, most=100, help="Scores above this match; -1 for the model's own: 50, v3 75"
    )
    turnover_min: float = money(5e8, 0.0, "Least mean turnover of 20 sessions")
    price_min: float = money(0.0, 2.0, "Least raw close")
    price_max: float = money(0.0, 20.0, "Largest raw close; 0 for no limit")
    volume_min: float = param(
        0.0, least=0, unit="shares", by_market={"us": 100_000.0}, help="Least mean volume of 20 sessions"
    )
    top_n: int = param(0, least=0, most=10_000, unit="instruments", help="How many picks are kept; 0 for all")


class Engine(ConditionEngine):
    """The engine seismograph; the module describes its steps."""

    slug: ClassVar[str] = "seismograph"
    title: ClassVar[str] = "Accumulation before the quake"
    revision: ClassVar[int] = 1
    inputs: ClassVar[Mapping[str, int]] = {**intensities.INPUTS, "amount": 19, "raw_close": 0}
    warm_up: ClassVar[int] = WARM_UP
    regime_kind: ClassVar[str] = regimes.TREND
    min_bars: ClassVar[int] = 21
    Params: ClassVar[type[Any]] = Params
    feature_params: ClassVar[tuple[str, ...]] = ()

    def features(self, measures: Measures, params: Any) -> Features:
        """The intensities, NaN where their model is null; turnover and volume (today's shares) of 20 sessions."""
        shares = measures.field("close", 0) / measures.field("raw_close", 0)
        features: dict[str, NDArray[Any]] = {
            "turnover": measures.mean("amount", 20),
            "volume": measures.mean("volume", 20) * shares,
        }
        for window, intensity in (
            (20, intensities.intensities_20(measures)),
            (60, intensities.intensities_60(measures)),
        ):
            dead = ~intensities.half_traded(measures, window)
            features |= {name: np.where(dead, np.nan, values) for name, values in intensity.items()}
        return features

    def candidates(self, universe: Universe, features: Features, params: Any) -> Bools:
        """See `ConditionEngine`."""
        floors: Bools = can_reach(features["turnover"], params.turnover_min) & (universe.close >= params.price_min)
        return floors & can_reach(features["volume"], params.volume_min) & _can_score(features, params)

    def scored(self, universe: Universe, features: Features, params: Any) -> Bools:
        """See `ConditionEngine`: the intensities of the chosen model are defined."""
        return universe.eligible & all_defined({name: features[name] for name in WEIGHTS[params.model]})

    def evaluate(self, universe: Universe, features: Features, market: MarketState, params: Any) -> Evaluation:
        """See `ConditionEngine`; the parts are those of the chosen model."""
        fired = {name: above(features[name], 0.5) for name in SIGNALS}
        parts = _parts(features, fired)
        scores = {name: sum_parts(parts[name]) for name in sorted(parts)}
        chosen = scores[params.model]
        scored = self.scored(universe, features, params)
        conditions = [
            *universe_conditions(universe, scored),
            *_limits(universe, features, params),
            *(Condition("signal", name, features[name], "intensity > 0.5", holds) for name, holds in fired.items()),
            _threshold(chosen, params),
        ]
        matched = all_hold(condition for condition in conditions if condition.group != "signal")
        picks = order_picks(universe, matched, chosen).best(params.top_n)
        stage = _stage(fired, scores["v2"])
        return Evaluation(
            scored=scored,
            matched=matched.sum(axis=1),
            checks=[*conditions, *parts[params.model]],
            picks=picks,
            rank_rule=rank_rule(params.top_n),
            label=STAGES[np.nan_to_num(picks.of(stage)).astype(int)],
            strategy=np.full(len(picks), ""),
            levels=levels([Plan()], np.zeros(len(picks), dtype=int), picks.of(universe.close)),
            signals=fired,
            components={**{f"score_{name}": score for name, score in scores.items()}, **features, "stage": stage},
        )


def _parts(f: Features, fired: Mapping[str, Bools]) -> dict[str, list[Part]]:
    """The parts of the score of each model."""
    v3 = _weighted(f, WEIGHTS_V3)
    return {
        "v1": [_ladder(f, fired)],
        "v2": _weighted(f, WEIGHTS_V2),
        "v3": [*v3, *_adjustments(f, sum_parts(v3))],
        "v4": _weighted(f, WEIGHTS_V4),
    }


def _can_score(f: Features, params: Params) -> Bools:
    """The cells whose score can be above the threshold, (K, N); those of v1, a ladder, all where it is defined."""
    weighted = sum_parts(_weighted(f, WEIGHTS[params.model]))
    if params.model == "v1":
        return np.isfinite(weighted)
    return can_reach(weighted, _least(params) - (MOST_BONUS if params.model == "v3" else 0.0))


def _least(params: Params) -> float:
    """The threshold of the chosen model."""
    return params.threshold if params.threshold >= 0 else THRESHOLDS[params.model]


def _threshold(score: Floats, params: Params) -> Condition:
    threshold = _least(params)
    rule = f"score of model {params.model} > {{}}"
    return gate("threshold", score, rule, above(score, threshold), threshold)


def _limits(universe: Universe, f: Features, params: Params) -> list[Condition]:
    """The limits of the universe."""
    close = universe.close
    limits = [
        *liquidity_floors(universe, f["turnover"], turnover_min=params.turnover_min, price_min=params.price_min),
        filter_(
            "volume",
            f["volume"],
            "mean volume of 20 sessions >= {}",
            at_least(f["volume"], params.volume_min),
            params.volume_min,
        ),
    ]
    if params.price_max:
        most = params.price_max
        limits.append(filter_("price limit", close, "raw close <= {}", close <= most, most))
    return limits


def _weighted(f: Features, weights: Mapping[str, float]) -> list[Part]:
    return [
        Part(name, f[name], f"{format_number(100 * weight)} x intensity", 100 * weight * f[name])
        for name, weight in weights.items()
    ]


def _ladder(f: Features, fired: Mapping[str, Bools]) -> Part:
    """V1: the first step that the signals reach."""
    tight, obv, accumulation, dryout = (fired[name] for name in SIGNALS)
    points = np.select(
        [tight & obv, tight, accumulation & obv, accumulation, obv, dryout], [100.0, 80.0, 70.0, 50.0, 30.0, 10.0], 0.0
    )
    points = np.where(np.isfinite(sum(f[name] for name in SIGNALS)), points, np.nan)
    rule = "100 tight and obv, 80 tight, 70 accumulation and obv, 50 accumulation, 30 obv, 10 dryout"
    return Part("ladder", points, rule, points)


def _stage(fired: Mapping[str, Bools], score: Floats) -> Floats:
    """4 where ranges are tight, 2 where volume diverges, else 1; NaN where V2 is null."""
    stage = np.select([fired["tight_range"], fired["obv_divergence"]], [4.0, 2.0], 1.0)
    return np.where(np.isfinite(score), stage, np.nan)


def _adjustments(f: Features, weighted: Floats) -> list[Part]:
    """V3: bonus, penalty and the limits of 0 and 100 on the weighted sum."""
    tight, absorption, accumulation = (f[name] for name in ("v3_tight", "v3_absorption", "v3_accumulation"))
    strong = sum(above(f[name], 0.5).astype(np.int8) for name in WEIGHTS_V3)
    bonus = 10.0 * (above(tight, 0.6) & above(absorption, 0.5)) + 5.0 * (np.asarray(strong) >= 3)
    idle = above(tight, 0.7) & above(0.3, absorption) & at_least(0.3, accumulation)
    final = np.clip((weighted + bonus) * np.where(idle, 0.5, 1.0), 0, 100)
    return [
        Part("bonus", bonus, "10 where tight > 0.6 and absorption > 0.5, 5 where three parts > 0.5", bonus),
        Part(
            "penalty",
            idle,
            "halved where tight > 0.7, absorption < 0.3 and accumulation <= 0.3; within 0..100",
            final - weighted - bonus,
        ),
    ]
