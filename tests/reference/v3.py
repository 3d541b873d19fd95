"""v3: two horizons, kept apart, on one session (scanner definitions, section 4).

Choices where the definitions are silent
- Percentiles rank C[t]/C[t-60] over all eligible instruments (the version's limit included), before any filter.
- "Top 10" is taken in each half on its own. A code that is in both lists has one row, in midterm, because one version
  ranks a code once; pullback is not refilled (`halves` keeps both lists whole).
- Closed is only the pullback half; midterm has no regime. The outcome is no_match when both lists are empty.
- R^2 of a flat stretch (all closes tied) is 0; a zero vma(20) gives a volume ratio of 0.
- Bounds given as "between" and ".." include both ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tests.reference import indicators
from tests.reference.bars import SEGMENTS, Frames, universe
from tests.reference.crossover import tradable
from tests.reference.indicators import above, at_least, clip, within
from tests.reference.outcome import Outcome, Row, answer, closed

PARAMS: dict[str, Any] = {
    "min_bars": 120,
    "segments": SEGMENTS,
    "limit": None,
    "turnover_min": 1e9,
    "price_min": 2000,
    "top_n": 10,
}
PLANS = {"midterm": (0.10, -0.07, 15), "pullback": (0.05, -0.02, 14)}  # target, stop, sessions


def r_squared(values: Sequence[float]) -> float:
    """R^2 of least squares on `values` against 0, 1, ..; 0 where they are constant."""
    middle = (len(values) - 1) / 2
    mean = math.fsum(values) / len(values)
    across = math.fsum((i - middle) * (y - mean) for i, y in enumerate(values))
    spread = math.fsum((i - middle) ** 2 for i in range(len(values)))
    total = math.fsum((y - mean) ** 2 for y in values)
    return across**2 / (spread * total) if total > 0 else 0.0


def volume_ratio(bars: pd.DataFrame) -> float:
    base = indicators.mean_last(bars["V"], 20)
    return indicators.mean_last(bars["V"], 5) / base if base > 0 else 0.0


def midterm(bars: pd.DataFrame, percentile: float) -> float | None:
    """The score, None where a filter does not hold."""
    close = bars["C"]
    c = float(close.iloc[-1])
    ema20, ema60 = indicators.ema(close, 20), indicators.ema(close, 60)
    short, long = float(ema20.iloc[-1]), float(ema60.iloc[-1])
    up, down = indicators.slope_sides(ema60, 20)
    atr = indicators.mean_last(indicators.true_range(bars["H"], bars["L"], close), 14)
    holds = (
        above(c, short)
        and above(short, long)
        and above(*indicators.slope_sides(ema20, 20))
        and at_least(up, down)
        and at_least(percentile, 0.70)
        and at_least(c, 0.75 * max(bars["H"].tolist()[-250:]))
        and at_least(1.10 * short, c)
        and at_least(0.06, atr / c)
    )
    if not holds:
        return None
    window = close.tolist()[-60:]
    flat = not above(max(window), min(window))
    fit = 0.0 if flat else r_squared([math.log(price) for price in window])
    near = 1 - (max(bars["H"].tolist()[-60:]) / c - 1) / 0.10
    return 40 * percentile + 25 * fit + 20 * clip((volume_ratio(bars) - 0.8) / 0.7) + 15 * clip(near)


def pullback(bars: pd.DataFrame) -> float | None:
    """The score, None where a filter does not hold."""
    close = bars["C"]
    c = float(close.iloc[-1])
    ema20, ema60 = indicators.ema(close, 20), indicators.ema(close, 60)
    short, long = float(ema20.iloc[-1]), float(ema60.iloc[-1])
    strength = float(indicators.rsi(close, 14).iloc[-1])
    ratio = volume_ratio(bars)
    holds = (
        above(short, long)
        and above(*indicators.slope_sides(ema60, 20))
        and within(0.97, c / short, 1.01)
        and at_least(1.01 * short, min(bars["L"].tolist()[-3:]))
        and within(40, strength, 55)
        and above(0.8, ratio)
        and at_least(c, float(bars["O"].iloc[-1]))
    )
    if not holds:
        return None
    parts = (
        1 - abs(c / short - 1) / 0.03,
        min(1.0, clip(1 - ratio) / 0.5),
        1 - abs(strength - 47.5) / 7.5,
    )
    return 100 * math.fsum(max(part, 0.0) for part in parts) / 3


def halves(
    instruments: Frames,
    index: pd.DataFrame,
    date: Any,
    params: Mapping[str, Any] | None = None,
) -> dict[str, Outcome]:
    """midterm and pullback, each ranked on its own."""
    chosen = {**PARAMS, **(params or {})}
    today: Any = index.loc[pd.Timestamp(date)]
    regime = str(today["trend"])
    members = universe(
        instruments,
        date,
        min_bars=chosen["min_bars"],
        segments=chosen["segments"],
        limit=chosen["limit"],
    )
    relatives = {code: b["C"].iloc[-1] / b["C"].iloc[-61] for code, b in members.items()}
    percentiles = indicators.percentiles(relatives)
    open_for_pullback = regime == "neutral" and int(today["short_risk"]) == 0
    result: dict[str, list[Row]] = {"midterm": [], "pullback": []}
    for code, bars in members.items():
        if not tradable(bars, chosen["turnover_min"], chosen["price_min"]):
            continue
        scores = {"midterm": midterm(bars, percentiles[code])}
        scores["pullback"] = pullback(bars) if open_for_pullback else None
        for strategy, score in scores.items():
            if score is not None:
                result[strategy].append(
                    {
                        "code": code,
                        "score": score,
                        "A": float(bars["A"].iloc[-1]),
                        "price": float(bars["rawC"].iloc[-1]),
                        "strategy": strategy,
                        "plan": PLANS[strategy],
                        "percentile": percentiles[code],
                    }
                )
    done = {name: answer(regime, len(members), result[name], chosen["top_n"]) for name in result}
    if not open_for_pullback:
        done["pullback"] = closed(regime, len(members))
    return done


def scan(
    instruments: Frames,
    index: pd.DataFrame,
    date: Any,
    params: Mapping[str, Any] | None = None,
) -> Outcome:
    """v3 on `date`: midterm's rows, then pullback's. `reason` names a closed half even where the other matched."""
    both = halves(instruments, index, date, params)
    rows = list(both["midterm"].rows)
    taken = {row["code"] for row in rows}
    rows += [row for row in both["pullback"].rows if row["code"] not in taken]
    shut = both["pullback"].reason == "regime"
    return Outcome(
        status="matched" if rows else "no_match",
        reason="pullback: regime" if shut else "" if rows else "nothing passed",
        regime=both["midterm"].regime,
        eligible=both["midterm"].eligible,
        matched=both["midterm"].matched + both["pullback"].matched,
        rows=[{**row, "rank": place} for place, row in enumerate(rows, start=1)],
    )
