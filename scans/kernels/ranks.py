"""Comparing instruments with each other, session by session (scanner definitions, sections 0, 4 and 6).

With `residuals` the only kernels that look across a row. The result of an instrument depends on the others' values, not
on the order of the columns (which settles a tie only as the order of the codes).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scans.kernels.arrays import Bools, Floats
from scans.kernels.compare import above


def percentile(x: Floats, mask: Bools) -> Floats:
    """Average rank / count among the instruments of `mask` with a value, (K, N), above 0 up to 1; NaN for the others.

    Sorted neighbours that are a tie share their average rank, so give values whose scale makes 1e-9 relative a tie:
    a price ratio rather than a return near 0.
    """
    values = np.where(mask & ~np.isnan(x), x, np.inf)  # sorts last, and faster than NaN
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    ordered[np.isinf(ordered)] = np.nan
    unranked = np.isnan(ordered)
    count = x.shape[1] - np.count_nonzero(unranked, axis=1)
    begins = np.ones(x.shape, dtype=np.bool_)  # a new rank begins here
    begins[:, 1:] = above(ordered[:, 1:], ordered[:, :-1]) | unranked[:, 1:]
    ranks = _average_ranks(begins)
    ranks /= np.maximum(count, 1)[:, None]
    ranks[unranked] = np.nan
    shares = np.empty(x.shape)
    np.put_along_axis(shares, order, ranks, axis=1)
    return shares


def _average_ranks(begins: Bools) -> Floats:
    """For rows of sorted values the average rank, from 1, of each group; `begins` marks the first of a group."""
    width = begins.shape[1]
    places = np.arange(width, dtype=np.int32)
    first = np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    ends = np.ones(begins.shape, dtype=np.bool_)
    ends[:, :-1] = begins[:, 1:]
    last = np.where(ends, places, width)[:, ::-1]
    last = np.minimum.accumulate(last, axis=1)[:, ::-1]
    average: Floats = (first + last) / 2.0 + 1.0
    return average


def top_per_group(values: Floats, mask: Bools, count: int, group: NDArray[Any] | None = None) -> Bools:
    """Of the instruments of `mask`, in each session and group, the `count` with the largest values, (K, N).

    `values` are raw input and compare exactly; the earlier column is first of equal ones, and NaN is last.
    group (K, N) whole numbers; without it all are one group.
    """
    if group is None:
        return _top(values, mask, count)
    chosen = np.zeros(mask.shape, dtype=np.bool_)
    for number in np.unique(group[mask]):
        chosen |= _top(values, mask & (group == number), count)
    return chosen


def _top(values: Floats, mask: Bools, count: int) -> Bools:
    width = mask.shape[1]
    if count < 1 or count >= width:
        return mask & (count > 0)
    worth = np.where(mask & ~np.isnan(values), values, -np.inf)
    least = np.partition(worth, width - count, axis=1)[:, width - count, None]
    chosen: Bools = worth > least
    equal = mask & (worth == least)
    room = count - np.count_nonzero(chosen, axis=1)[:, None]
    chosen |= equal & (np.add.accumulate(equal, axis=1, dtype=np.int32) <= room)
    return chosen
