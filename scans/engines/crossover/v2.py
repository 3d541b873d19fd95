"""v2: soft-gated, risk-adjusted scanner (scanner definitions, section 3).

1. `features`: the crossover measures of `signals`.
2. `score`: the trend regime gives the thresholds (from the table alone: the 5-session range adjustments are part of the
   daily regime); soft filters; at least `min_signals` of seven signals and the trend gate; risk of 4 excludes.
3. Points (0..15) less the weighted risk and the penalty of the short-term risk give the score; what reaches the cutoff
   of its strategy is kept, of each strategy the best up to its cap, all ranked together.

Choices where the definitions are silent: labels follow v1's table on the score; momentum and trend count the same
signals as in v1 (`dema` is neither); `matched` counts what the caps leave, before `top_n`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.engines import regimes
from scans.engines.base import Features, MarketIndex, Universe
from scans.engines.condition_engine import ConditionEngine, Evaluation, MarketState
from scans.engines.conditions import (
    Condition,
    all_defined,
    all_hold,
    count_fulfilled,
    gate,
    signal,
    sum_points,
    universe_conditions,
)
from scans.engines.crossover import signals, strategies, v2_rules
from scans.engines.crossover.signals import MOMENTUM, TREND
from scans.engines.crossover.strategies import WATCH
from scans.engines.crossover.thresholds import loosest_filters, loosest_signals, min_signals, rsi_threshold
from scans.engines.crossover.v2_rules import Params
from scans.engines.indicators import Measures
from scans.engines.outcomes import levels
from scans.engines.ranking import Picks, group_positions, order_picks
from scans.kernels.compare import at_least

WARM_UP = 320
"""Sessions before the first requested one; the slowest averages are EMA26 smoothed over 9 and TEMA20. On KRX 2019..2025
(2,731 instruments, three dates) a start 253 sessions before moves no measure by more than 1e-7 of the close (the RSIs:
of 100), 300 sessions by no more than 2e-9."""

CLOSED = (regimes.BEAR, regimes.CRASH)

PENALTY = np.array([0.0, 0.5, 1.0, 1.0])
"""Off the score, by short-term risk."""

CAPS = np.array([[0, 0, 0, 0], [20, 20, 15, 10], [15, 10, 5, 3], [20, 15, 10, 5]])
"""The most picks of each strategy (watch, longterm, position, swing) by short-term risk."""


class Engine(ConditionEngine):
    """The engine v2; the module describes its steps."""

    slug: ClassVar[str] = "v2"
    title: ClassVar[str] = "Soft-gated, risk-adjusted scanner"
    revision: ClassVar[int] = 1
    inputs: ClassVar[Mapping[str, int]] = {"close": WARM_UP, **signals.INPUTS}
    warm_up: ClassVar[int] = WARM_UP
    regime_kind: ClassVar[str] = regimes.TREND
    closed_regimes: ClassVar[tuple[int, ...]] = CLOSED
    min_bars: ClassVar[int] = 60
    Params: ClassVar[type[Any]] = Params
    feature_params: ClassVar[tuple[str, ...]] = ()

    def features(self, measures: Measures, params: Any) -> Features:
        """The crossover measures, (K, N) each."""
        return signals.features(measures)

    def prefilter(self, universe: Universe, features: Features, index: MarketIndex, params: Sequence[Any]) -> Bools:
        """See `CellwiseEngine`."""
        market = MarketState(index, universe.sessions, self.regime_kind)
        scored, loose = universe.eligible & all_defined(features), loosest_signals(params)
        fired = _signals(features, market.regime, loose)
        conditions = [
            *_filters(universe, features, market, loosest_filters(params), scored),
            _signals_gate(fired, market.regime, loose),
            v2_rules.trend_gate(features, market.regime, loose),
        ]
        return all_hold(conditions)

    def candidates(self, universe: Universe, features: Features, params: Any) -> Bools:
        """See `ConditionEngine`."""
        gap = max(params.gap_max_bull, params.gap_max_neutral, params.gap_max_bear)
        return signals.candidates(universe, features, params, gap=gap, ext=params.ext_max)

    def evaluate(self, universe: Universe, features: Features, market: MarketState, params: Any) -> Evaluation:
        """See `ConditionEngine`."""
        f, regime, short_risk = features, market.regime, market.short_risk
        scored = universe.eligible & all_defined(f)
        fired = _signals(f, regime, params)
        number_gate = _signals_gate(fired, regime, params)
        fired["dema"] = _dema_signal(f)
        points = sum_points(fired.values())
        risks = [*signals.risks(f, params), *v2_rules.heat_risks(f, points)]
        risk = sum_points(risks)
        strategy = _strategy(points, fired)
        score = _score(points, risk) - PENALTY[short_risk][:, None]
        conditions = [
            *_filters(universe, f, market, params, scored),
            *fired.values(),
            number_gate,
            v2_rules.trend_gate(f, regime, params),
            *risks,
            *_gates(risk, strategy, score, v2_rules.cutoff(regime, strategy, params), params),
        ]
        required = ("universe", "filter", "gate")
        matched = all_hold(condition for condition in conditions if condition.group in required)
        capped = _capped(order_picks(universe, matched, score), strategy, short_risk)
        picks = capped.best(params.top_n)
        strategy_of_pick = picks.of(strategy)
        return Evaluation(
            scored=scored,
            matched=np.bincount(capped.day, minlength=len(universe.sessions)),
            checks=conditions,
            picks=picks,
            rank_rule=f"within the cap of its strategy and the best {params.top_n}",
            label=strategies.assign_labels(picks.score),
            strategy=np.array(strategies.NAMES)[strategy_of_pick],
            levels=levels(strategies.PLANS, strategy_of_pick, picks.of(universe.close)),
            signals={name: condition.holds for name, condition in fired.items()},
            components={"points": points, "risk": risk, **{name: f[name] for name in signals.SHOWN}},
        )


def _filters(universe: Universe, f: Features, market: MarketState, params: Params, scored: Bools) -> list[Condition]:
    """The conditions of the universe, the regime and the filters."""
    rsi, gap = rsi_threshold(market.regime, params), v2_rules.gap_max(market.regime, params)
    return [
        *universe_conditions(universe, scored),
        signals.regime_gate(market.regime, scored.shape, CLOSED),
        *signals.filters(f, universe, params, rsi=rsi, gap=gap, ext=params.ext_max),
    ]


def _signals(f: Features, regime: regimes.Codes, params: Params) -> dict[str, Condition]:
    """The seven signals by name."""
    volume = signals.volume_signal(f, params, params.vol_mult)
    return signals.signals(f, params, rsi=rsi_threshold(regime, params), volume=volume)


def _signals_gate(fired: Mapping[str, Condition], regime: regimes.Codes, params: Params) -> Condition:
    number, need = count_fulfilled(fired.values()), min_signals(regime, params)
    return gate("signals", number, "at least {} of the seven signals", number >= need, need)


def _dema_signal(f: Features) -> Condition:
    return signal(
        "dema",
        2,
        f["dema_slope"],
        "slope of dema10 over 20 sessions (as a share of the close) > 0; points only",
        f["dema_rising"],
    )


def _gates(
    risk: NDArray[np.int8], strategy: NDArray[np.int8], score: Floats, cutoff: Floats, params: Params
) -> list[Condition]:
    """The gates on risk, strategy and score."""
    return [
        gate("risk", risk, "risk < {}", risk < params.risk_max, params.risk_max),
        gate(
            "strategy",
            strategy,
            "a strategy (0 watch, 1 longterm, 2 position, 3 swing) other than watch",
            strategy != WATCH,
        ),
        gate("cutoff", score, "score >= {}, the cutoff of its strategy", at_least(score, cutoff), cutoff),
    ]


def _capped(picks: Picks, strategy: NDArray[np.int8], short_risk: NDArray[np.int8]) -> Picks:
    """Of each session and strategy the best up to the cap."""
    strategy_of_pick = picks.of(strategy)
    caps = CAPS[strategy_of_pick, short_risk[picks.day]]
    return picks.where(group_positions(picks.day, strategy_of_pick) <= caps)


def _score(points: NDArray[np.int8], risk: NDArray[np.int8]) -> Floats:
    """points - floor(risk * k), k by points, (K, N)."""
    k = np.select([points >= 8, points >= 6], [2.0, 1.5], 1.0)
    adjusted: Floats = points - np.floor(risk * k)
    return adjusted


def _strategy(points: NDArray[np.int8], fired: Mapping[str, Condition]) -> NDArray[np.int8]:
    """The strategy by points, (K, N)."""
    return strategies.assign_strategies(
        points,
        cross=fired["cross"].holds,
        volume=fired["volume"].holds,
        momentum=sum_points(fired[name] for name in MOMENTUM),
        trend=sum_points(fired[name] for name in TREND),
        longterm_trend=3,
    )
