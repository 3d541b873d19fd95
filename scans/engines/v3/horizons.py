"""The two horizons of v3, each with its own conditions and score (scanner definitions, section 4).

Bounds include both ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.engines.base import Features, Universe
from scans.engines.candidate_cells import can_reach, can_stay_within
from scans.engines.conditions import Condition, Limit, Part, all_hold, liquidity_floors, sum_parts
from scans.engines.currency_params import price_floor, turnover_floor
from scans.engines.engine_params import param
from scans.kernels.compare import above, at_least

MIDTERM, PULLBACK = "midterm", "pullback"


@dataclass(frozen=True)
class Params:
    """Parameters of v3; the defaults are the definition."""

    turnover_min: float = turnover_floor()
    price_min: float = price_floor()
    momentum_min: float = param(
        0.70,
        least=0,
        most=1,
        unit="fraction of the eligible",
        help="Least percentile of the 60-session return (midterm)",
    )
    high_min: float = param(
        0.75, least=0, most=1, unit="fraction of the high of 250 sessions", help="Least close (midterm)"
    )
    extension_max: float = param(1.10, least=0, most=10, unit="times EMA20", help="Largest close (midterm)")
    atr_max: float = param(0.06, least=0, most=1, unit="fraction of the close", help="Largest ATR14 (midterm)")
    midterm_top: int = param(10, least=0, most=10_000, unit="instruments", help="How many midterm picks are kept")
    rest_min: float = param(0.97, least=0, most=10, unit="times EMA20", help="Least close (pullback)")
    rest_max: float = param(
        1.01, least=0, most=10, unit="times EMA20", help="Largest close, and low of 3 sessions (pullback)"
    )
    rsi_min: float = param(40.0, least=0, most=100, help="Least RSI14 (pullback)")
    rsi_max: float = param(55.0, least=0, most=100, help="Largest RSI14 (pullback)")
    volume_max: float = param(
        0.8,
        least=0,
        most=4,
        unit="times the 20-session mean",
        help="Mean volume of 5 sessions must be below this (pullback)",
    )
    pullback_top: int = param(10, least=0, most=10_000, unit="instruments", help="How many pullback picks are kept")


@dataclass(frozen=True, slots=True)
class Half:
    """One evaluated horizon: its conditions, the parts of its score, its matches and scores, (K, N) each."""

    conditions: list[Condition]
    parts: list[Part]
    matched: Bools
    score: Floats


def candidates(universe: Universe, f: Features, params: Params) -> Bools:
    """The cells that can match either half, (K, N)."""
    floors = can_reach(f["turnover"], params.turnover_min) & (universe.close >= params.price_min)
    rising = f["over_ema20"] & f["ema20_rising"] & f["ema60_not_falling"]
    resting = f["closed_up"] & f["ema60_rising"] & can_stay_within(f["of_ema20"], params.rest_max)
    calm = can_stay_within(f["atr"], params.atr_max) & can_reach(f["of_high_250"], params.high_min)
    quiet = can_reach(f["of_ema20"], params.rest_min) & can_stay_within(f["volume_ratio"], params.volume_max)
    return floors & f["ema20_over_ema60"] & ((rising & calm) | (resting & quiet))


def midterm(universe: Universe, f: Features, scored: Bools, place: Floats, params: Params) -> Half:
    """The midterm half; `place` (K, N) is the percentile of the 60-session return among the eligible."""

    def condition(name: str, value: NDArray[Any], rule: str, holds: Bools, *limits: Limit) -> Condition:
        return Condition(MIDTERM, name, value, rule, holds, limits)

    conditions = [
        *_floors(MIDTERM, universe, f, params),
        condition("close", f["of_ema20"], "close / ema20 > 1", f["over_ema20"]),
        condition("averages", f["ema20_of_ema60"], "ema20 / ema60 > 1", f["ema20_over_ema60"]),
        condition("ema20", f["ema20_rising"], "ema20 rises over 20 sessions", f["ema20_rising"]),
        condition("ema60", f["ema60_not_falling"], "ema60 does not fall over 20 sessions", f["ema60_not_falling"]),
        condition(
            "momentum",
            place,
            "percentile of the 60-session return >= {}",
            at_least(place, params.momentum_min),
            params.momentum_min,
        ),
        condition(
            "high",
            f["of_high_250"],
            "close / high of 250 sessions >= {}",
            at_least(f["of_high_250"], params.high_min),
            params.high_min,
        ),
        condition(
            "extension",
            f["of_ema20"],
            "close / ema20 <= {}",
            at_least(params.extension_max, f["of_ema20"]),
            params.extension_max,
        ),
        condition("atr", f["atr"], "atr14 / close <= {}", at_least(params.atr_max, f["atr"]), params.atr_max),
    ]
    parts = [
        Part("momentum", place, "40 x the percentile of the 60-session return", 40 * place),
        Part("straightness", f["straightness"], "25 x R2 of log close over 60 sessions", 25 * f["straightness"]),
        Part(
            "volume",
            f["volume_ratio"],
            "20 x (volume of 5 / of 20 sessions - 0.8) / 0.7, within 0..1",
            20 * np.clip((f["volume_ratio"] - 0.8) / 0.7, 0, 1),
        ),
        Part(
            "high",
            f["to_high_60"],
            "15 x (1 - (high of 60 sessions / close - 1) / 0.10), within 0..1",
            15 * np.clip(1 - (f["to_high_60"] - 1) / 0.10, 0, 1),
        ),
    ]
    return Half(conditions, parts, scored & all_hold(conditions), sum_parts(parts))


def pullback(universe: Universe, f: Features, scored: Bools, open_: Bools, params: Params) -> Half:
    def condition(name: str, value: NDArray[Any], rule: str, holds: Bools, *limits: Limit) -> Condition:
        return Condition(PULLBACK, name, value, rule, holds, limits)

    close, rsi, volume = f["of_ema20"], f["rsi"], f["volume_ratio"]
    calm = np.broadcast_to(open_[:, None], scored.shape)
    conditions = [
        condition("regime", calm, "the trend regime is neutral and the short-term risk 0", calm),
        *_floors(PULLBACK, universe, f, params),
        condition("averages", f["ema20_of_ema60"], "ema20 / ema60 > 1", f["ema20_over_ema60"]),
        condition("ema60", f["ema60_rising"], "ema60 rises over 20 sessions", f["ema60_rising"]),
        condition(
            "close",
            close,
            "{} <= close / ema20 <= {}",
            at_least(close, params.rest_min) & at_least(params.rest_max, close),
            params.rest_min,
            params.rest_max,
        ),
        condition(
            "low",
            f["low_of_ema20"],
            "low of 3 sessions / ema20 <= {}",
            at_least(params.rest_max, f["low_of_ema20"]),
            params.rest_max,
        ),
        condition(
            "rsi",
            rsi,
            "{} <= rsi14 <= {}",
            at_least(rsi, params.rsi_min) & at_least(params.rsi_max, rsi),
            params.rsi_min,
            params.rsi_max,
        ),
        condition(
            "volume", volume, "volume of 5 / of 20 sessions < {}", above(params.volume_max, volume), params.volume_max
        ),
        condition("day", f["closed_up"], "close >= open", f["closed_up"]),
    ]
    near = 1 - np.abs(close - 1) / 0.03
    dry = np.minimum(np.clip(1 - volume, 0, 1) / 0.5, 1)
    cool = 1 - np.abs(rsi - 47.5) / 7.5
    third = 100 / 3
    parts = [
        Part(
            "nearness",
            close,
            "a third of 100 x (1 - |close / ema20 - 1| / 0.03), at least 0",
            third * np.maximum(near, 0),
        ),
        Part("dryness", volume, "a third of 100 x (1 - volume of 5 / of 20 sessions) / 0.5, within 0..1", third * dry),
        Part("coolness", rsi, "a third of 100 x (1 - |rsi14 - 47.5| / 7.5), at least 0", third * np.maximum(cool, 0)),
    ]
    return Half(conditions, parts, scored & all_hold(conditions), sum_parts(parts))


def _floors(half: str, universe: Universe, f: Features, params: Params) -> list[Condition]:
    """The least turnover and price of both halves."""
    return liquidity_floors(
        universe, f["turnover"], turnover_min=params.turnover_min, price_min=params.price_min, group=half
    )
