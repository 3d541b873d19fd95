"""v2: soft-gated, risk-adjusted scanner (scanner definitions, section 3).

1. `features`: the crossover measures of `signals`.
2. `score`: the trend regime gives the thresholds (from the table alone: the 5-session range adjustments are part of the
   daily regime); soft filters; at least `min_signals` of seven signals and the trend gate; risk of 4 excludes.
3. Points (0..15) less the weighted risk and the penalty of the short-term risk give the score; what reaches the cutoff
   of its strategy is kept, of each strategy the best up to its cap, all ranked together.

Where the definitions are silent: labels follow v1's table on the score; momentum and trend count the same signals as in
v1 (`dema` is neither); `matched` counts what the caps leave, before `top_n`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.engines import outcomes, regimes
from scans.engines.base import Check, Features, MarketIndex, Outcome, Universe
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
from scans.engines.crossover.thresholds import min_signals, rsi_threshold
from scans.engines.crossover.v2_rules import Params
from scans.engines.indicators import Measures
from scans.engines.ranking import Picks, group_positions, order_picks
from scans.kernels.compare import at_least

WARM_UP = 320
"""Sessions before the first asked for; the slowest averages are EMA26 smoothed over 9 and TEMA20. On KRX 2019..2025
(2,731 instruments, three dates) a start 253 sessions before moves no measure by more than 1e-7 of the close (the RSIs:
of 100), 300 sessions by no more than 2e-9."""

CLOSED = (regimes.BEAR, regimes.CRASH)

PENALTY = np.array([0.0, 0.5, 1.0, 1.0])
"""Off the score, by short-term risk."""

CAPS = np.array([[0, 0, 0, 0], [20, 20, 15, 10], [15, 10, 5, 3], [20, 15, 10, 5]])
"""The most picks of each strategy (watch, longterm, position, swing) by short-term risk."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation of every condition: what `score` combines and `explain` shows; `picks` are what the caps leave."""

    regime: regimes.Codes
    short_risk: NDArray[np.int8]
    scored: Bools
    conditions: list[Condition]
    signals: dict[str, Condition]
    points: NDArray[np.int8]
    risk: NDArray[np.int8]
    strategy: NDArray[np.int8]
    picks: Picks


