"""The market's own index, so that a regime needs no outside source (scanner definitions, section 0).

`m[t]` is the weighted mean return and `range[t]` the weighted mean of (high - low) / close over the instruments
eligible at t (two bars, the market's own segments, no limit). Weights are the market caps of t - 1, or equal where
fewer than half of the eligible have one. Sums are exact (`math.fsum`), so a value depends neither on the order of
the instruments nor on how much of the record was read to compute it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marketdata.lake.reader import Window
from marketdata.markets import get_market
from marketdata.panel import Floats, Panel

INDEX_LOOK_BACK = 253
"""Sessions before the first one asked for: a suspected corporate action keeps an instrument out for 252."""


def compute_index(window: Window) -> tuple[Floats, Floats]:
    """`m` and `range` of the sessions the window asks for, (K,) each, fractions; NaN where nobody is eligible."""
    panel = window.read(
        {"close": window.start, "high": 0, "low": 0, "volume": 0, "raw_close": 1},
        market_cap=True,
        returns=True,
    )
    return index_of_panel(panel)


def index_of_panel(panel: Panel) -> tuple[Floats, Floats]:
    """The same from a panel that has `returns` (K, N) and market caps (K + 1, N or K, N)."""
    asked = len(panel.output_sessions)
    eligible = panel.eligible(segments=get_market(panel.market).segments, min_bars=2)
    returns = panel["returns"][-asked:]
    high, low, close = (panel[name][-asked:] for name in ("high", "low", "close"))
    with np.errstate(invalid="ignore", divide="ignore"):
        ranges = (high - low) / close
    caps = panel["market_cap"]
    before = np.full(returns.shape, np.nan)
    before[asked - (len(caps) - 1) :] = caps[:-1]
    eligible = eligible & np.isfinite(returns)
    m, spread = np.full(asked, np.nan), np.full(asked, np.nan)
    for day in range(asked):
        who = eligible[day]
        if who.any():
            weight = _weights(before[day, who])
            whole = math.fsum(weight)
            m[day] = math.fsum(weight * returns[day, who]) / whole
            spread[day] = math.fsum(weight * ranges[day, who]) / whole
    return m, spread


def _weights(caps: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(caps) & (caps > 0)
    if 2 * known.sum() < len(caps):
        return np.ones(len(caps))
    return np.where(known, caps, 0.0)
