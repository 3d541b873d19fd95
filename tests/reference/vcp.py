"""vcp: volatility contraction, on one session (scanner definitions, section 6).

Choices where the definitions are silent
- The seven of the template: C above sma150 and sma200 together; sma150 above sma200; sma200 above 22 sessions ago; C
  above sma50; C against the low; C against the high; RS percentile.
- A match needs the template (6 of 7), the floors, the contraction, D1 inside 8..35 % (ends included) and the score.
- The RS percentile ranks .4 C/C[-63] + .2 C/C[-126] + .2 C/C[-189] + .2 C/C[-252] (RS + 1) over all eligible
  instruments; as a share, so "> 70" is above 0.70.
- All D are of adjusted bars, no-trade bars included. sma(V,50) = 0 cannot occur (t is traded).
- Flow: net buying and volume in raw shares, both as sums of the last 5 sessions; a value without a quantity counts as
  the shares it buys at the session's average price, A / rawV (rawC on a day without a trade); the blend is
  (1 - w) * score + w * 100 * flow, and the score stays where one of the 5 sessions has no flow. Match and grade use
  the blended score. "Bought" is a net purchase above 0.
- The label is the grade; every match is ranked (no top_n of its own).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from tests.reference import indicators
from tests.reference.bars import SEGMENTS, Frames, universe
from tests.reference.crossover import tradable
from tests.reference.indicators import above, at_least, clip, within
from tests.reference.outcome import Outcome, Row, answer

PARAMS: dict[str, Any] = {
    "min_bars": 253,
    "segments": SEGMENTS,
    "limit": None,
    "turnover_min": 1e9,
    "price_min": 2000,
    "template_min": 6,
    "score_min": 60,
    "flow_weight": 0.0,
    "top_n": None,
}


def strength(close: indicators.Floats) -> float:
    """RS + 1: the weighted price relatives over 63, 126, 189 and 252 sessions."""
    prices = close.tolist()
    weights = {63: 0.4, 126: 0.2, 189: 0.2, 252: 0.2}
    return math.fsum(weight * prices[-1] / prices[-1 - n] for n, weight in weights.items())


def template(bars: pd.DataFrame, percentile: float) -> list[bool]:
    close = bars["C"]
    c = float(close.iloc[-1])
    sma50, sma150, sma200 = (indicators.mean_last(close, n) for n in (50, 150, 200))
    earlier = indicators.mean_last(close.iloc[:-22], 200)
    return [
        above(c, sma150) and above(c, sma200),
        above(sma150, sma200),
        above(sma200, earlier),
        above(c, sma50),
        at_least(c, 1.25 * min(bars["L"].tolist()[-252:])),
        at_least(c, 0.75 * max(bars["H"].tolist()[-252:])),
        above(percentile, 0.70),
    ]


def depths(bars: pd.DataFrame) -> tuple[float, float, float]:
    """D1, D2, D3, the oldest of the three windows of 20 sessions first."""
    high, low = bars["H"].tolist()[-60:], bars["L"].tolist()[-60:]
    result = []
    for start in (0, 20, 40):
        top = max(high[start : start + 20])
        result.append((top - min(low[start : start + 20])) / top)
    return result[0], result[1], result[2]


def contracting(d1: float, d2: float, d3: float) -> bool:
    stepwise = at_least(0.75 * d1, d2) and at_least(0.75 * d2, d3)
    overall = at_least(0.5 * d1, d3) and at_least(d1, d2)
    return (stepwise or overall) and within(0.08, d1, 0.35)


def dry_up(u: float) -> float:
    for bound, share in ((0.3, 1.0), (0.5, 0.83), (0.7, 0.67), (1.0, 0.44)):
        if above(bound, u):
            return share
    return 0.22


def flow_share(rate: float) -> float:
    for bound, share in ((0.05, 1.0), (0.02, 0.8), (0.0, 0.6), (-0.02, 0.4)):
        if above(rate, bound):
            return share
    return 0.1


def bought(bars: pd.DataFrame, flows: pd.DataFrame, who: str) -> list[float]:
    """Net raw shares of the last 5 sessions, NaN where nothing is recorded."""
    last = bars.iloc[-5:]
    result = flows.reindex(index=last.index, columns=[who, f"{who}_value"])
    rows = zip(
        *(last[name].tolist() for name in ("A", "rawV", "rawC")),
        *(result[name].tolist() for name in result.columns),
        strict=True,
    )
    return [
        value / (amount / volume if volume > 0 else close) if math.isnan(shares) else shares
        for amount, volume, close, shares, value in rows
    ]


def flow_score(bars: pd.DataFrame, flows: pd.DataFrame | None) -> float:
    """0..1 of the last 5 sessions; NaN where flow is not recorded. `flows`: foreign, institution in net raw shares, and
    foreign_value, institution_value in currency where there are such."""
    if flows is None:
        return math.nan
    foreign, institution = (bought(bars, flows, who) for who in ("foreign", "institution"))
    volume = math.fsum(bars["rawV"].tolist()[-5:])
    if any(map(math.isnan, foreign + institution)) or volume <= 0:
        return math.nan
    both = sum(f > 0 and i > 0 for f, i in zip(foreign, institution, strict=True))
    return (
        0.4 * flow_share(math.fsum(foreign) / volume)
        + 0.3 * flow_share(math.fsum(institution) / volume)
        + 0.3 * both / 5
    )


def grade(score: float) -> str:
    return "S" if at_least(score, 80) else "A" if at_least(score, 70) else "B"


def judged(
    code: str,
    bars: pd.DataFrame,
    percentile: float,
    flows: pd.DataFrame | None,
    params: Mapping[str, Any],
) -> Row | None:
    """The instrument's row, None where it does not match."""
    if not tradable(bars, params["turnover_min"], params["price_min"]):
        return None
    passed = sum(template(bars, percentile))
    d1, d2, d3 = depths(bars)
    if passed < params["template_min"] or not contracting(d1, d2, d3):
        return None
    price, c = float(bars["rawC"].iloc[-1]), float(bars["C"].iloc[-1])
    high = bars["H"].tolist()
    pivot, pivot_before = max(high[-20:]), max(high[-21:-1])
    mean50 = indicators.mean_last(bars["V"], 50)
    score = (
        25 * passed / 7
        + 25 * min(1.0, clip(1 - d3 / d1) / 0.75)
        + 20 * dry_up(indicators.mean_last(bars["V"], 10) / mean50)
        + 15 * clip(1 - (pivot / c - 1) / 0.10)
        + 15 * percentile
    )
    flow = flow_score(bars, flows)
    if params["flow_weight"] and not math.isnan(flow):
        score = (1 - params["flow_weight"]) * score + params["flow_weight"] * 100 * flow
    if not at_least(score, params["score_min"]):
        return None
    raw = price / c
    stop = max(min(bars["L"].tolist()[-20:]), 0.93 * pivot)
    surge = at_least(float(bars["V"].iloc[-1]), 1.5 * mean50)
    return {
        "code": code,
        "score": score,
        "A": float(bars["A"].iloc[-1]),
        "price": price,
        "label": grade(score),
        "percentile": percentile,
        "template": passed,
        "depths": (d1, d2, d3),
        "entry": pivot * raw,
        "stop": stop * raw,
        "target": 1.20 * pivot * raw,
        "breakout": above(c, pivot_before) and surge,
        "flow": flow,
    }


def scan(
    instruments: Frames,
    index: pd.DataFrame,
    date: Any,
    params: Mapping[str, Any] | None = None,
    flows: Mapping[str, pd.DataFrame] | None = None,
) -> Outcome:
    """vcp on `date`. `flows`: per code what foreign and institution bought on its sessions (see `flow_score`)."""
    chosen = {**PARAMS, **(params or {})}
    members = universe(
        instruments,
        date,
        min_bars=chosen["min_bars"],
        segments=chosen["segments"],
        limit=chosen["limit"],
    )
    percentiles = indicators.percentiles({code: strength(bars["C"]) for code, bars in members.items()})
    rows = []
    for code, bars in members.items():
        row = judged(code, bars, percentiles[code], (flows or {}).get(code), chosen)
        if row is not None:
            rows.append(row)
    return answer("", len(members), rows, chosen["top_n"])
