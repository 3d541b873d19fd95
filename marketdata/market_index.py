"""The market's own index, so that a regime needs no outside source (scanner definitions, section 0).

`m[t]` is the weighted mean return and `range[t]` the weighted mean of (high - low) / close over the instruments
eligible at t (two bars, the market's own segments, no limit). Weights are the market caps of t - 1, or equal where
fewer than half of the eligible have one. Sums are exact (`math.fsum`), so a value depends neither on the order of
the instruments nor on how much of the record was read.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marketdata.lake.reader import Window
from marketdata.markets import get_market
from marketdata.panel import Floats, Panel

INDEX_LOOK_BACK = 253
"""Sessions before the first requested one: a suspected corporate action keeps an instrument out for 252."""


def compute_index(window: Window) -> tuple[Floats, Floats]:
    """`m` and `range` of the window's requested sessions, (K,) each, fractions; NaN where no instrument is eligible."""
    panel = window.read(
        {"close": window.start, "high": 0, "low": 0, "volume": 0, "raw_close": 1},
        market_cap=True,
        returns=True,
    )
    return index_of_panel(panel)


def index_of_panel(panel: Panel) -> tuple[Floats, Floats]:
    """`m` and `range` from a panel that has `returns` (K, N) and market caps (K + 1, N or K, N)."""
    rows = len(panel.output_sessions)
    eligible = panel.eligible(segments=get_market(panel.market).segments, min_bars=2)
    returns = panel["returns"][-rows:]
    high, low, close = (panel[name][-rows:] for name in ("high", "low", "close"))
    with np.errstate(invalid="ignore", divide="ignore"):
        ranges = (high - low) / close
    caps = panel["market_cap"]
    before = np.full(returns.shape, np.nan)
    before[rows - (len(caps) - 1) :] = caps[:-1]
    eligible = eligible & np.isfinite(returns)
    m, spread = np.full(rows, np.nan), np.full(rows, np.nan)
    for day in range(rows):
        members = eligible[day]
        if members.any():
            weight = _weights(before[day, members])
            whole = math.fsum(weight)
            m[day] = math.fsum(weight * returns[day, members]) / whole
            spread[day] = math.fsum(weight * ranges[day, members]) / whole
    return m, spread


def _weights(caps: NDArray[np.float64]) -> NDArray[np.float64]:
    valid = np.isfinite(caps) & (caps > 0)
    if 2 * valid.sum() < len(caps):
        return np.ones(len(caps))
    return np.where(valid, caps, 0.0)
