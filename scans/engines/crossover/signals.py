"""The common part of the crossover scanners v1 and v2: measures, seven signals, filters and the base risk
(scanner definitions, section 2).

1. `features`: the measures, from bars alone and free of parameters, so that all versions of v1 and v2 share them.
2. `filters`, `signals`, `risks`: the conditions on them; limits that depend on the session (the rsi threshold, the
   fallback step) are passed as (K, 1).

Choices where the definitions are silent: "crosses above" means above at t and not above at t-1; every comparison in
which a computed measure takes part follows the ties rule, also against a constant, because such a constant is a ratio
of two computed series; the turnover and price floors compare as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.engines import regimes
from scans.engines.base import Features, Universe
from scans.engines.candidate_cells import can_reach, can_stay_within
from scans.engines.conditions import Condition, Limit, filter_, gate, liquidity_floors, risk, signal
from scans.engines.crossover.thresholds import CrossoverParams
from scans.engines.indicators import Measures
from scans.engines.regimes import Codes
from scans.kernels.arrays import quotient, tail
from scans.kernels.compare import above, at_least, crosses_above, rises
from scans.kernels.counts import rolling_count
from scans.kernels.oscillators import osc_positive, osc_rises
from scans.kernels.slopes import slope_sides, spread
from scans.kernels.volume import obv_sides

INPUTS = {"volume": 19, "amount": 19}
"""The reach of the windows, in sessions: means of 20 and the slope of obv over 20."""

MOMENTUM = ("cross", "volume", "macd", "rsi")
TREND = ("tema", "obv", "above5")
SHOWN = ("turnover", "gap", "ext", "rsi_tema", "rsi_dema", "volume_5", "volume_20")
"""The measures recorded with a rank."""


def features(measures: Measures) -> dict[str, NDArray[Any]]:
    """The shared measures, (K, N) each: float64 where a threshold applies to them; float32 beside a verdict where
    only the sign matters. Computed once for all engines over the same bars."""
    return dict(measures.once("crossover", lambda: _features(measures)))


def _features(measures: Measures) -> dict[str, NDArray[Any]]:
    panel, k = measures.panel, measures.session_count
    close, volume = panel.tail("close", 5), panel.tail("volume", 0)
    now = close[len(close) - k :]
    upper, lower = measures.tema(20), measures.dema(10)
    tema, dema = upper[len(upper) - k :], lower[len(lower) - k :]
    sides = measures.osc(3)
    of_tema, of_dema = measures.rsi_tema_dema(14)
    mean20 = measures.mean("volume", 20)
    is_above = above(tail(upper, k + 4), tail(lower, k + 4))
    return {
        "turnover": measures.mean("amount", 20),
        "gap": (tema - dema) / now,
        "ext": (now - tema) / tema,
        "rsi_tema": of_tema,
        "rsi_dema": of_dema,
        "volume_5": quotient(volume, measures.mean("volume", 5)),
        "volume_20": quotient(volume, mean20),
        "cross": crosses_above(upper, lower, keep=k),
        "above": rolling_count(is_above, 5, keep=k).astype(np.int8),
        "tema_over_dema": is_above[len(is_above) - k :],
        "over_tema": above(now, tema),
        "over_dema": above(now, dema),
        "osc": _share(tail(sides.up - sides.down, k), now),
        "osc_positive": osc_positive(sides)[len(sides.up) - k :],
        "osc_rises": rolling_count(osc_rises(sides), 3, keep=k).astype(np.int8),
        "closes_up": rolling_count(rises(close), 5, keep=k).astype(np.int8),
        **_slope("tema", slope_sides(upper, 20, keep=k), now),
        **_slope("dema", slope_sides(lower, 20, keep=k), now),
        **_slope("obv", obv_sides(panel.tail("close", 20), panel.tail("volume", 19), 20, keep=k), mean20),
    }


def _slope(name: str, sides: tuple[Floats, Floats], scale: Floats) -> dict[str, NDArray[Any]]:
    """Whether the slope over 20 sessions is positive, and how steep it is, a session, as a share of `scale`."""
    later, earlier = sides
    return {f"{name}_rising": above(later, earlier), f"{name}_slope": _share((later - earlier) / spread(20), scale)}


def _share(value: Floats, scale: Floats) -> NDArray[np.float32]:
    return quotient(value, scale).astype(np.float32)


def regime_gate(codes: Codes, shape: tuple[int, ...], closed: tuple[int, ...]) -> Condition:
    """The gate of the session's regime; the value is its place in `regimes.NAMES`."""
    open_ = ~np.isin(codes, closed)
    names = " nor ".join(regimes.NAMES[code] for code in closed)
    listed = ", ".join(f"{place} {name}" for place, name in enumerate(regimes.NAMES))
    return gate(
        "regime",
        np.broadcast_to(codes[:, None], shape),
        f"the regime ({listed}) is not {names}",
        np.broadcast_to(open_[:, None], shape),
    )


