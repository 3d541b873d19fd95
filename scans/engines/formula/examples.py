"""Formulas that docs/formula.md shows; each is tested, v1 against the engine of that name."""

from __future__ import annotations

from typing import Any

DIP = {"match": "close > ema(close, 60) and rsi(14) < 40 and turnover(20) > 1e9", "score": "100 - rsi(14)"}

LEADERS = {
    "define": """
strength = percentile(change(close, 60))    # rank among the eligible, 0..1
calm     = atr(14) / close
near     = close / max(high, 250)
""".strip(),
    "match": 'regime != "crash" and turnover(20) > 1e9 and strength >= 0.7 and near > 0.75 and calm < 0.06',
    "score": "strength * 100 + 25 * r_squared(log(close), 60)",
}

NEUTRAL = {
    "define": """
size       = log(market_cap)
volatility = deviation(change(close, 1), 60)
liquidity  = log(turnover(20))
""".strip(),
    "match": "turnover(20) > 1e9 and foreign_net(5) > 0 and relative_strength(60) > 0",
    "score": "residual(change(close, 20), size, volatility, liquidity)",
}

V1: dict[str, Any] = {
    "define": """
# the regime of the session and what it asks for
wide      = index_range(5) > 0.04
narrow    = index_range(5) < 0.02
rsi_level = if(regime_daily == "bull", 65, if(regime_daily == "neutral", 58, 45)) + if(wide, 2, if(narrow, -1, 0))
needed    = if(regime_daily == "bull", 2, if(regime_daily == "neutral", 3, 4)) + if(wide, 1, 0)

# measures
upper     = tema(close, 20)
lower     = dema(close, 10)
gap       = (upper - lower) / close
ext       = (close - upper) / upper
spike     = volume / sma(volume, 5)
apart     = abs(rsi_tema(14) - rsi_dema(14))

# signals
cross     = crosses_above(upper, lower)
surge     = spike >= 2.5 and volume / sma(volume, 20) >= 1.2
macd_up   = macd_osc > 0
rsi_up    = rsi_tema(14) > rsi_dema(14) or apart < 3 and rsi_tema(14) > rsi_level
tema_up   = rising(upper, 20) and close > upper
obv_up    = obv_rising(20)
above5    = count(upper > lower, 5) >= 3

risk      = if(rsi_tema(14) > 80, 2, 0) + if(spike > 3, 2, 0)
          + if(count(rises(macd_osc), 3) < 3, 1, 0) + if(count(rises(close), 5) >= 4, 1, 0)
""".strip(),
    "match": """
regime_daily != "crash"
and turnover(20) >= 1e9 and raw_close >= 2000 and close >= ema(close, 60)
and rsi_tema(14) < rsi_level + 25 and not (rsi_tema(14) >= 70 and spike >= 3)
and 0.002 <= gap <= 0.015 and ext <= 0.015 and 0.01 <= atr(14) / close <= 0.04
and rising(lower, 20) and close > lower
and risk < 3
and number_of(cross, surge, macd_up, rsi_up, tema_up, obv_up, above5) >= needed
""".strip(),
    "score": "if(cross, 3, 0) + if(surge, 2, 0) + if(macd_up, 1, 0) + if(rsi_up, 1, 0)"
    " + if(tema_up, 2, 0) + if(obv_up, 2, 0) + if(above5, 2, 0)",
    "min_bars": 60,
    "top_n": 20,
}
