"""What `tests.reference.indicators` does not have, written for reading: one instrument's values from its first bar on.

Every function takes plain lists and gives a list of the same length; NaN where it is undefined.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

from tests.reference.indicators import above

NAN = math.nan


def windowed(
    x: Sequence[float], n: int, of: Callable[[Sequence[float]], float], *, partial: bool = False
) -> list[float]:
    """`of` the last n values, or of those there are."""
    return [of(x[max(t - n + 1, 0) : t + 1]) if partial or t >= n - 1 else NAN for t in range(len(x))]


def r_squared(window: Sequence[float]) -> float:
    if max(window) - min(window) <= 1e-9:
        return 0.0
    return statistics.correlation(range(len(window)), window) ** 2


def depth(high: Sequence[float], low: Sequence[float], n: int) -> list[float]:
    tops, bottoms = windowed(high, n, max), windowed(low, n, min)
    return [(top - bottom) / top for top, bottom in zip(tops, bottoms, strict=True)]


def place(close: Sequence[float], high: Sequence[float], low: Sequence[float], n: int) -> list[float]:
    tops, bottoms = windowed(high, n, max), windowed(low, n, min)
    return [
        0.5 if top == bottom else (c - bottom) / (top - bottom)
        for c, top, bottom in zip(close, tops, bottoms, strict=True)
    ]


def change(x: Sequence[float], n: int) -> list[float]:
    return [x[t] / x[t - n] - 1 if t >= n else NAN for t in range(len(x))]


def true_range_inside(high: Sequence[float], low: Sequence[float], close: Sequence[float]) -> list[float]:
    return [NAN] + [
        max(high[t] - low[t], abs(high[t] - close[t - 1]), abs(low[t] - close[t - 1])) for t in range(1, len(close))
    ]


def share_below(x: Sequence[float], level: Sequence[float], n: int, least: int) -> list[float]:
    shares = []
    for t in range(len(x)):
        window = [one for one in x[max(t - n + 1, 0) : t + 1] if not math.isnan(one)]
        if len(window) < max(least, 1) or math.isnan(level[t]):
            shares.append(NAN)
        else:
            shares.append(sum(above(level[t], one) for one in window) / len(window))
    return shares


def streak(holds: Sequence[float]) -> list[float]:
    runs, run = [], 0
    for one in holds:
        run = run + 1 if one else 0
        runs.append(float(run))
    return runs


def share_among(holds: Sequence[float], of: Sequence[float], n: int) -> list[float]:
    shares = []
    for t in range(len(holds)):
        window = [bool(h) for h, o in list(zip(holds, of, strict=True))[max(t - n + 1, 0) : t + 1] if o]
        shares.append(sum(window) / len(window) if window else NAN)
    return shares


def average_ranks(values: dict[int, float]) -> dict[int, float]:
    """Average rank / count, counted pair by pair: those above, and half of those that tie."""
    shares = {}
    for one, value in values.items():
        below = sum(above(value, other) for other in values.values())
        ties = sum(not above(value, other) and not above(other, value) for other in values.values())
        shares[one] = (below + (ties + 1) / 2) / len(values)
    return shares
