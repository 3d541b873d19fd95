"""v2: the soft-gated, risk-adjusted scanner on one session (scanner definitions, section 3).

Choices where the definitions are silent
- rsi_threshold and min_signals are the table's row of regime_trend, without the range adjustments (those belong to
  regime_daily). Bear and crash are closed, so their rows, gap_max and gate are never used; the gap table keeps bear.
- momentum and trend are v1's, from the seven signals: the 2 points of dema count in `points` alone.
- slope(tema20) and slope(obv) are over 20 sessions as in the signals; "above on >= 2 of 5" counts the same five
  sessions as above5, with today.
- "ext >= 8 %" and the like are judged although the filter keeps ext below 2.5 %: they act only where a user loosens it.
- Caps are applied in ranking order within a strategy; matched counts what is left after cutoff and caps.
- The label is v1's table on the score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from tests.reference import crossover
from tests.reference.bars import SEGMENTS, Frames, universe
from tests.reference.crossover import Measures
from tests.reference.index import TABLE
from tests.reference.indicators import above, at_least, within
from tests.reference.outcome import Outcome, Row, answer, closed, ranked

EIGHT = (*crossover.SEVEN, "dema")
PARAMS: dict[str, Any] = {
    "min_bars": 60,
    "segments": SEGMENTS,
    "limit": None,
    "turnover_min": 1e9,
    "price_min": 2000,
    "vol_mult": 2.5,
    "gap_min": 0.002,
    "gap_max": {"bull": 0.03, "neutral": 0.025, "bear": 0.015},
    "ext_max": {"bull": 0.025, "neutral": 0.025, "bear": 0.025},
    "cutoffs": {
        "bull": {"swing": 6.0, "position": 4.3, "longterm": 5.0},
        "neutral": {"swing": 6.0, "position": 4.5, "longterm": 6.0},
    },
    "caps": {
        "swing": (20, 15, 10, 5),
        "position": (15, 10, 5, 3),
        "longterm": (20, 20, 15, 10),
    },
    "penalty": (0.0, 0.5, 1.0, 1.0),
    "top_n": 50,
}


def filters(x: Measures, regime: str, rsi_threshold: float, params: Mapping[str, Any]) -> dict[str, bool]:
    return {
        "turnover": at_least(x.turnover, params["turnover_min"]),
        "price": x.price >= params["price_min"],
        "rsi": above(rsi_threshold + 25, x.rsi_tema),
        "overheat": not x.overheated,
        "gap": within(params["gap_min"], x.gap, params["gap_max"][regime]),
        "ext": at_least(params["ext_max"][regime], x.ext),
    }


def gate(x: Measures, signals: Mapping[str, bool], regime: str) -> bool:
    if regime == "bull":
        ways = (x.tema_rises, x.obv_rises, x.sessions_above >= 2, above(x.tema20, x.dema10))
        return sum(ways) >= 2
    return x.tema_rises and x.obv_rises and signals["above5"]


def risk(x: Measures, points: int) -> int:
    total = crossover.risk(x)
    if points < 6:
        return total
    heat = 3 if at_least(x.rsi_tema, 75) else 2 if at_least(x.rsi_tema, 70) else 0
    crowd = 3 if at_least(x.surge, 3) else 2 if at_least(x.surge, 2.5) else 0
    reach = 3 if at_least(x.ext, 0.08) else 2 if at_least(x.ext, 0.05) else 0
    several = 2 if sum(part > 0 for part in (heat, crowd, reach)) >= 2 else 0
    return total + heat + crowd + reach + several


def adjusted(points: int, risk_points: int) -> int:
    k = 2.0 if points >= 8 else 1.5 if points >= 6 else 1.0
    return points - math.floor(risk_points * k)


def scan(
    instruments: Frames,
    index: pd.DataFrame,
    date: Any,
    params: Mapping[str, Any] | None = None,
) -> Outcome:
    """v2 on `date`. `instruments` as `bars.build` gives them, `index` as `index.regimes` gives it."""
    chosen = {**PARAMS, **(params or {})}
    today: Any = index.loc[pd.Timestamp(date)]
    regime, short_risk = str(today["trend"]), int(today["short_risk"])
    members = universe(
        instruments,
        date,
        min_bars=chosen["min_bars"],
        segments=chosen["segments"],
        limit=chosen["limit"],
    )
    if regime not in chosen["cutoffs"]:
        return closed(regime, len(members))
    kept: dict[str, list[Row]] = {strategy: [] for strategy in chosen["caps"]}
    for code, bars in members.items():
        if not crossover.tradable(bars, chosen["turnover_min"], chosen["price_min"]):
            continue
        row = judged(code, crossover.measure(bars), regime, short_risk, chosen)
        if row is not None:
            kept[row["strategy"]].append(row)
    rows = []
    for strategy, caps in chosen["caps"].items():
        rows += ranked(kept[strategy], caps[short_risk])
    return answer(regime, len(members), rows, chosen["top_n"])


def judged(code: str, x: Measures, regime: str, short_risk: int, params: Mapping[str, Any]) -> Row | None:
    """The instrument's row, None where it is not kept."""
    threshold, needed = TABLE[regime]
    if not all(filters(x, regime, threshold, params).values()):
        return None
    signals = crossover.signals(x, vol_mult=params["vol_mult"], rsi_threshold=threshold)
    if sum(signals[name] for name in crossover.SEVEN) < needed or not gate(x, signals, regime):
        return None
    points = crossover.points_of(signals, EIGHT)
    danger = risk(x, points)
    if danger >= 4:
        return None
    score = adjusted(points, danger) - params["penalty"][short_risk]
    strategy = crossover.strategy(points, signals, longterm_trend=3)
    if strategy == "watch" or not at_least(score, params["cutoffs"][regime][strategy]):
        return None
    return {
        "code": code,
        "score": score,
        "points": points,
        "A": x.A,
        "price": x.price,
        "label": crossover.label(score),
        "strategy": strategy,
        "plan": crossover.PLANS[strategy],
        "risk": danger,
        "signals": signals,
        "measures": x,
    }
