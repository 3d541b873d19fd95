"""Daily price limits of KRX and what they allow to be bought and sold, one bar at a time (tick sizes and daily limits).

Choices where the definitions are silent
- The base price of a session is the close before times the factor: the exchange's own base price where one is recorded,
  the previous adjusted close where none is.
- Prices that are no whole won (of adjusted files) have no grid: their limits are 29 % of the base price (14 on KONEX),
  since rounding down to ticks takes up to a percent off a limit.
- Liquidation begins on a session that trades after one or more without a trade and reaches beyond its limits, and takes
  seven sessions: the exchange halts shares before it, and no status of it is recorded. The shares do not trade after
  these sessions and have no bar at the end of the record; those that stay had a corporate action instead.
"""

from __future__ import annotations

import math

import pandas as pd

NEW_GRID = pd.Timestamp("2023-01-25")
NEW = ((0, 1), (2_000, 5), (5_000, 10), (20_000, 50), (50_000, 100), (200_000, 500), (500_000, 1_000))
OLD_KOSPI = ((0, 1), (1_000, 5), (5_000, 10), (10_000, 50), (50_000, 100), (100_000, 500), (500_000, 1_000))
OLD_KOSDAQ = ((0, 1), (1_000, 5), (5_000, 10), (10_000, 50), (50_000, 100))
WIDER = pd.Timestamp("2015-06-15")
LIQUIDATION = 7


def tick(price: int, session: pd.Timestamp, segment: str) -> int:
    """The tick of the band that `price` lies in."""
    bands = NEW if session >= NEW_GRID else OLD_KOSPI if segment == "KOSPI" else OLD_KOSDAQ
    return next(size for low, size in reversed(bands) if price >= low)


def limits(base: float, session: pd.Timestamp, segment: str) -> tuple[float, float]:
    """The lowest and the highest price of a session whose base price is `base`; NaN where there is none."""
    if not base > 0:
        return math.nan, math.nan
    percent = 15 if segment == "KONEX" or session < WIDER else 30
    if abs(base - round(base)) > 1e-6 * base:
        return base * (101 - percent) / 100, base * (99 + percent) / 100
    whole = round(base)
    width = whole * percent // 100 // (size := tick(whole, session, segment)) * size
    top = whole + width
    return float(whole - width), float(top // tick(top, session, segment) * tick(top, session, segment))


def with_limits(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame of one instrument with `buyable` and `sellable`: whether its open can be bought, its close be sold."""
    lower, upper = [], []
    closes, factors, segments = frame["rawC"].tolist(), frame["factor"].tolist(), frame["segment"].tolist()
    lows, highs, traded = frame["rawL"].tolist(), frame["rawH"].tolist(), frame["traded"].tolist()
    recorded = frame["recorded"].tolist()
    free_until = -1
    for t, session in enumerate(frame.index):
        low, high = (math.nan, math.nan) if t == 0 else limits(closes[t - 1] * factors[t], session, segments[t])
        beyond = lows[t] < low * (1 - 1e-9) or highs[t] > high * (1 + 1e-9)
        over = not any(traded[t + LIQUIDATION :]) and not recorded[-1]
        if t and traded[t] and not traded[t - 1] and beyond and over:
            free_until = t + LIQUIDATION - 1
        if t <= free_until:
            low = high = math.nan
        lower.append(low)
        upper.append(high)
    result = frame.assign(lower=lower, upper=upper)
    result["liquidation"] = [t and math.isnan(high) for t, high in enumerate(upper)]
    result["buyable"] = result["traded"] & ~(result["rawL"] >= result["upper"])
    result["sellable"] = result["traded"] & ~(result["rawH"] <= result["lower"])
    return result
