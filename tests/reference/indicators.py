"""The indicators of one instrument, written for reading, not for speed (scanner definitions, section 0).

Every function takes one instrument's series from its first bar on, without holes, and gives a series of the same
length; recursive ones start at the first bar with its value. Windows that are not full are NaN.

Comparisons follow the rule for ties. Where a side is computed, `above(a, b)` asks for more than 1e-9 relative, so
that a constant rescaling of the prices cannot turn an equality into a crossing; a NaN is above nothing and at least
nothing. A comparison with zero has no scale of its own, so what is compared there are the two halves of the sum:
the part that pulls up against the part that pulls down (`slope_sides`, `obv_sides`, `osc_sides`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import pandas as pd

Floats: TypeAlias = "pd.Series[float]"
Sides: TypeAlias = tuple[float, float]

TIE = 1e-9


def above(a: float, b: float) -> bool:
    """a > b by more than a tie; False where either is NaN."""
    return a - b > TIE * max(abs(a), abs(b))


def at_least(a: float, b: float) -> bool:
    """a >= b, a tie included; False where either is NaN."""
    return not (math.isnan(a) or math.isnan(b)) and not above(b, a)


def within(low: float, x: float, high: float) -> bool:
    """low <= x <= high, ties included."""
    return at_least(x, low) and at_least(high, x)


def clip(x: float, low: float = 0.0, high: float = 1.0) -> float:
    return min(max(x, low), high)


def like(x: Floats, values: Sequence[float]) -> Floats:
    """`values` on the index of `x`."""
    return pd.Series(list(values), index=x.index, dtype="float64")


def smoothed(x: Floats, alpha: float) -> Floats:
    values: list[float] = []
    for value in x.tolist():
        values.append(value if not values else values[-1] + alpha * (value - values[-1]))
    return like(x, values)


def ema(x: Floats, n: int) -> Floats:
    return smoothed(x, 2.0 / (n + 1))


def wilder(x: Floats, n: int) -> Floats:
    return smoothed(x, 1.0 / n)


def dema(x: Floats, n: int) -> Floats:
    first = ema(x, n)
    return 2 * first - ema(first, n)


def tema(x: Floats, n: int) -> Floats:
    first = ema(x, n)
    second = ema(first, n)
    return 3 * (first - second) + ema(second, n)


def sma(x: Floats, n: int) -> Floats:
    """Mean of the last n values, each window summed on its own so that nothing is carried along."""
    values = x.tolist()
    means = [math.nan] * len(values)
    for t in range(n - 1, len(values)):
        means[t] = math.fsum(values[t - n + 1 : t + 1]) / n
    return like(x, means)


def mean_last(x: Floats, n: int) -> float:
    """`sma(x, n)` at the last bar alone; NaN where there are fewer than n bars."""
    return math.fsum(x.tolist()[-n:]) / n if len(x) >= n else math.nan


def sign_of_change(x: Floats) -> list[int]:
    """+1, 0, -1 of x[t] against x[t-1] by the rule for ties; 0 at the first bar."""
    values = x.tolist()
    signs = [0]
    for before, now in pairwise(values):
        signs.append(int(above(now, before)) - int(above(before, now)))
    return signs


def changes(x: Floats) -> Floats:
    """x[t] - x[t-1]; 0 at the first bar and where the two are tied."""
    values = x.tolist()
    signs = sign_of_change(x)
    steps = [0.0] + [now - before for before, now in pairwise(values)]
    return like(x, [step if sign else 0.0 for step, sign in zip(steps, signs, strict=True)])


def strength(up: Floats, down: Floats) -> Floats:
    """100 U / (U + D), each floored at 0; 50 where both are 0."""
    values = []
    for u, d in zip(up.tolist(), down.tolist(), strict=True):
        u, d = max(u, 0.0), max(d, 0.0)
        values.append(50.0 if u + d == 0 else 100.0 * u / (u + d))
    return like(up, values)


def gains(x: Floats) -> Floats:
    return changes(x).clip(lower=0.0)


def losses(x: Floats) -> Floats:
    return (-changes(x)).clip(lower=0.0)


def rsi(x: Floats, n: int) -> Floats:
    return strength(wilder(gains(x), n), wilder(losses(x), n))


def rsi_tema(x: Floats, n: int) -> Floats:
    return strength(tema(gains(x), n), tema(losses(x), n))


def rsi_dema(x: Floats, n: int) -> Floats:
    return strength(dema(gains(x), n), dema(losses(x), n))


def macd(x: Floats, fast: int = 12, slow: int = 26, n: int = 9) -> tuple[Floats, Floats, Floats]:
    """Line, signal and osc."""
    line = ema(x, fast) - ema(x, slow)
    signal = ema(line, n)
    return line, signal, line - signal


def osc_sides(x: Floats, fast: int = 12, slow: int = 26, n: int = 9) -> tuple[Floats, Floats]:
    """osc = up - down, both of the size of a price (averages are linear, so the line may be taken apart)."""
    quick, slow_ema = ema(x, fast), ema(x, slow)
    return quick + ema(slow_ema, n), slow_ema + ema(quick, n)


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """High - low at the first bar; afterwards the span that includes the close before."""
    h, lo, c = high.tolist(), low.tolist(), close.tolist()
    later = [max(h[t], c[t - 1]) - min(lo[t], c[t - 1]) for t in range(1, len(c))]
    return like(close, [h[0] - lo[0], *later])


def atr(high: Floats, low: Floats, close: Floats, n: int) -> Floats:
    return sma(true_range(high, low, close), n)


def obv(close: Floats, volume: Floats) -> Floats:
    total = 0.0
    values = []
    for sign, amount in zip(sign_of_change(close), volume.tolist(), strict=True):
        total += sign * amount
        values.append(total)
    return like(close, values)


def slope(x: Floats, n: int) -> Floats:
    """Least squares slope of the last n values against 0, 1, .. n - 1."""
    values = x.tolist()
    middle = (n - 1) / 2
    spread = sum((i - middle) ** 2 for i in range(n))
    slopes = [math.nan] * len(values)
    for t in range(n - 1, len(values)):
        window = values[t - n + 1 : t + 1]
        slopes[t] = sum((i - middle) * value for i, value in enumerate(window)) / spread
    return like(x, slopes)


def slope_sides(x: Floats, n: int) -> Sides:
    """The weights above and below zero in the slope's numerator at the last bar: slope > 0 is above(up, down)."""
    window = x.tolist()[-n:]
    if len(window) < n:
        return math.nan, math.nan
    middle = (n - 1) / 2
    up = math.fsum((i - middle) * value for i, value in enumerate(window) if i > middle)
    down = math.fsum((middle - i) * value for i, value in enumerate(window) if i < middle)
    return up, down


