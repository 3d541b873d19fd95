"""Trend template, contraction and score of vcp (scanner definitions, section 6)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.number_format import format_number
from marketdata.panel import Floats
from scans.engines.base import Features
from scans.engines.conditions import Condition, Part, sum_parts
from scans.engines.indicators import Measures
from scans.kernels.arrays import quotient
from scans.kernels.averages import sma
from scans.kernels.compare import above, at_least
from scans.kernels.ranges import depth, ratio
from scans.kernels.volume import net_shares
from scans.kernels.windows import rolling_max, rolling_min, rolling_sum

INPUTS = {"close": 252, "high": 251, "low": 251, "volume": 49, "amount": 19}
"""The reach of the windows, in sessions."""

BUYERS = ("foreign", "institution")

FLOW_INPUTS = {**{f"{buyer}_net_{measure}": 4 for buyer in BUYERS for measure in ("quantity", "value")}, "raw_close": 4}
"""The additional fields of the flow."""

TEMPLATE = ("over_long", "stacked", "long_rising", "over_sma50", "off_low", "near_high", "strong")


def features(measures: Measures, *, flow: bool = False) -> dict[str, NDArray[Any]]:
    """Ratios, (K, N) each: float64 where a threshold or the score uses them, float32 beside a verdict; `flow`
    only on request."""
    k = measures.session_count
    close, high, low = (measures.field(name, 251) for name in ("close", "high", "low"))
    now = close[251:]
    sma50, sma150 = sma(close, 50, keep=k), sma(close, 150, keep=k)
    long = sma(close, 200, keep=k + 22)
    sma200, before = long[22:], long[:k]
    top, bottom = rolling_max(high, 252, keep=k), rolling_min(low, 252, keep=k)
    pivots = rolling_max(high, 20, keep=k + 1)
    volume, usual = measures.field("volume", 0), measures.mean("volume", 50)
    values: dict[str, NDArray[Any]] = {
        "turnover": measures.mean("amount", 20),
        "strength": _strength(measures),
        "depth_1": depth(high[:-40], low[:-40], 20, keep=k),
        "depth_2": depth(high[:-20], low[:-20], 20, keep=k),
        "depth_3": depth(high, low, 20, keep=k),
        "dry_up": quotient(measures.mean("volume", 10), usual),
        "to_pivot": pivots[1:] / now,
        "low_share": rolling_min(low, 20, keep=k) / now,
        "of_sma50": (now / sma50).astype(np.float32),
        "of_sma200": (now / sma200).astype(np.float32),
        "sma150_of_sma200": (sma150 / sma200).astype(np.float32),
        "sma200_risen": (sma200 / before).astype(np.float32),
        "of_low_252": (now / bottom).astype(np.float32),
        "of_high_252": (now / top).astype(np.float32),
        "over_long": above(now, sma150) & above(now, sma200),
        "stacked": above(sma150, sma200),
        "long_rising": above(sma200, before),
        "over_sma50": above(now, sma50),
        "off_low": at_least(now, 1.25 * bottom),
        "near_high": at_least(now, 0.75 * top),
        "breakout": above(now, pivots[:-1]) & at_least(volume, 1.5 * usual),
    }
    if flow:
        values["flow"] = _flow(measures)
    return values


def _strength(measures: Measures) -> Floats:
    close, k = measures.field("close", 252), measures.session_count
    return (
        0.4 * ratio(close, 63, keep=k)
        + 0.2 * ratio(close, 126, keep=k)
        + 0.2 * ratio(close, 189, keep=k)
        + 0.2 * ratio(close, 252, keep=k)
    )


def _flow(measures: Measures) -> Floats:
    """How much foreigners and institutions bought over 5 sessions, 0..1, (K, N); NaN where a session has no flow."""
    k = measures.session_count
    traded = rolling_sum(measures.field("volume", 4), 5, keep=k)
    nets = [_net(measures, buyer) for buyer in BUYERS]
    foreign, institution = (_bought(quotient(rolling_sum(net, 5, keep=k), traded)) for net in nets)
    both = rolling_sum(((nets[0] > 0) & (nets[1] > 0)).astype(np.float64), 5, keep=k)
    return 0.4 * foreign + 0.3 * institution + 0.3 * both / 5


def _net(measures: Measures, buyer: str) -> Floats:
    """Net buying of the requested sessions and the 4 before in adjusted shares, (K + 4, N)."""
    names = (f"{buyer}_net_quantity", f"{buyer}_net_value", "close", "raw_close", "volume", "amount")
    return net_shares(*(measures.field(name, 4) for name in names))


def _bought(share: Floats) -> Floats:
    """0.1 to 1 by the share of the volume that was bought."""
    steps = [above(share, 0.05), above(share, 0.02), share > 0, above(share, -0.02)]
    return np.select([*steps, np.isfinite(share)], [1.0, 0.8, 0.6, 0.4, 0.1], np.nan)


def template_conditions(f: Features, strength: Floats) -> list[Condition]:
    """The seven of the trend template, in the order of `TEMPLATE`; strength is the percentile of `strength`."""
    texts = (
        ("of_sma200", "close above sma150 and sma200 (close / sma200)"),
        ("sma150_of_sma200", "sma150 / sma200 > 1"),
        ("sma200_risen", "sma200 / its value 22 sessions ago > 1"),
        ("of_sma50", "close / sma50 > 1"),
        ("of_low_252", "close / low of 252 sessions >= 1.25"),
        ("of_high_252", "close / high of 252 sessions >= 0.75"),
    )
    conditions = [
        Condition("signal", name, f[value], rule, f[name])
        for name, (value, rule) in zip(TEMPLATE[:-1], texts, strict=True)
    ]
    rule = "percentile of relative strength > 0.70"
    return [*conditions, Condition("signal", TEMPLATE[-1], strength, rule, above(strength, 0.70))]


def score_parts(f: Features, number: NDArray[np.int8], strength: Floats) -> list[Part]:
    """The parts of the score; `number` conditions of the template hold."""
    first, third, dry, pivot = f["depth_1"], f["depth_3"], f["dry_up"], f["to_pivot"]
    rest = quotient(third, first, zero=1.0)
    steps = [above(0.3, dry), above(0.5, dry), above(0.7, dry), above(1.0, dry)]
    return [
        Part("template", number, "25 x the share of the seven that hold", 25 * (number / 7)),
        Part(
            "contraction",
            rest,
            "25 x (1 - last depth / first depth) / 0.75, within 0..1",
            25 * np.minimum(np.clip(1 - rest, 0, 1) / 0.75, 1),
        ),
        Part(
            "dry-up",
            dry,
            "20 x 1 where volume of 10 / of 50 sessions < 0.3, .83 < 0.5, .67 < 0.7, .44 < 1, else .22",
            20 * np.select(steps, [1, 0.83, 0.67, 0.44], 0.22),
        ),
        Part(
            "pivot",
            pivot,
            "15 x (1 - (pivot / close - 1) / 0.10), within 0..1",
            15 * np.clip(1 - (pivot - 1) / 0.10, 0, 1),
        ),
        Part("strength", strength, "15 x the percentile of relative strength", 15 * strength),
    ]


def blend_flow(f: Features, parts: list[Part], weight: float) -> tuple[Floats, list[Part]]:
    """The score, flow blended in where it is recorded, and its parts."""
    score = sum_parts(parts)
    if weight == 0 or "flow" not in f:
        return score, parts
    flow = f["flow"]
    shift = np.where(np.isnan(flow), 0.0, weight * (100 * flow - score))
    rule = f"{format_number(weight)} x (100 x flow - score)"
    return score + shift, [*parts, Part("flow", flow, rule, shift)]
