"""v1: strict crossover scanner (scanner definitions, section 2).

1. `features`: the crossover measures of `signals`, with EMA60 and ATR14.
2. `score`: the regime of the day gives the thresholds; hard filters; at least `min_signals` of seven signals; where
   fewer than `target_min` match, a session takes the first fallback step with enough matches, else the last.
3. Score = points of the signals (0..13); label, strategy and plan by table; the best `top_n` are kept.

The step is chosen session by session from nothing but that session, so nothing leaks into the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools
from scans.engines import regimes
from scans.engines.base import Features, MarketIndex, Universe
from scans.engines.condition_engine import ConditionEngine, Evaluation, MarketState
from scans.engines.conditions import (
    Condition,
    all_defined,
    all_hold,
    count_fulfilled,
    filter_,
    gate,
    sum_points,
    universe_conditions,
)
from scans.engines.crossover import signals, strategies
from scans.engines.crossover.signals import MOMENTUM, TREND, volume_signal
from scans.engines.crossover.thresholds import CrossoverParams, loosest_filters, min_signals, rsi_threshold
from scans.engines.engine_params import param
from scans.engines.indicators import Measures
from scans.engines.outcomes import levels
from scans.engines.ranking import Picks, order_picks, rank_rule
from scans.kernels.compare import at_least

WARM_UP = 640
"""Sessions before the first requested one, for EMA60. On KRX 2019..2025 (2,731 instruments, three dates) a
start that late moves close / EMA60 by 3e-8 at most and every other measure by less; 450 sessions move it by 1.5e-6."""

CLOSED = (regimes.CRASH,)


@dataclass(frozen=True)
class Params(CrossoverParams):
    """Parameters of v1; the defaults are the definition."""

    gap_max: float = param(
        0.015, least=-1, most=1, unit="fraction of the close", help="Largest gap of TEMA20 over DEMA10"
    )
    ext_max: float = param(
        0.015, least=-1, most=10, unit="fraction of TEMA20", help="How far the close may stand above TEMA20"
    )
    atr_min: float = param(0.01, least=0, most=1, unit="fraction of the close", help="Least ATR over 14 sessions")
    atr_max: float = param(0.04, least=0, most=1, unit="fraction of the close", help="Largest ATR over 14 sessions")
    risk_max: int = param(3, least=1, most=10, unit="points", help="Risk from which a pick is excluded")
    target_min: int = param(
        3, least=0, most=1000, unit="instruments", help="Matches below which the next fallback step is taken"
    )
    target_min_bear: int = param(2, least=0, most=1000, unit="instruments", help="The same in a bear regime")
    step1_vol_mult: float = param(
        2.0, least=0, most=5, unit="times the 5-session mean", help="vol_mult of fallback step 1"
    )
    step1_min_signals: int = param(3, least=0, most=7, unit="signals", help="min_signals of fallback step 1")
    step2_vol_mult: float = param(
        1.8, least=0, most=5, unit="times the 5-session mean", help="vol_mult of fallback step 2"
    )
    step2_min_signals: int = param(2, least=0, most=7, unit="signals", help="min_signals of fallback step 2")
    top_n: int = param(20, least=1, most=10_000, unit="instruments", help="How many picks are kept")


class Engine(ConditionEngine):
    """The engine v1; the module describes its steps."""

    slug: ClassVar[str] = "v1"
    title: ClassVar[str] = "Strict crossover scanner"
    revision: ClassVar[int] = 1
    inputs: ClassVar[Mapping[str, int]] = {"close": WARM_UP, "high": 13, "low": 13, **signals.INPUTS}
    warm_up: ClassVar[int] = WARM_UP
    regime_kind: ClassVar[str] = regimes.DAILY
    closed_regimes: ClassVar[tuple[int, ...]] = CLOSED
    min_bars: ClassVar[int] = 60
    Params: ClassVar[type[Any]] = Params
    feature_params: ClassVar[tuple[str, ...]] = ()

    def features(self, measures: Measures, params: Any) -> Features:
        """The crossover measures; `trend` is close / ema60 - 1, `atr` the ATR over the close; (K, N) each."""
        close = measures.panel.tail("close", 0)
        ema60 = measures.ema(60)[-len(close) :]
        return {
            **signals.features(measures),
            "trend": (close / ema60 - 1).astype(np.float32),
            "over_ema60": at_least(close, ema60),
            "atr": measures.atr(14) / close,
        }

    def prefilter(self, universe: Universe, features: Features, index: MarketIndex, params: Sequence[Any]) -> Bools:
        """See `CellwiseEngine`."""
        market = MarketState(index, universe.sessions, self.regime_kind)
        scored = universe.eligible & all_defined(features)
        loosest = loosest_filters(params)
        return all_hold(_filters(universe, features, market, loosest, scored, _rsi(market, loosest)))

    def candidates(self, universe: Universe, features: Features, params: Any) -> Bools:
        """See `ConditionEngine`."""
        rising = features["over_ema60"] & features["dema_rising"] & features["over_dema"]
        return rising & signals.candidates(universe, features, params, gap=params.gap_max, ext=params.ext_max)

    def evaluate(self, universe: Universe, features: Features, market: MarketState, params: Any) -> Evaluation:
        """See `ConditionEngine`; the thresholds are those of the fallback step of each session."""
        f, regime = features, market.regime
        rsi = _rsi(market, params)
        scored = universe.eligible & all_defined(f)
        risks = signals.risks(f, params)
        risk = sum_points(risks)
        first = [
            *_filters(universe, f, market, params, scored, rsi),
            *_own_filters(f, params),
            *risks,
            filter_("risk", risk, "risk < {}", risk < params.risk_max, params.risk_max),
        ]
        passed = all_hold(condition for condition in first if condition.group != "risk")
        ladder = _ladder(params, min_signals(regime, params) + _adjustment(market, 1))
        fired = signals.signals(f, params, rsi=rsi, volume=volume_signal(f, params, ladder[0][0]))
        step = _fallback(f, params, regime, passed, fired, ladder)
        vol_mult = np.array([mult for mult, _ in ladder])[step][:, None]
        need = np.choose(step[:, None], [need for _, need in ladder])
        fired["volume"] = volume_signal(f, params, vol_mult)
        number = count_fulfilled(fired.values())
        enough = gate("signals", number, "at least {} of the seven signals", number >= need, need)
        points = sum_points(fired.values())
        matched = passed & enough.holds
        picks = order_picks(universe, matched, points).best(params.top_n)
        strategy = _strategy(picks, points, fired)
        return Evaluation(
            scored=scored,
            matched=matched.sum(axis=1),
            checks=[*first, *fired.values(), enough],
            picks=picks,
            rank_rule=rank_rule(params.top_n),
            label=strategies.assign_labels(picks.score),
            strategy=np.array(strategies.NAMES)[strategy],
            levels=levels(strategies.PLANS, strategy, picks.of(universe.close)),
            signals={name: condition.holds for name, condition in fired.items()},
            components={"points": points, "risk": risk, **{name: f[name] for name in (*signals.SHOWN, "atr")}},
            step=step,
        )


def _adjustment(market: MarketState, which: int) -> NDArray[np.int8]:
    """The adjustment of the rsi threshold (0) or of `min_signals` (1) by the range of the market, (K, 1)."""
    return regimes.range_adjustment(market.index)[which][market.rows][:, None]


def _rsi(market: MarketState, params: Params) -> NDArray[Any]:
    """The rsi threshold of each session, (K, 1)."""
    return rsi_threshold(market.regime, params) + _adjustment(market, 0)


def _filters(
    universe: Universe, f: Features, market: MarketState, params: Params, scored: Bools, rsi: NDArray[Any]
) -> list[Condition]:
    """The conditions of the universe, the regime and the filters that v2 has too."""
    return [
        *universe_conditions(universe, scored),
        signals.regime_gate(market.regime, scored.shape, CLOSED),
        *signals.filters(f, universe, params, rsi=rsi, gap=params.gap_max, ext=params.ext_max),
    ]


def _own_filters(f: Features, params: Params) -> list[Condition]:
    return [
        filter_("trend", f["trend"], "close / ema60 - 1 >= 0", f["over_ema60"]),
        filter_(
            "atr",
            f["atr"],
            "{} <= atr14 / close <= {}",
            at_least(f["atr"], params.atr_min) & at_least(params.atr_max, f["atr"]),
            params.atr_min,
            params.atr_max,
        ),
        filter_(
            "dema",
            f["dema_slope"],
            "slope of dema10 over 20 sessions (as a share of the close) > 0 and close > dema10",
            f["dema_rising"] & f["over_dema"],
        ),
    ]


def _ladder(params: Params, need: NDArray[Any]) -> list[tuple[float, NDArray[Any]]]:
    """(vol_mult, min_signals (K, 1)) of each fallback step; no step is stricter than the step before."""
    rungs = [(params.vol_mult, need)]
    for vol_mult, least in (
        (params.step1_vol_mult, params.step1_min_signals),
        (params.step2_vol_mult, params.step2_min_signals),
    ):
        before, needed = rungs[-1]
        rungs.append((min(before, vol_mult), np.minimum(needed, least)))
    return rungs


def _fallback(
    f: Features,
    params: Params,
    regime: regimes.Codes,
    passed: Bools,
    fired: dict[str, Condition],
    ladder: list[tuple[float, NDArray[Any]]],
) -> NDArray[np.int8]:
    """The fallback step of each session, (K,): the first with enough matches, else the last; 0 where it is closed."""
    others = count_fulfilled(condition for name, condition in fired.items() if name != "volume")
    target = np.where(regime == regimes.BEAR, params.target_min_bear, params.target_min)
    step = np.zeros(len(regime), dtype=np.int8)
    short = ~np.isin(regime, CLOSED)
    for vol_mult, need in ladder[:-1]:
        volume = volume_signal(f, params, vol_mult).holds
        short &= (passed & (others + volume >= need)).sum(axis=1) < target
        step += short
    return step


def _strategy(picks: Picks, points: NDArray[np.int8], fired: Mapping[str, Condition]) -> NDArray[np.int8]:
    """The strategy of each pick, (P,)."""
    return strategies.assign_strategies(
        picks.of(points),
        cross=picks.of(fired["cross"].holds),
        volume=picks.of(fired["volume"].holds),
        momentum=picks.of(sum_points(fired[name] for name in MOMENTUM)),
        trend=picks.of(sum_points(fired[name] for name in TREND)),
        longterm_trend=2,
    )
