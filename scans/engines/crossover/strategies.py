"""Labels, strategies and plans of the crossover scanners (scanner definitions, section 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools
from scans.engines.outcomes import Plan

NAMES = ("watch", "longterm", "position", "swing")
WATCH, LONGTERM, POSITION, SWING = range(4)

PLANS = (
    Plan(),
    Plan(target=0.15, stop=-0.10, holding_min=60),
    Plan(target=0.10, stop=-0.07, holding_min=10, holding_max=60),
    Plan(target=0.05, stop=-0.05, holding_min=3, holding_max=10),
)


def assign_labels(score: NDArray[np.floating[Any]]) -> NDArray[np.str_]:
    """The label of each score, in its shape."""
    return np.select([score >= 10, score >= 8, score >= 6], ["strong buy", "buy candidate", "watch"], "candidate")


def assign_strategies(
    points: NDArray[np.int8],
    *,
    cross: Bools,
    volume: Bools,
    momentum: NDArray[np.int8],
    trend: NDArray[np.int8],
    longterm_trend: int,
) -> NDArray[np.int8]:
    """The strategy by points, indices into `NAMES`, all of one shape.

    momentum are the points of cross, volume, macd and rsi, trend those of tema, obv and above5; longterm_trend is the
    least trend of a long-term pick among 6..8 points.
    """
    conditions_and_strategies = (
        ((points >= 10) & cross & volume & (momentum >= 6), SWING),
        ((points >= 10) & (trend >= 5), POSITION),
        (points >= 10, SWING),
        ((points >= 8) & cross & (trend >= 4), POSITION),
        ((points >= 8) & volume & (momentum >= 5), SWING),
        (points >= 8, POSITION),
        ((points >= 6) & (trend >= longterm_trend), LONGTERM),
    )
    conditions, codes = zip(*conditions_and_strategies, strict=True)
    return np.select(conditions, [np.int8(code) for code in codes], np.int8(WATCH))
