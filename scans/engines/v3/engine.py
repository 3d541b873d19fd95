"""v3: two horizons, kept apart (scanner definitions, section 4).

1. `features`: EMA20 and EMA60 with their slopes, the 60-session return and its straightness, highs and lows, volume.
2. `score`: *midterm*, always: what rises steadily near its high; *pullback*, only in a neutral trend regime without
   short-term risk: what rests at a rising average. Each half has its own conditions, score (0..100) and best ten.
3. midterm ranks before pullback, each by score.

A half that is closed or fails does not affect the other; the notes of the session report it.

Choices where the definitions are silent: bounds include both ends; an instrument in both lists is shown once, as
midterm; there are no labels; `matched` counts instruments that match either half, before the best ten are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools
from scans.engines import regimes
from scans.engines.base import Check, Features, Universe
from scans.engines.condition_engine import Checkable, ConditionEngine, Evaluation, MarketState
from scans.engines.conditions import all_defined, universe_conditions
from scans.engines.indicators import Measures
from scans.engines.outcomes import Plan, levels
from scans.engines.ranking import Picks, join_picks, order_picks
from scans.engines.v3 import horizons
from scans.engines.v3.horizons import MIDTERM, PULLBACK, Half, Params
from scans.kernels.arrays import quotient
from scans.kernels.compare import above, at_least
from scans.kernels.ranges import ratio
from scans.kernels.slopes import not_falling, r_squared, rising
from scans.kernels.windows import rolling_max, rolling_min

WARM_UP = 640
"""Sessions before the first requested one, for EMA60; v1 gives the measurement."""

PLANS = (Plan(target=0.10, stop=-0.07, holding_max=15), Plan(target=0.05, stop=-0.02, holding_max=14))


@dataclass(frozen=True, slots=True)
class FailedHalf:
    """A half that raised an error: its name and the message."""

    name: str
    message: str

    def check(self, day: int, column: int) -> Check:
        return Check(self.name, "failed", float("nan"), self.message, False)


class Engine(ConditionEngine):
    """The engine v3; the module describes its steps."""

    slug: ClassVar[str] = "v3"
    title: ClassVar[str] = "Two horizons: midterm trend and pullback"
    revision: ClassVar[int] = 1
    inputs: ClassVar[Mapping[str, int]] = {
        "close": WARM_UP,
        "high": 249,
        "low": 13,
        "open": 0,
        "volume": 19,
        "amount": 19,
    }
    warm_up: ClassVar[int] = WARM_UP
    branches: ClassVar[tuple[str, ...]] = (MIDTERM, PULLBACK)
    regime_kind: ClassVar[str] = regimes.TREND
    compared: ClassVar[tuple[str, ...]] = ("momentum",)
    min_bars: ClassVar[int] = 120
    Params: ClassVar[type[Any]] = Params
    feature_params: ClassVar[tuple[str, ...]] = ()

    def features(self, measures: Measures, params: Any) -> Features:
        """Shares of the close or of an average, (K, N) each: float64 where a threshold or the score uses them,
        float32 beside a verdict."""
        panel, k = measures.panel, measures.session_count
        close, high = panel.tail("close", 60), panel.tail("high", 249)
        now = close[len(close) - k :]
        averages = measures.ema(20), measures.ema(60)
        ema20, ema60 = (average[len(average) - k :] for average in averages)
        return {
            "turnover": measures.mean("amount", 20),
            "momentum": ratio(close, 60, keep=k),
            "straightness": r_squared(np.log(close), 60, keep=k),
            "to_high_60": rolling_max(high, 60, keep=k) / now,
            "of_high_250": now / rolling_max(high, 250, keep=k, partial=True),
            "of_ema20": now / ema20,
            "low_of_ema20": rolling_min(panel.tail("low", 2), 3, keep=k) / ema20,
            "atr": measures.atr(14) / now,
            "rsi": measures.rsi(14),
            "volume_ratio": quotient(measures.mean("volume", 5), measures.mean("volume", 20), zero=0.0),
            "ema20_of_ema60": (ema20 / ema60).astype(np.float32),
            "over_ema20": above(now, ema20),
            "ema20_over_ema60": above(ema20, ema60),
            "ema20_rising": rising(averages[0], 20, keep=k),
            "ema60_rising": rising(averages[1], 20, keep=k),
            "ema60_not_falling": not_falling(averages[1], 20, keep=k),
            "closed_up": at_least(now, panel.tail("open", 0)),
        }

    def candidates(self, universe: Universe, features: Features, params: Any) -> Bools:
        """See `ConditionEngine`."""
        return horizons.candidates(universe, features, params)

    def evaluate(self, universe: Universe, features: Features, market: MarketState, params: Any) -> Evaluation:
        """See `ConditionEngine`: the conditions of both halves, then the parts of their scores."""
        scored = universe.eligible & all_defined(features)
        open_ = (market.regime == regimes.NEUTRAL) & (market.short_risk == 0)
        halves = [
            _half(
                MIDTERM, lambda: horizons.midterm(universe, features, scored, market.percentiles["momentum"], params)
            ),
            _half(PULLBACK, lambda: horizons.pullback(universe, features, scored, open_, params)),
        ]
        checks: list[Checkable] = [*universe_conditions(universe, scored)]
        matched = np.zeros_like(scored)
        for half in halves:
            if isinstance(half, Half):
                checks += [*half.conditions, *half.parts]
                matched |= half.matched
            else:
                checks.append(half)
        picks, half_of_pick = _picks(universe, halves, params)
        return Evaluation(
            scored=scored,
            matched=matched.sum(axis=1),
            checks=checks,
            picks=picks,
            rank_rule="among the best of its half",
            label=np.full(len(picks), ""),
            strategy=np.array([MIDTERM, PULLBACK])[half_of_pick],
            levels=levels(PLANS, half_of_pick, picks.of(universe.close)),
            signals={},
            components={name: values for name, values in features.items() if values.dtype.kind == "f"},
            notes=_notes(market, [half for half in halves if isinstance(half, FailedHalf)]),
        )


def _half(name: str, evaluate: Callable[[], Half]) -> Half | FailedHalf:
    """One half; an error in it must not affect the other half."""
    try:
        return evaluate()
    except Exception as error:
        return FailedHalf(name, f"{type(error).__name__}: {error}")


def _picks(universe: Universe, halves: Sequence[Half | FailedHalf], params: Params) -> tuple[Picks, NDArray[np.intp]]:
    """The best of each half, and the half of each pick, (P,)."""
    none = np.zeros(universe.eligible.shape, dtype=np.bool_)
    best = []
    for half, top in zip(halves, (params.midterm_top, params.pullback_top), strict=True):
        matched, score = (half.matched, half.score) if isinstance(half, Half) else (none, none)
        picks = order_picks(universe, matched, score)
        best.append(picks.where(picks.rank <= top))
    picks = join_picks(*best)
    in_midterm = np.bincount(best[0].day, minlength=len(universe.sessions))
    return picks, (picks.rank > in_midterm[picks.day]).astype(np.intp)


def _notes(market: MarketState, failures: Sequence[FailedHalf]) -> list[str]:
    """The note of each session: halves that failed or were closed."""
    failed = [f"{half.name} failed: {half.message}" for half in failures]
    notes = []
    for code, risk in zip(market.regime.tolist(), market.short_risk.tolist(), strict=True):
        closed = []
        if code != regimes.NEUTRAL:
            closed = [f"pullback closed: regime {regimes.NAMES[code]}"]
        elif risk:
            closed = [f"pullback closed: short-term risk {risk}"]
        notes.append("; ".join([*failed, *closed]))
    return notes
