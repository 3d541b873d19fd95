"""Counts, shares and medians over the last n sessions.

Counts take booleans and are whole numbers, so nothing is undefined: sessions before the array's first row, or before
an instrument's first bar, count as False. Shares and medians are NaN where they have no values.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from scans.kernels.arrays import Bools, Counts, Floats, blank, check_window_length, chunks, kept_rows, pad_missing, tail
from scans.kernels.compare import TIE
from scans.kernels.windows import doubled_sum


def rolling_count(holds: Bools, n: int, *, keep: int | None = None) -> Counts:
    """The number of the last n sessions on which `holds` is true, (K, N) int16."""
    check_window_length(n)
    rows = kept_rows(len(holds), keep)
    window = np.zeros((rows + n - 1, *holds.shape[1:]), dtype=np.int16)
    recent = tail(holds, len(window))
    window[len(window) - len(recent) :] = recent
    return doubled_sum(window, n)


def rolling_share(holds: Bools, n: int, *, of: Bools | None = None, keep: int | None = None) -> Floats:
    """Of the last n sessions (those where `of` holds) the share where `holds` does, (K, N), a fraction.

    NaN where `of` holds on none of them. Without `of`, all n sessions count.
    """
    if of is None:
        return rolling_count(holds, n, keep=keep) / n
    inside = rolling_count(of, n, keep=keep).astype(np.float64)
    inside[inside == 0] = np.nan
    both = tail(holds, kept_rows(len(holds), keep) + n - 1) & tail(of, kept_rows(len(of), keep) + n - 1)
    return np.divide(rolling_count(both, n, keep=keep), inside, out=inside)


def streak(holds: Bools, *, keep: int | None = None) -> NDArray[np.int32]:
    """The number of sessions in a row, up to each, on which `holds` is true, (K, N) int32. Looks at all of history."""
    rows = kept_rows(len(holds), keep)
    out = np.zeros((rows, *holds.shape[1:]), dtype=np.int32)
    run = np.zeros(holds.shape[1:], dtype=np.int32)
    for at, row in enumerate(holds, rows - len(holds)):
        np.add(run, 1, out=run)
        np.multiply(run, row, out=run)
        if at >= 0:
            out[at] = run
    return out


def rolling_median(x: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Median of the last n values, the mean of the middle two for an even n, (K, N); NaN until there are n."""
    check_window_length(n)
    rows = kept_rows(len(x), keep)
    x = tail(x, rows + n - 1)
    medians = blank(x, max(len(x) - n + 1, 0))
    low, high = (n - 1) // 2, n // 2
    for start, stop in chunks(len(medians), x.shape[1] * n):
        window = np.array(sliding_window_view(x[start : stop + n - 1], n, axis=0), order="C")
        window.sort(axis=-1)  # NaN last
        middle = medians[start:stop]
        np.add(window[..., low], window[..., high], out=middle)
        np.divide(middle, 2.0, out=middle)
        middle[np.isnan(window[..., -1])] = np.nan
    return pad_missing(medians, rows)


def share_below(x: Floats, level: Floats, n: int, *, least: int = 1, keep: int | None = None) -> Floats:
    """Of the last n values of x, 0 or more each, the share that `level` (T, N) of the session itself is above, (K, N).

    Of those there are, where there are fewer than n; NaN where there are fewer than `least` or no level. The ties rule
    holds: for values that are not negative, level is above x exactly where x < level (1 - 1e-9).
    """
    check_window_length(n)
    rows = kept_rows(len(x), keep)
    x = pad_missing(tail(x, rows + n - 1), rows + n - 1)
    cut = tail(level, rows) * (1.0 - TIE)
    below = np.zeros(cut.shape, dtype=np.int16)
    defined = np.zeros(cut.shape, dtype=np.int16)
    for start, stop in chunks(*cut.shape):
        under = np.empty(cut[start:stop].shape, dtype=np.bool_)
        for place in range(n):
            taken = x[start + place : stop + place]
            np.less(taken, cut[start:stop], out=under)
            below[start:stop] += under
            np.equal(taken, taken, out=under)  # not NaN
            defined[start:stop] += under
    share = below / np.maximum(defined, 1)
    share[(defined < least) | np.isnan(cut)] = np.nan
    return share
