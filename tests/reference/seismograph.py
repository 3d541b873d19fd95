"""seismograph: accumulation before the quake, on one session (scanner definitions, section 5).

Choices where the definitions are silent
- `volume_min` bounds the mean raw volume of 20 sessions, as `turnover_min` bounds the mean turnover; price_min and
  price_max bound rawC, both included. A limit that is None does not bind. Defaults are the Korean ones.
- No top_n of its own: every match is ranked.
- A return or change that is a tie is 0, in sums of sizes too. q <= 0 and sv <= 0 mean: rising volume is not above
  falling volume.
- Stage 4 is judged before 2. A null V2 (fewer than half of 20 bars traded) makes V1, V4 and the stage null as well.
- V3's window is the last min(60, bars) bars; half of those must be traded.
- V4's tight_range is 0 where either median is 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import pandas as pd

from tests.reference import indicators
from tests.reference.bars import SEGMENTS, Frames, universe
from tests.reference.indicators import above, at_least, clip
from tests.reference.outcome import Outcome, Row, answer

PARAMS: dict[str, Any] = {
    "min_bars": 21,
    "segments": SEGMENTS,
    "limit": None,
    "price_min": None,
    "price_max": None,
    "volume_min": None,
    "turnover_min": 5e8,
    "model": "v2",
    "threshold": None,  # 50, for v3 75
    "top_n": None,
}
V2_WEIGHTS = {
    "tight_range": 0.30,
    "obv_divergence": 0.35,
    "accumulation_bar": 0.25,
    "volume_dryout": 0.10,
}
V3_WEIGHTS = {"tight": 0.35, "absorption": 0.30, "accumulation": 0.20, "dryout": 0.15}


@dataclass(frozen=True)
class Window:
    """The last bars of one instrument as lists."""

    O: list[float]  # noqa: E741
    H: list[float]
    L: list[float]
    C: list[float]
    V: list[float]
    traded: list[bool]

    @property
    def ranges(self) -> list[float]:
        """The true ranges inside: one fewer than bars."""
        return [max(self.H[i], self.C[i - 1]) - min(self.L[i], self.C[i - 1]) for i in range(1, len(self.C))]

    @property
    def dead(self) -> bool:
        return 2 * sum(self.traded) < len(self.traded)

    def signed_volumes(self, last: int) -> tuple[float, float]:
        """Volume of the rising and of the falling bars among the `last` changes."""
        signs = indicators.sign_of_change(pd.Series(self.C))[-last:]
        pairs = list(zip(signs, self.V[-last:], strict=True))
        up = math.fsum(volume for sign, volume in pairs if sign > 0)
        return up, math.fsum(volume for sign, volume in pairs if sign < 0)


def window(bars: pd.DataFrame, n: int) -> Window:
    tail = bars.tail(n)
    return Window(**{name: tail[name].tolist() for name in ("O", "H", "L", "C", "V", "traded")})


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


# V2, V1 and V4: the last 20 bars


def divergence_inputs(w: Window) -> tuple[float, float]:
    """p, the change over the window, and q, the signed share of its volume (0 where it is a tie or there is none)."""
    up, down = w.signed_volumes(len(w.C) - 1)
    total = math.fsum(w.V)
    tied = not (above(up, down) or above(down, up))
    return w.C[-1] / w.C[0] - 1, 0.0 if tied or total == 0 else (up - down) / total


def v2_intensities(w: Window) -> dict[str, float]:
    ranges = w.ranges
    wide = mean(ranges)
    p, q = divergence_inputs(w)
    quiet_volume = mean(w.V[:-1])
    body = abs(w.C[-1] - w.O[-1]) / w.O[-1]
    surge = w.V[-1] / quiet_volume if quiet_volume > 0 else 0.0
    average = mean(w.V)
    dry = mean(w.V[-3:]) / average if average > 0 else math.nan
    return {
        "tight_range": clip((0.7 - mean(ranges[-5:]) / wide) / 0.4) if wide > 0 else 0.0,
        "obv_divergence": 0.0 if above(p, 0.02) or q <= 0 else min(1.0, 10 * abs(p) + 5 * q),
        "accumulation_bar": 0.0 if above(body, 0.025) else clip((surge - 2) / 3),
        "volume_dryout": 1 - dry / 0.4 if above(0.4, dry) else 0.0,
    }


def v4_intensities(w: Window) -> dict[str, float]:
    result = v2_intensities(w)
    short, wide = median(w.ranges[-5:]), median(w.ranges)
    p, q = divergence_inputs(w)
    barred = above(p, 0.02) or above(-0.15, p) or q <= 0
    result["tight_range"] = clip((0.7 - short / wide) / 0.4) if short > 0 and wide > 0 else 0.0
    result["obv_divergence"] = 0.0 if barred else min(1.0, 10 * max(-p, 0.01)) * min(1.0, 5 * q)
    return result


def weighted(parts: Mapping[str, float], weights: Mapping[str, float]) -> float:
    return math.fsum(weights[name] * parts[name] for name in weights)


def v1_score(parts: Mapping[str, float]) -> float:
    on = {name: above(value, 0.5) for name, value in parts.items()}
    if on["tight_range"]:
        return 100.0 if on["obv_divergence"] else 80.0
    if on["accumulation_bar"]:
        return 70.0 if on["obv_divergence"] else 50.0
    if on["obv_divergence"]:
        return 30.0
    return 10.0 if on["volume_dryout"] else 0.0


def stage(parts: Mapping[str, float]) -> int:
    if above(parts["tight_range"], 0.5):
        return 4
    return 2 if above(parts["obv_divergence"], 0.5) else 1


# V3: up to 60 bars


def v3_tight(w: Window) -> float:
    now = mean(w.ranges[-5:])
    return 1 - sum(above(now, size) for size in w.ranges) / len(w.ranges)


def absorption(w: Window) -> float:
    typical = median(w.V[-10:])
    if typical <= 0:
        return 0.0
    if above(w.C[-1] / w.C[-5] - 1, 0.05):
        return 0.3
    up, down = w.signed_volumes(10)
    s = (up - down) / typical
    steps = indicators.changes(pd.Series(w.C)).tolist()[-10:]
    travel = math.fsum(abs(steps[i]) / w.C[i - 11] for i in range(10))
    a = travel / 10 if travel > 0 else 0.01
    if not above(up, down):
        return 0.5 * sigmoid(2 * s)
    return 0.5 + 0.5 * sigmoid(s / (a / 0.02 + 0.1) - 3)


def accumulation(w: Window) -> float:
    span = range(len(w.C) - 16, len(w.C) - 6)
    rising = sum(above(w.C[i], w.O[i]) for i in span) / 10
    result = 0.5
    result += 0.15 if at_least(rising, 0.6) else -0.15 if at_least(0.4, rising) else 0.0
    quiet = [i for i in span if above(0.02, (w.H[i] - w.L[i]) / w.C[i])]
    if quiet:
        strong = sum(above(w.C[i], (w.H[i] + w.L[i]) / 2) for i in quiet) / len(quiet)
        result += 0.10 if at_least(strong, 0.7) else -0.05 if at_least(0.3, strong) else 0.0
    return result


def location(w: Window) -> float:
    top, bottom = max(w.H[-20:]), min(w.L[-20:])
    return (w.C[-1] - bottom) / (top - bottom) if above(top, bottom) else 0.5


def v3_parts(w: Window, volume_dryout: float) -> dict[str, float]:
    return {
        "tight": v3_tight(w),
        "absorption": absorption(w),
        "accumulation": accumulation(w),
        "dryout": volume_dryout * sigmoid(3 * (location(w) - 0.4) / 0.6),
    }


def v3_score(parts: Mapping[str, float]) -> float:
    bonus = 10 if above(parts["tight"], 0.6) and above(parts["absorption"], 0.5) else 0
    bonus += 5 if sum(above(value, 0.5) for value in parts.values()) >= 3 else 0
    hollow = above(parts["tight"], 0.7) and above(0.3, parts["absorption"]) and at_least(0.3, parts["accumulation"])
    return clip((100 * weighted(parts, V3_WEIGHTS) + bonus) * (0.5 if hollow else 1), 0, 100)


# The scan


def scores(bars: pd.DataFrame) -> dict[str, Any]:
    """Every model's score (None where it is null), all intensities and the stage of one instrument."""
    short, long = window(bars, 20), window(bars, 60)
    parts = v2_intensities(short)
    steady = v4_intensities(short)
    slow = v3_parts(long, parts["volume_dryout"])
    result: dict[str, Any] = {"v2_parts": parts, "v4_parts": steady, "v3_parts": slow}
    result["v1"] = None if short.dead else v1_score(parts)
    result["v2"] = None if short.dead else 100 * weighted(parts, V2_WEIGHTS)
    result["v3"] = None if long.dead else v3_score(slow)
    result["v4"] = None if short.dead else 100 * weighted(steady, V2_WEIGHTS)
    result["stage"] = None if short.dead else stage(parts)
    return result