def filters(
    f: Features, universe: Universe, params: CrossoverParams, *, rsi: Limit, gap: Limit, ext: Limit
) -> list[Condition]:
    """The hard filters of both scanners; rsi is the threshold of the session, gap and ext the largest allowed
    values."""
    cap = rsi + params.rsi_headroom
    hot = at_least(f["rsi_tema"], params.overheat_rsi)
    spike = at_least(f["volume_5"], params.overheat_volume)
    return [
        *liquidity_floors(universe, f["turnover"], turnover_min=params.turnover_min, price_min=params.price_min),
        filter_("rsi cap", f["rsi_tema"], "rsi_tema < {}", above(cap, f["rsi_tema"]), cap),
        filter_(
            "overheat",
            f["volume_5"],
            "not (rsi_tema >= {} and volume >= {} times its 5-session mean)",
            ~(hot & spike),
            params.overheat_rsi,
            params.overheat_volume,
        ),
        filter_(
            "gap",
            f["gap"],
            "{} <= (tema20 - dema10) / close <= {}",
            at_least(f["gap"], params.gap_min) & at_least(gap, f["gap"]),
            params.gap_min,
            gap,
        ),
        filter_("ext", f["ext"], "(close - tema20) / tema20 <= {}", at_least(ext, f["ext"]), ext),
    ]


def candidates(universe: Universe, f: Features, params: CrossoverParams, *, gap: float, ext: float) -> Bools:
    """The cells that can pass the filters in some regime, (K, N); gap and ext are the largest values of any."""
    floors = can_reach(f["turnover"], params.turnover_min) & (universe.close >= params.price_min)
    near = can_reach(f["gap"], params.gap_min) & can_stay_within(f["gap"], gap)
    return floors & near & can_stay_within(f["ext"], ext)


def signals(f: Features, params: CrossoverParams, *, rsi: Limit, volume: Condition) -> dict[str, Condition]:
    """The seven signals by name, in this order; rsi is the threshold of the session, volume the signal
    of its step."""
    tema, dema = f["rsi_tema"], f["rsi_dema"]
    near = above(params.rsi_near, np.abs(tema - dema)) & above(tema, rsi)
    conditions = [
        signal("cross", 3, f["cross"], "tema20 crosses above dema10", f["cross"]),
        volume,
        signal("macd", 1, f["osc"], "macd oscillator (as a share of the close) > 0", f["osc_positive"]),
        signal(
            "rsi",
            1,
            tema - dema,
            "rsi_tema - rsi_dema > 0, or within {} of it and rsi_tema > {}",
            above(tema, dema) | near,
            params.rsi_near,
            rsi,
        ),
        signal(
            "tema",
            2,
            f["tema_slope"],
            "slope of tema20 over 20 sessions (as a share of the close) > 0 and close > tema20",
            f["tema_rising"] & f["over_tema"],
        ),
        signal(
            "obv",
            2,
            f["obv_slope"],
            "slope of obv over 20 sessions (as a share of the mean volume) > 0",
            f["obv_rising"],
        ),
        signal(
            "above5",
            2,
            f["above"],
            "tema20 > dema10 on at least {} of the last 5 sessions",
            f["above"] >= params.above_min,
            params.above_min,
        ),
    ]
    return {condition.name: condition for condition in conditions}


def volume_signal(f: Features, params: CrossoverParams, vol_mult: Limit) -> Condition:
    """The volume signal with the multiple `vol_mult`."""
    return signal(
        "volume",
        2,
        f["volume_5"],
        "volume >= {} times its 5-session and {} times its 20-session mean",
        at_least(f["volume_5"], vol_mult) & at_least(f["volume_20"], params.vol_mult_20),
        vol_mult,
        params.vol_mult_20,
    )


def risks(f: Features, params: CrossoverParams) -> list[Condition]:
    """The risks of a pick; the sum of their points is its risk."""
    return [
        risk("rsi", 2, f["rsi_tema"], "rsi_tema > {}", above(f["rsi_tema"], params.risk_rsi), params.risk_rsi),
        risk(
            "volume",
            2,
            f["volume_5"],
            "volume > {} times its 5-session mean",
            above(f["volume_5"], params.risk_volume),
            params.risk_volume,
        ),
        risk(
            "macd",
            1,
            f["osc_rises"],
            "the macd oscillator rose on fewer than 3 of the last 3 sessions",
            f["osc_rises"] < 3,
        ),
        risk(
            "closes", 1, f["closes_up"], "at least 4 of the last 5 closes above the close before", f["closes_up"] >= 4
        ),
    ]
