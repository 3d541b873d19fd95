"""Averages: exponential ones from the first bar on, simple ones over a window (scanner definitions, section 0).

    ema(x, n)     alpha 2/(n+1), started at the first bar with its value
    wilder(x, n)  the same with alpha 1/n
    dema          2 e1 - e2          e1 = ema(x), e2 = ema(e1), e3 = ema(e2), all over n
    tema          3 (e1 - e2) + e3
    sma           mean of the last n values, NaN until there are n

All take and give (T, N) arrays; see `arrays` for `keep`.
"""

from __future__ import annotations

import numpy as np

from scans.kernels.arrays import Floats, need_length
from scans.kernels.recursion import smoothed
from scans.kernels.windows import rolling_sum


def alpha(n: int) -> float:
    """The weight of the newest value in an ema over n sessions."""
    need_length(n)
    return 2.0 / (n + 1)


def ema(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Exponential average over n, (K, N)."""
    return smoothed(x, alpha(n), keep=keep)[0]


def wilder(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Wilder's average over n, (K, N)."""
    need_length(n)
    return smoothed(x, 1.0 / n, keep=keep)[0]


def ema_chain(x: Floats, n: int, levels: int, *, keep: int | None = None) -> list[Floats]:
    """ema, ema of ema and so on, `levels` of them in one pass, (K, N) each."""
    return smoothed(x, alpha(n), levels, keep=keep)


def dema(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Double exponential average over n, (K, N)."""
    return double(*ema_chain(x, n, 2, keep=keep))


def tema(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Triple exponential average over n, (K, N)."""
    return triple(*ema_chain(x, n, 3, keep=keep))


def double(e1: Floats, e2: Floats) -> Floats:
    """2 e1 - e2. Written e1 + (e1 - e2), so that of equal averages exactly their value comes out."""
    value = e1 - e2
    return np.add(e1, value, out=value)


def triple(e1: Floats, e2: Floats, e3: Floats) -> Floats:
    """3 (e1 - e2) + e3."""
    value = e1 - e2
    np.multiply(value, 3.0, out=value)
    return np.add(value, e3, out=value)


def sma(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Mean of the last n values, (K, N); NaN until there are n."""
    total = rolling_sum(x, n, keep=keep)
    return np.divide(total, n, out=total)