def within_limits(bars: pd.DataFrame, params: Mapping[str, Any]) -> bool:
    price = float(bars["rawC"].iloc[-1])
    low, high = params["price_min"], params["price_max"]
    volume, turnover = params["volume_min"], params["turnover_min"]
    return (
        (low is None or price >= low)
        and (high is None or price <= high)
        and (volume is None or at_least(indicators.mean_last(bars["rawV"], 20), volume))
        and (turnover is None or at_least(indicators.mean_last(bars["A"], 20), turnover))
    )


def scan(
    instruments: Frames,
    index: pd.DataFrame,
    date: Any,
    params: Mapping[str, Any] | None = None,
) -> Outcome:
    """seismograph on `date`, ranked by the parameter `model`."""
    chosen = {**PARAMS, **(params or {})}
    members = universe(
        instruments,
        date,
        min_bars=chosen["min_bars"],
        segments=chosen["segments"],
        limit=chosen["limit"],
    )
    threshold = chosen["threshold"]
    if threshold is None:
        threshold = 75 if chosen["model"] == "v3" else 50
    rows: list[Row] = []
    for code, bars in members.items():
        if not within_limits(bars, chosen):
            continue
        result = scores(bars)
        score = result[chosen["model"]]
        if score is None or not above(score, threshold):
            continue
        last = {"A": float(bars["A"].iloc[-1]), "price": float(bars["rawC"].iloc[-1])}
        rows.append({"code": code, "score": score, **last, **result})
    return answer("", len(members), rows, chosen["top_n"])
