"""v3: two horizons, kept apart (scanner definitions, section 4).

1. `features`: EMA20 and EMA60 with their slopes, the 60-session return and its straightness, highs and lows, volume.
2. `score`: *midterm*, always: what rises steadily near its high; *pullback*, only in a neutral trend regime without
   short-term risk: what rests at a rising average. Each half has its own conditions, score (0..100) and best ten.
3. midterm ranks before pullback, each by score.

A half that is closed or fails leaves the other standing, and the notes of the session say so.

Where the definitions are silent: bounds include both ends; an instrument in both lists is shown once, as midterm; there
are no labels; `matched` counts instruments that match either half, before the best ten are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.engines import outcomes, regimes
from scans.engines.base import Check, Features, MarketIndex, Outcome, Universe
from scans.engines.conditions import Condition, all_defined, universe_conditions
from scans.engines.indicators import Measures
from scans.engines.outcomes import Plan
from scans.engines.ranking import Picks, join_picks, order_picks
from scans.engines.v3 import horizons
from scans.engines.v3.horizons import MIDTERM, PULLBACK, Half, Params
from scans.kernels.compare import above, at_least
from scans.kernels.ranges import ratio
from scans.kernels.slopes import not_falling, r_squared, rising
from scans.kernels.windows import rolling_max, rolling_min

WARM_UP = 640
"""Sessions before the first asked for, for the sake of EMA60; v1 gives the measurement."""

PLANS = (
    Plan(target=0.10, stop=-0.07, holding_max=15),
    Plan(target=0.05, stop=-0.02, holding_max=14),
)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Both halves over one universe; a half that failed is the message of its error."""

    regime: regimes.Codes
    short_risk: NDArray[np.int8]
    scored: Bools
    standing: list[Condition]
    open: Bools
    halves: dict[str, Half | str]

    @property
    def alive(self) -> dict[str, Half]:
        """The halves that did not fail."""
        return {name: half for name, half in self.halves.items() if isinstance(half, Half)}


class Engine:
    """See the module."""

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
    regime_kind: ClassVar[str] = regimes.TREND
    min_bars: ClassVar[int] = 120
    Params: ClassVar[type[Any]] = Params
    feature_params: ClassVar[tuple[str, ...]] = ()

    def features(self, measures: Measures, params: Any) -> Features:
        """Shares of the close or of an average, (K, N) each: float64 where a threshold or the score stands on them,
        float32 beside a verdict."""
        panel, k = measures.panel, measures.session_count
        close, high = panel.tail("close", 60), panel.tail("high", 249)
        now = close[len(close) - k :]
        averages = measures.ema(20), measures.ema(60)
        ema20, ema60 = (one[len(one) - k :] for one in averages)
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
            "volume_ratio": _share(measures.mean("volume", 5), measures.mean("volume", 20)),
            "ema20_of_ema60": (ema20 / ema60).astype(np.float32),
            "over_ema20": above(now, ema20),
            "ema20_over_ema60": above(ema20, ema60),
            "ema20_rising": rising(averages[0], 20, keep=k),
            "ema60_rising": rising(averages[1], 20, keep=k),
            "ema60_not_falling": not_falling(averages[1], 20, keep=k),
            "closed_up": at_least(now, panel.tail("open", 0)),
        }

    def score(self, universe: Universe, features: Features, index: MarketIndex, params: Any) -> Outcome:
        """See `base.Engine`."""
        judged = _judge(universe, features, index, params)
        picks, half = _picked(universe, judged, params)
        matched = np.zeros_like(judged.scored)
        for one in judged.alive.values():
            matched |= one.matched
        days = outcomes.days(
            universe,
            scored=judged.scored,
            matched=matched.sum(axis=1),
            regime=[regimes.NAMES[code] for code in judged.regime],
            closed=np.zeros(len(judged.regime), dtype=bool),
            short_risk=judged.short_risk,
            notes=_notes(judged),
        )
        ranks = outcomes.ranks(
            picks,
            label=np.full(len(picks), ""),
            strategy=np.array([MIDTERM, PULLBACK])[half],
            levels=outcomes.levels(PLANS, half, picks.of(universe.close)),
            signals={},
            components={name: values for name, values in features.items() if values.dtype.kind == "f"},
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
        """See `base.Engine`: what both halves ask, then the parts of their scores; the last check is the place."""
        today = {name: values[day : day + 1] for name, values in features.items()}
        alone = universe.on(day)
        judged = _judge(alone, today, index, params)
        checks = [one.check(0, column) for one in judged.standing]
        for name, half in judged.halves.items():
            if isinstance(half, Half):
                checks += [one.check(0, column) for one in half.conditions]
                checks += [one.check(0, column) for one in half.parts]
            else:
                checks.append(Check(name, "failed", float("nan"), half, False))
        picks, _ = _picked(alone, judged, params)
        return [*checks, picks.check(column, "among the best of its half")]


def _share(value: Floats, scale: Floats) -> Floats:
    """value / scale, 0 where the scale is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(scale == 0, 0.0, value / scale)


def _judge(universe: Universe, f: Features, index: MarketIndex, params: Params) -> Evaluation:
    at = index.rows(universe.sessions)
    regime, short_risk = regimes.regime_trend(index)[at], regimes.short_risk(index)[at]
    scored = universe.eligible & all_defined(f)
    open_ = (regime == regimes.NEUTRAL) & (short_risk == 0)
    return Evaluation(
        regime=regime,
        short_risk=short_risk,
        scored=scored,
        standing=universe_conditions(universe, scored),
        open=open_,
        halves={
            MIDTERM: _attempt(lambda: horizons.midterm(universe, f, scored, params)),
            PULLBACK: _attempt(lambda: horizons.pullback(universe, f, scored, open_, params)),
        },
    )


def _attempt(judge: Callable[[], Half]) -> Half | str:
    """A half, or what went wrong with it: the other one must stand."""
    try:
        return judge()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _picked(universe: Universe, judged: Evaluation, params: Params) -> tuple[Picks, NDArray[np.intp]]:
    """The best of each half, and which half each is of, (P,)."""
    best = []
    for name, top in ((MIDTERM, params.midterm_top), (PULLBACK, params.pullback_top)):
        half = judged.alive.get(name)
        matched = half.matched if half else np.zeros_like(judged.scored)
        picks = order_picks(universe, matched, half.score if half else judged.scored)
        best.append(picks.where(picks.rank <= top))
    picks = join_picks(*best)
    in_midterm = np.bincount(best[0].day, minlength=len(universe.sessions))
    return picks, (picks.rank > in_midterm[picks.day]).astype(np.intp)


def _notes(judged: Evaluation) -> list[str]:
    """For each session what a half left out."""
    failed = [f"{name} failed: {half}" for name, half in judged.halves.items() if isinstance(half, str)]
    notes = []
    for code, risk in zip(judged.regime.tolist(), judged.short_risk.tolist(), strict=True):
        closed = []
        if code != regimes.NEUTRAL:
            closed = [f"pullback closed: regime {regimes.NAMES[code]}"]
        elif risk:
            closed = [f"pullback closed: short-term risk {risk}"]
        notes.append("; ".join([*failed, *closed]))
    return notes
