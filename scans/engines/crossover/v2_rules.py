"""The softer rules of v2 and its parameters (scanner definitions, section 3).

1. `gap_max`: the largest gap, by regime.
2. `trend_gate`: the trend gate, looser in a bull regime.
3. `heat_risks`: the risk of strong picks that have run hot.
4. `cutoff`: the least score of each strategy, by regime.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Floats
from scans.engines import regimes
from scans.engines.base import Features
from scans.engines.conditions import Condition, gate, risk
from scans.engines.crossover import strategies
from scans.engines.crossover.strategies import LONGTERM, POSITION, SWING
from scans.engines.crossover.thresholds import CrossoverParams, by_regime
from scans.engines.engine_params import param
from scans.kernels.compare import at_least

STRONG = 6
"""Points from which heat counts as additional risk."""


@dataclass(frozen=True)
class Params(CrossoverParams):
    """Parameters of v2; the defaults are the definition."""

    gap_max_bull: float = param(0.03, least=-1, most=1, unit="fraction of the close", help="Largest gap, bull")
    gap_max_neutral: float = param(0.025, least=-1, most=1, unit="fraction of the close", help="Largest gap, neutral")
    gap_max_bear: float = param(0.015, least=-1, most=1, unit="fraction of the close", help="Largest gap, bear")
    ext_max: float = param(
        0.025, least=-1, most=10, unit="fraction of TEMA20", help="How far the close may stand above TEMA20"
    )
    trend_bull_min: int = param(2, least=0, most=4, unit="of 4", help="What the trend gate asks for in a bull regime")
    above_bull_min: int = param(
        2,
        least=0,
        most=5,
        unit="of 5 sessions",
        help="Sessions TEMA20 stood above DEMA10 that the trend gate counts in a bull regime",
    )
    risk_max: int = param(4, least=1, most=20, unit="points", help="Risk from which a pick is excluded")
    cutoff_swing_bull: float = param(6.0, least=-20, most=15, help="Least score of a swing pick, bull")
    cutoff_position_bull: float = param(4.3, least=-20, most=15, help="Least score of a position pick, bull")
    cutoff_longterm_bull: float = param(5.0, least=-20, most=15, help="Least score of a longterm pick, bull")
    cutoff_swing_neutral: float = param(6.0, least=-20, most=15, help="Least score of a swing pick, neutral")
    cutoff_position_neutral: float = param(4.5, least=-20, most=15, help="Least score of a position pick, neutral")
    cutoff_longterm_neutral: float = param(6.0, least=-20, most=15, help="Least score of a longterm pick, neutral")
    top_n: int = param(50, least=1, most=10_000, unit="instruments", help="How many picks are kept")


def gap_max(regime: regimes.Codes, params: Params) -> NDArray[Any]:
    return by_regime(regime, neutral=params.gap_max_neutral, bull=params.gap_max_bull, bear=params.gap_max_bear)


def trend_gate(f: Features, regime: regimes.Codes, params: Params) -> Condition:
    """In a bull regime any two of four, otherwise all of three."""
    bull = (regime == regimes.BULL)[:, None]
    need = np.where(bull, params.trend_bull_min, 3)
    sessions = np.where(bull, params.above_bull_min, params.above_min)
    number = f["tema_rising"].astype(np.int8) + f["obv_rising"] + (f["above"] >= sessions)
    number += bull & f["tema_over_dema"]
    return gate(
        "trend",
        number,
        "at least {} of: tema20 rises, obv rises, tema20 > dema10 on {} of the last 5 sessions, "
        "and (bull) tema20 > dema10 now",
        number >= need,
        need,
        sessions,
    )


def heat_risks(f: Features, points: NDArray[np.int8]) -> list[Condition]:
    """The additional risks of a pick of 6 points or more; of each pair only the graver counts."""
    strong = points >= STRONG
    risks: list[Condition] = []
    hot = np.zeros(points.shape, dtype=np.int8)
    for name, measure, low, high in (
        ("hot rsi", "rsi_tema", 70.0, 75.0),
        ("hot volume", "volume_5", 2.5, 3.0),
        ("hot ext", "ext", 0.05, 0.08),
    ):
        value = f[measure]
        some, grave = strong & at_least(value, low), strong & at_least(value, high)
        hot += some
        text = f"{measure} >= {{}}, points >= {STRONG}"
        risks.append(risk(name, 2, value, text + " (and below the graver)", some & ~grave, low))
        risks.append(risk(name + " grave", 3, value, text, grave, high))
    risks.append(risk("hot together", 2, hot, "two or more of the three", hot >= 2))
    return risks


def cutoff(regime: regimes.Codes, strategy: NDArray[np.int8], params: Params) -> Floats:
    """The least score of each instrument's strategy in the session's regime, (K, N); infinite where there is none."""
    table = np.full((len(regimes.NAMES), len(strategies.NAMES)), np.inf)
    table[regimes.BULL, [SWING, POSITION, LONGTERM]] = (
        params.cutoff_swing_bull,
        params.cutoff_position_bull,
        params.cutoff_longterm_bull,
    )
    table[regimes.NEUTRAL, [SWING, POSITION, LONGTERM]] = (
        params.cutoff_swing_neutral,
        params.cutoff_position_neutral,
        params.cutoff_longterm_neutral,
    )
    least: Floats = table[regime[:, None], strategy]
    return least
