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

from scans.kernels.arrays import Floats, blank, check_window_length, kept_rows
from scans.kernels.recursion import is_single, last_states, recurse_column
from scans.kernels.windows import rolling_sum


def alpha(n: int) -> float:
    """The weight of the newest value in an ema over n sessions."""
    check_window_length(n)
    return 2.0 / (n + 1)


def ema(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Exponential average over n, (K, N)."""
    return ema_chain(x, n, 1, keep=keep)[0]


def wilder(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Wilder's average over n, (K, N)."""
    check_window_length(n)
    rows = kept_rows(len(x), keep)
    if is_single(x):
        return recurse_column(x, 1.0 / n, 1, rows)[0]
    out = blank(x, rows)
    for at, (level,) in last_states(x, 1.0 / n, 1, len(out)):
        out[at] = level
    return out


def ema_chain(x: Floats, n: int, levels: int, *, keep: int | None = None) -> list[Floats]:
    """ema, ema of ema and so on, `levels` of them in one pass, (K, N) each."""
    rows = kept_rows(len(x), keep)
    if is_single(x):
        return recurse_column(x, alpha(n), levels, rows)
    out = [blank(x, rows) for _ in range(levels)]
    for at, state in last_states(x, alpha(n), levels, rows):
        for array, level in zip(out, state, strict=True):
            array[at] = level
    return out


def dema(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Double exponential average over n, (K, N)."""
    out = blank(x, kept_rows(len(x), keep))
    if is_single(x):
        double(*recurse_column(x, alpha(n), 2, len(out)), out=out)
        return out
    for at, (e1, e2) in last_states(x, alpha(n), 2, len(out)):
        double(e1, e2, out=out[at])
    return out


def tema(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Triple exponential average over n, (K, N)."""
    out = blank(x, kept_rows(len(x), keep))
    if is_single(x):
        triple(*recurse_column(x, alpha(n), 3, len(out)), out=out)
        return out
    for at, (e1, e2, e3) in last_states(x, alpha(n), 3, len(out)):
        triple(e1, e2, e3, out=out[at])
    return out


def double(e1: Floats, e2: Floats, *, out: Floats) -> None:
    """2 e1 - e2 into `out`, which is none of them: e1 + (e1 - e2), so that equal averages give exactly their value."""
    np.subtract(e1, e2, out=out)
    np.add(e1, out, out=out)


def triple(e1: Floats, e2: Floats, e3: Floats, *, out: Floats) -> None:
    """3 (e1 - e2) + e3 into `out`, which is none of them."""
    np.subtract(e1, e2, out=out)
    np.multiply(out, 3.0, out=out)
    np.add(out, e3, out=out)


def sma(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Mean of the last n values, (K, N); NaN until there are n."""
    total = rolling_sum(x, n, keep=keep)
    return np.divide(total, n, out=total)