def obv_sides(close: Floats, volume: Floats, n: int) -> Sides:
    """slope(obv, n) > 0 at the last bar, from the n - 1 signed volumes inside the window.

    Written with its increments d, the numerator sum((i - middle) obv[i]) is sum(d[j] * j (n - j) / 2), j = 1 .. n - 1:
    the level before the window falls out and every weight is positive.
    """
    if len(close) < n:
        return math.nan, math.nan
    signs, volumes = sign_of_change(close)[-n:], volume.tolist()[-n:]
    weighted = [(signs[j], volumes[j] * j * (n - j) / 2) for j in range(1, n)]
    up = math.fsum(weight for sign, weight in weighted if sign > 0)
    down = math.fsum(weight for sign, weight in weighted if sign < 0)
    return up, down


def percentiles(values: dict[str, float]) -> dict[str, float]:
    """Average rank / count of each of `values`, which must be positive and finite; ties share their mean rank.

    Values within a tie of the lowest of their group count as equal.
    """
    ordered = sorted(values, key=lambda code: values[code])
    shares: dict[str, float] = {}
    start = 0
    while start < len(ordered):
        end = start + 1
        while end < len(ordered) and not above(values[ordered[end]], values[ordered[start]]):
            end += 1
        for code in ordered[start:end]:
            shares[code] = (start + 1 + end) / 2 / len(ordered)
        start = end
    return shares
