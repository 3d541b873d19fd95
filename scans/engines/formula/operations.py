"""The operations of a formula: kernels by the names that nodes use.

An operation takes arrays and gives one, (rows, N). `series` operations read sessions before their own, so they run in
`features` alone; `local` ones read the same cell of each argument and run in either stage, where (K, 1) values of the
session broadcast.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, reduce
from typing import Any

import numpy as np

from marketdata.panel import Bools, Floats
from scans.kernels import averages, compare, counts, oscillators, ranges, slopes, volume, windows
from scans.kernels.arrays import pad_missing, shift, tail

LARGEST = 1e150
"""A product or quotient beyond is undefined, so that nothing ever overflows."""

DECAY = 1e-9
"""The remaining effect of a different start after the warm-up of a recursive function: 1e-6 of any result with room to
spare, for a price may have been a thousand times what it is."""

HISTORY = "history"
"""The operation that passes the n - 1 sessions before the first requested one to `score` too, (K + n - 1, N)."""

Rows = int
Series = Callable[..., Any]


@lru_cache(maxsize=1024)
def warm_up(weights: tuple[float, ...]) -> int:
    """Sessions until an average of averages with these weights (alphas), level on level, has forgotten its start.

    The start moves level k by at most the product's binomial terms; which are computed one by one.
    """
    left = [1.0] * len(weights)
    sessions = 0
    while sum(left) > DECAY * len(weights):
        for level, weight in enumerate(weights):
            source = left[level - 1] if level else 0.0
            left[level] += weight * (source - left[level])
        sessions += 1
    return sessions


def average_warm_up(n: int, levels: int) -> int:
    """The warm-up of an exponential average over n, chained `levels` times."""
    return warm_up((averages.alpha(n),) * levels)


def wilder_warm_up(n: int) -> int:
    return warm_up((1.0 / n,)) if n > 1 else 0


def macd_warm_up(slow: int, signal: int) -> int:
    return warm_up((averages.alpha(slow), averages.alpha(signal)))


def carry_forward(x: Floats) -> Floats:
    """`x` with the last value before where a session after the first has none: a recursion skips such a session."""
    gaps = np.isnan(x)
    if not gaps[1:].any():
        return x
    filled = x.copy()
    for row in range(1, len(x)):
        np.copyto(filled[row], filled[row - 1], where=gaps[row])
    return filled


def _bounded(value: Any) -> Any:
    """`value` with NaN in place of what is beyond `LARGEST`."""
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(value) <= LARGEST, value, np.nan)


def _divide(a: Any, b: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return _bounded(np.divide(a, b))


def _multiply(a: Any, b: Any) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        return _bounded(np.multiply(a, b))


def _subtract(a: Any, b: Any) -> Any:
    """a - b, exactly 0 where the two are a tie: what rounding leaves there must not become a divisor."""
    apart = np.subtract(a, b)
    if np.ndim(apart) == 0:
        return apart
    tie = np.maximum(np.abs(a), np.abs(b))
    tie *= compare.TIE
    np.copyto(apart, 0.0, where=np.abs(apart) <= tie)
    return apart


def _deviation(x: Floats, n: int, *, keep: int) -> Floats:
    """The standard deviation, exactly 0 where it is a tie with 0 at the size of the mean."""
    spread = slopes.deviation(x, n, keep=keep)
    tie = np.abs(averages.sma(x, n, keep=keep))
    tie *= compare.TIE
    np.copyto(spread, 0.0, where=spread <= tie)
    return spread


def _log(x: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(np.where(np.greater(x, 0), x, np.nan))


def _equal(a: Any, b: Any) -> Bools:
    return compare.at_least(a, b) & compare.at_least(b, a)


def _differ(a: Any, b: Any) -> Bools:
    return compare.above(a, b) | compare.above(b, a)


def _number_of(*conditions: Any) -> Floats:
    return reduce(np.add, (condition.astype(np.float64) for condition in conditions))


def _where_known(x: Any, *defined: Any) -> Any:
    return np.where(np.logical_and.reduce(np.broadcast_arrays(*defined)), x, np.nan)


def _clip(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _raw_differ(a: Any, b: Any) -> Any:
    return (np.asarray(a) < b) | (np.asarray(a) > b)  # NaN differs from nothing


LOCAL: dict[str, Series] = {
    "add": np.add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "negative": np.negative,
    "abs": np.abs,
    "log": _log,
    "max2": np.maximum,
    "min2": np.minimum,
    "clip": _clip,
    "if": np.where,
    "number_of": _number_of,
    "above": compare.above,
    "at_least": compare.at_least,
    "equal": _equal,
    "differ": _differ,
    "raw_above": np.greater,
    "raw_at_least": np.greater_equal,
    "raw_equal": np.equal,
    "raw_differ": _raw_differ,
    "is": np.equal,
    "and": lambda *all_of: np.logical_and.reduce(np.broadcast_arrays(*all_of)),
    "or": lambda *any_of: np.logical_or.reduce(np.broadcast_arrays(*any_of)),
    "not": np.logical_not,
    "known": np.isfinite,
    "where_known": _where_known,
    "first": lambda pair: pair[0],
    "second": lambda pair: pair[1],
    "net_shares": volume.net_shares,
}

SERIES: dict[str, Series] = {
    "ema": lambda x, n, *, keep: averages.ema(x, n, keep=keep),
    "dema": lambda x, n, *, keep: averages.dema(x, n, keep=keep),
    "tema": lambda x, n, *, keep: averages.tema(x, n, keep=keep),
    "wilder": lambda x, n, *, keep: averages.wilder(x, n, keep=keep),
    "sma": lambda x, n, *, keep: averages.sma(x, n, keep=keep),
    "sum": lambda x, n, *, keep: windows.rolling_sum(x, n, keep=keep),
    "max": lambda x, n, *, keep: windows.rolling_max(x, n, keep=keep),
    "min": lambda x, n, *, keep: windows.rolling_min(x, n, keep=keep),
    "median": lambda x, n, *, keep: counts.rolling_median(x, n, keep=keep),
    "deviation": _deviation,
    "r_squared": lambda x, n, *, keep: slopes.r_squared(x, n, keep=keep),
    "slope_sides": lambda x, n, *, keep: slopes.slope_sides(x, n, keep=keep),
    "obv_sides": lambda c, v, n, *, keep: volume.obv_sides(c, v, n, keep=keep),
    "shift": lambda x, n, *, keep: shift(x, n, keep=keep),
    HISTORY: lambda x, n, *, keep: pad_missing(tail(x, keep + n - 1), keep + n - 1),
    "ratio": lambda x, n, *, keep: _bounded(ranges.ratio(x, n, keep=keep)),
    "count": lambda c, n, *, keep: counts.rolling_count(c, n, keep=keep).astype(np.float64),
    "crosses_above": lambda a, b, *, keep: compare.crosses_above(a, b, keep=keep),
    "rsi": lambda c, n, *, keep: oscillators.rsi(c, n, keep=keep),
    "rsi_tema_dema": lambda c, n, *, keep: oscillators.rsi_tema_dema(c, n, keep=keep),
    "osc_sides": lambda c, *spans, keep: oscillators.osc_sides(c, *spans, keep=keep),
    "macd_signal": lambda c, *spans, keep: oscillators.macd(c, *spans, keep=keep).signal,
    "true_range": lambda h, lo, c, *, keep: ranges.true_range(h, lo, c, keep=keep),
    "atr": lambda h, lo, c, n, *, keep: ranges.atr(h, lo, c, n, keep=keep),
    "place": lambda c, h, lo, n, *, keep: ranges.place(c, h, lo, n, keep=keep),
    "depth": lambda h, lo, n, *, keep: ranges.depth(h, lo, n, keep=keep),
}

RECURSIVE = ("ema", "dema", "tema", "wilder")
"""Operations whose argument may be any expression, and must have no holes."""


def fold_constants(op: str, values: list[float]) -> float | None:
    """The value of a local operation on constants; None where it is undefined."""
    value = float(LOCAL[op](*values))
    return value if math.isfinite(value) else None
