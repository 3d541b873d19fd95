"""The common shape of all kernels, and their shared steps.

An array is (T, N) float64: sessions down axis 0, instruments across axis 1. A column is NaN before its first bar and
has no NaN after it; a column may be NaN as a whole. No kernel modifies its input or mixes columns (`ranks` and
`residuals` excepted, which compare them), so columns may be computed in pieces and put side by side.

`keep`: every kernel returns only the last `keep` rows of its result (all, where there are
fewer; all T where `keep` is None). These are bit for bit the last rows of the whole result.

A window of n sessions is read from its own n rows alone, always in the same order of operations: the
history before it makes no difference, not in the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Counts: TypeAlias = NDArray[np.int16]
Places: TypeAlias = NDArray[np.intp]

Array = TypeVar("Array", Floats, Bools, Counts)

# 256 kB of float64: some buffers of this size stay in a core's cache.
CHUNK = 32_768


def kept_rows(sessions: int, keep: int | None) -> int:
    """The number of rows of a result over `sessions` rows; ValueError where `keep` is negative."""
    if keep is None:
        return sessions
    if keep < 0:
        raise ValueError(f"keep is the number of rows to give, 0 or more, not {keep}")
    return min(keep, sessions)


def check_window_length(n: int) -> None:
    """ValueError where n is no length of a window."""
    if n < 1:
        raise ValueError(f"a window has 1 session or more, not {n}")


def tail(x: Array, rows: int) -> Array:
    """The last `rows` rows of `x` (all where there are fewer), not copied."""
    return x[max(len(x) - rows, 0) :]


def blank(x: NDArray[Any], rows: int) -> Floats:
    """`rows` rows as wide as `x`, unfilled."""
    return np.empty((rows, *x.shape[1:]))


def pad_missing(x: Floats, rows: int) -> Floats:
    """`x` as the last of `rows` rows, NaN above it."""
    if len(x) == rows:
        return x
    whole = blank(x, rows)
    whole[: rows - len(x)] = np.nan
    whole[rows - len(x) :] = x
    return whole


def chunks(rows: int, width: int) -> Iterator[tuple[int, int]]:
    """Bounds that cut `rows` rows of `width` columns into runs that stay in the cache."""
    step = max(CHUNK // max(width, 1), 1)
    for start in range(0, rows, step):
        yield start, min(start + step, rows)


def shift(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """The value n sessions before, (K, N); NaN where history does not reach back so far."""
    if n < 0:
        raise ValueError(f"a shift of {n} sessions would look ahead")
    rows = kept_rows(len(x), keep)
    count = min(rows, max(len(x) - n, 0))
    end = max(len(x) - n, 0)
    moved = blank(x, rows)
    moved[: rows - count] = np.nan
    moved[rows - count :] = x[end - count : end]
    return moved


def quotient(value: Floats, scale: Floats, *, zero: float = np.nan) -> Floats:
    """value / scale of a scale of 0 or more, in their shape; `zero` where the scale is 0, NaN where it is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        other = np.nan if np.isnan(zero) else np.where(scale == 0, zero, np.nan)
        return np.where(scale > 0, value / scale, other)


def first_bars(x: Floats) -> Places:
    """The row of each column's first bar, (N,); T where it has none. Bisection: log2(T) rows of N are looked at."""
    sessions, width = x.shape
    if width == 1:  # one instrument alone: looking at every row is quicker than twelve steps
        is_bar = ~np.isnan(x[:, 0])
        return np.array([is_bar.argmax() if is_bar.any() else sessions], dtype=np.intp)
    low = np.zeros(width, dtype=np.intp)
    high = np.full(width, sessions, dtype=np.intp)
    columns = np.arange(width)
    while sessions and (low < high).any():
        middle = (low + high) // 2
        missing = np.isnan(x[np.minimum(middle, sessions - 1), columns]) & (low < high)
        low = np.where(missing, middle + 1, low)
        high = np.where(missing, high, middle)
    return low


def bars(x: Floats, *, keep: int | None = None) -> NDArray[np.int32]:
    """Sessions since the first bar, that one counted as 1; 0 before it."""
    sessions = len(x)
    rows = np.arange(sessions - kept_rows(sessions, keep) + 1, sessions + 1, dtype=np.int32)
    counted: NDArray[np.int32] = np.maximum(rows[:, None] - first_bars(x).astype(np.int32), 0)
    return counted
