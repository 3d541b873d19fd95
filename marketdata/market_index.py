"""The market's own index, so that a regime needs no outside source (scanner definitions, section 0).

`m[t]` is the weighted mean return and `range[t]` the weighted mean of (high - low) / close over the instruments
eligible at t (two bars, the market's own segments, no limit), as two series: all weights alike (own-equal), and by the
carried market caps of t - 1 (own-cap), which is undefined on a session where fewer than 90 % of the eligible have one.
Neither ever takes the other's weights. Sums are exact (`math.fsum`), so a value depends neither on the order of the
instruments nor on how much of the record was read.
"""

from __future__ import annotations

import math

import numpy as np

from marketdata.carried_caps import CapState
from marketdata.lake.reader import Window
from marketdata.markets import get_market
from marketdata.panel import Floats, Panel

INDEX_LOOK_BACK = 253
"""Sessions before the first requested one: a suspected corporate action keeps an instrument out for 252."""


def read_panel(window: Window) -> Panel:
    """The input of the index."""
    reach = {"close": window.start, "high": 0, "low": 0, "volume": 0, "raw_close": 1, "market_cap": 1}
    return window.read(reach, returns=True)


def compute_index(panel: Panel) -> Floats:
    """m and range of own-equal, m and range of own-cap, (4, K), fractions of the requested sessions; NaN where no
    instrument is eligible, of own-cap where too few have a cap. `panel` as `read_panel` reads it."""
    rows = len(panel.output_sessions)
    eligible = panel.eligible(segments=get_market(panel.market).segments, min_bars=2)
    returns, caps = panel["returns"][-rows:], panel["market_cap"]
    high, low, close = (panel[name][-rows:] for name in ("high", "low", "close"))
    eligible &= np.isfinite(returns)
    values = np.full((4, rows), np.nan)
    for day in range(rows):
        members = np.flatnonzero(eligible[day])
        count = len(members)
        if not count:
            continue
        moves = returns[day, members]
        spans = (high[day, members] - low[day, members]) / close[day, members]
        values[:2, day] = _total(moves) / count, _total(spans) / count
        weights = caps[day - rows - 1, members]  # a session with returns has one before it
        weighted = weights > 0
        if 10 * int(weighted.sum()) >= 9 * count:
            weights = weights[weighted]
            whole = _total(weights)
            values[2:, day] = (_total(weights * moves[weighted]) / whole, _total(weights * spans[weighted]) / whole)
    return values


def cap_state(panel: Panel, row: int) -> CapState:
    """The carried caps after the requested session `row` of a panel as `read_panel` reads it."""
    rows = len(panel.output_sessions)
    cap, close = (panel[name][row - rows] for name in ("market_cap", "raw_close"))
    alive = np.flatnonzero(np.isfinite(close))
    codes = panel.codes[alive]
    latest = alive[np.append(codes[1:] != codes[:-1], True)[: len(alive)]]  # of several lives of a code
    latest = latest[np.isfinite(cap[latest])]
    return CapState(np.char.encode(panel.codes[latest], "utf-8"), cap[latest], close[latest])


def _total(values: Floats) -> float:
    return math.fsum(values.tolist())