class Engine:
    """See the module."""

    slug: ClassVar[str] = "v2"
    title: ClassVar[str] = "Soft-gated, risk-adjusted scanner"
    revision: ClassVar[int] = 1
    inputs: ClassVar[Mapping[str, int]] = {"close": WARM_UP, **signals.INPUTS}
    warm_up: ClassVar[int] = WARM_UP
    regime_kind: ClassVar[str] = regimes.TREND
    min_bars: ClassVar[int] = 60
    Params: ClassVar[type[Any]] = Params
    feature_params: ClassVar[tuple[str, ...]] = ()

    def features(self, measures: Measures, params: Any) -> Features:
        """The crossover measures, (K, N) each."""
        return signals.features(measures)

    def score(self, universe: Universe, features: Features, index: MarketIndex, params: Any) -> Outcome:
        """See `base.Engine`."""
        judged = _judge(universe, features, index, params)
        picks = judged.picks.where(judged.picks.rank <= params.top_n)
        strategy = picks.of(judged.strategy)
        days = outcomes.days(
            universe,
            scored=judged.scored,
            matched=np.bincount(judged.picks.day, minlength=len(universe.sessions)),
            regime=[regimes.NAMES[code] for code in judged.regime],
            closed=np.isin(judged.regime, CLOSED),
            short_risk=judged.short_risk,
        )
        ranks = outcomes.ranks(
            picks,
            label=strategies.assign_labels(picks.score),
            strategy=np.array(strategies.NAMES)[strategy],
            levels=outcomes.levels(strategies.PLANS, strategy, picks.of(universe.close)),
            signals={name: one.holds for name, one in judged.signals.items()},
            components={
                "points": judged.points,
                "risk": judged.risk,
                **{name: features[name] for name in signals.SHOWN},
            },
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
        """See `base.Engine`; the last check is the instrument's place among the picks."""
        today = {name: values[day : day + 1] for name, values in features.items()}
        judged = _judge(universe.on(day), today, index, params)
        picks = judged.picks.where(judged.picks.rank <= params.top_n)
        rule = f"within the cap of its strategy and the best {params.top_n}"
        return [*(one.check(0, column) for one in judged.conditions), picks.check(column, rule)]


def _judge(universe: Universe, f: Features, index: MarketIndex, params: Params) -> Evaluation:
    at = index.rows(universe.sessions)
    regime, short_risk = regimes.regime_trend(index)[at], regimes.short_risk(index)[at]
    rsi, need = rsi_threshold(regime, params), min_signals(regime, params)
    scored = universe.eligible & all_defined(f)
    volume = signals.volume_signal(f, params, params.vol_mult)
    fired = signals.signals(f, params, rsi=rsi, volume=volume)
    found = count_fulfilled(fired.values())
    fired["dema"] = signal(
        "dema",
        2,
        f["dema_slope"],
        "slope of dema10 over 20 sessions (as a share of the close) > 0; points only",
        f["dema_rising"],
    )
    worth = sum_points(fired.values())
    risks = [*signals.risks(f, params), *v2_rules.heat_risks(f, worth)]
    danger = sum_points(risks)
    strategy = _strategy(worth, fired)
    score = _score(worth, danger) - PENALTY[short_risk][:, None]
    cutoff = v2_rules.cutoff(regime, strategy, params)
    conditions = [
        *universe_conditions(universe, scored),
        signals.regime_gate(regime, scored.shape, CLOSED),
        *signals.filters(f, universe, params, rsi=rsi, gap=v2_rules.gap_max(regime, params), ext=params.ext_max),
        *fired.values(),
        gate("signals", found, "at least {} of the seven signals", found >= need, need),
        v2_rules.trend_gate(f, regime, params),
        *risks,
        gate("risk", danger, "risk < {}", danger < params.risk_max, params.risk_max),
        gate(
            "strategy",
            strategy,
            "a strategy (0 watch, 1 longterm, 2 position, 3 swing) other than watch",
            strategy != WATCH,
        ),
        gate(
            "cutoff",
            score,
            "score >= {}, the cutoff of its strategy",
            at_least(score, cutoff),
            cutoff,
        ),
    ]
    judging = ("universe", "filter", "gate")
    matched = all_hold(one for one in conditions if one.group in judging)
    return Evaluation(
        regime=regime,
        short_risk=short_risk,
        scored=scored,
        conditions=conditions,
        signals=fired,
        points=worth,
        risk=danger,
        strategy=strategy,
        picks=_capped(order_picks(universe, matched, score), strategy, short_risk),
    )


def _capped(picks: Picks, strategy: NDArray[np.int8], short_risk: NDArray[np.int8]) -> Picks:
    """Of each session and strategy the best up to the cap."""
    of = picks.of(strategy)
    return picks.where(group_positions(picks.day, of) <= CAPS[of, short_risk[picks.day]])


def _score(worth: NDArray[np.int8], danger: NDArray[np.int8]) -> Floats:
    """points - floor(risk * k), k by points, (K, N)."""
    k = np.select([worth >= 8, worth >= 6], [2.0, 1.5], 1.0)
    adjusted: Floats = worth - np.floor(danger * k)
    return adjusted


def _strategy(worth: NDArray[np.int8], fired: Mapping[str, Condition]) -> NDArray[np.int8]:
    """The strategy by points, (K, N)."""
    return strategies.assign_strategies(
        worth,
        cross=fired["cross"].holds,
        volume=fired["volume"].holds,
        momentum=sum_points(fired[name] for name in MOMENTUM),
        trend=sum_points(fired[name] for name in TREND),
        longterm_trend=3,
    )
