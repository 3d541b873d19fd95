"""v1: the strict crossover scanner on one session (scanner definitions, section 2).

Choices where the definitions are silent
- Matches are counted before top_n when a fallback step is judged; the last step stands whatever it finds.
- A step's vol_mult and min_signals are each the smaller of the base's and the step's, so a bull's min_signals stays 2
  at step 1 and a neutral day with a wide range goes 4, 3, 2.
- rsi_threshold does not change with the steps.
- The regime is judged for the day; in a crash the step is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from tests.reference import crossover
from tests.reference.bars import SEGMENTS, Frames, universe
from tests.reference.crossover import Measures
from tests.reference.indicators import above, at_least, within
from tests.reference.outcome import Outcome, Row, answer, closed

PARAMS: dict[str, Any] = {
    "min_bars": 60,
    "segments": SEGMENTS,
    "limit": None,
    "turnover_min": 1e9,
    "price_min": 2000,
    "vol_mult": 2.5,
    "target_min": 3,
    "target_min_bear": 2,
    "steps": ((2.0, 3), (1.8, 2)),  # vol_mult, min_signals
    "top_n": 20,
}


def filters(x: Measures, rsi_threshold: float, params: Mapping[str, Any]) -> dict[str, bool]:
    return {
        "turnover": at_least(x.turnover, params["turnover_min"]),
        "price": x.price >= params["price_min"],
        "ema60": at_least(x.C, x.ema60),
        "rsi": above(rsi_threshold + 25, x.rsi_tema),
        "overheat": not x.overheated,
        "gap": within(0.002, x.gap, 0.015),
        "ext": at_least(0.015, x.ext),
        "atr": within(0.01, x.atr_share, 0.04),
        "dema": x.dema_rises and above(x.C, x.dema10),
        "risk": crossover.risk(x) < 3,
    }


def scan(
    instruments: Frames,
    index: pd.DataFrame,
    date: Any,
    params: Mapping[str, Any] | None = None,
) -> Outcome:
    """v1 on `date`. `instruments` as `bars.build` gives them, `index` as `index.regimes` gives it."""
    chosen = {**PARAMS, **(params or {})}
    today: Any = index.loc[pd.Timestamp(date)]
    regime = str(today["daily"])
    members = universe(
        instruments,
        date,
        min_bars=chosen["min_bars"],
        segments=chosen["segments"],
        limit=chosen["limit"],
    )
    if regime == "crash":
        return closed(regime, len(members))
    threshold, needed = float(today["rsi_threshold"]), int(today["min_signals"])
    passed = {}
    for code, bars in members.items():
        if not crossover.tradable(bars, chosen["turnover_min"], chosen["price_min"]):
            continue
        measures = crossover.measure(bars)
        if all(filters(measures, threshold, chosen).values()):
            passed[code] = measures
    wanted = chosen["target_min_bear"] if regime == "bear" else chosen["target_min"]
    step, rows = fallback(passed, needed, wanted, threshold, chosen)
    return replace(answer(regime, len(members), rows, chosen["top_n"]), step=step)


def fallback(
    passed: Mapping[str, Measures],
    needed: int,
    wanted: int,
    rsi_threshold: float,
    params: Mapping[str, Any],
) -> tuple[int, list[Row]]:
    """The first step that finds `wanted` matches, or else the last one, and its matches."""
    base = params["vol_mult"]
    rows = matches(passed, base, needed, rsi_threshold)
    step = 0
    for vol_mult, min_signals in params["steps"]:
        if len(rows) >= wanted:
            break
        step += 1
        rows = matches(passed, min(base, vol_mult), min(needed, min_signals), rsi_threshold)
    return step, rows


def matches(passed: Mapping[str, Measures], vol_mult: float, min_signals: int, rsi_threshold: float) -> list[Row]:
    rows = []
    for code, x in passed.items():
        signals = crossover.signals(x, vol_mult=vol_mult, rsi_threshold=rsi_threshold)
        if sum(signals[name] for name in crossover.SEVEN) < min_signals:
            continue
        points = crossover.points_of(signals, crossover.SEVEN)
        strategy = crossover.strategy(points, signals, longterm_trend=2)
        rows.append(
            {
                "code": code,
                "score": float(points),
                "points": points,
                "A": x.A,
                "price": x.price,
                "label": crossover.label(points),
                "strategy": strategy,
                "plan": crossover.PLANS[strategy],
                "risk": crossover.risk(x),
                "signals": {name: signals[name] for name in crossover.SEVEN},
                "measures": x,
            }
        )
    return rows
