"""Filled and adjusted closes (scanner definitions, section 0).

1. `fill`: a session without a trade after the first bar takes its base price, else the close before times the factor.
2. `factors`: base price / close before, where the two differ; sparse, since on ordinary days it is 1.
3. `suspects`: moves beyond the daily limit that no base price and no event explains.
4. `products`: adjusted price / raw price: the product of all later factors.

Everything is (T, N), sessions by instruments, and sparse cells are flat indices t * N + i, ascending.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.sorted_search import positions_in

PRESENT, TRADED, BASED = 1, 2, 4
"""Bits of a cell's state: there is a bar; it has volume; it has a base price."""

SUSPECT_SESSIONS = 252
CHUNK = 32
"""Sessions compared at once: their arrays stay in the processor's cache."""

Floats = NDArray[np.float64]
Cells = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Sparse:
    """Values at some cells: `at` flat indices, ascending and unique, `value` beside them."""

    at: Cells
    value: Floats

    def look_up(self, cells: Cells, missing: float) -> Floats:
        """The value at each of `cells`, `missing` where there is none."""
        if not len(self.at):
            return np.full(len(cells), missing)
        place = positions_in(self.at, cells)
        return np.where(place < 0, missing, self.value[place])


def first_bars(state: NDArray[np.uint8], carried: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The row of each instrument's first bar, (N,); 0 for those with bars before, T for those without any."""
    present = (state & PRESENT).view(np.bool_)
    first = present.argmax(axis=0)
    none = ~present[first, np.arange(state.shape[1])]
    return np.where(carried, 0, np.where(none, len(state), first)).astype(np.int32)


def fill(
    close: Floats, state: NDArray[np.uint8], first: NDArray[np.int32], carry: Floats, base: Sparse, ratio: Sparse
) -> NDArray[np.bool_]:
    """Give `close` (recorded raw closes, in place) a value in every cell from the first bar on; returns the cells
    without a trade, (T, N). `carry` (N,) is the close before the first row, NaN where there is none."""
    sessions, instruments = close.shape
    idle: NDArray[np.bool_] = (state & TRADED) == 0
    idle &= np.arange(sessions)[:, None] >= first[None, :]
    cells = np.flatnonzero(idle)
    based = base.look_up(cells, np.nan)
    factor = ratio.look_up(cells, 1.0)
    if instruments == 1:
        _fill_one(close[:, 0], cells, carry[0], based, factor)
        return idle
    bounds = np.searchsorted(cells, np.arange(sessions + 1) * instruments)
    for t in np.flatnonzero(np.diff(bounds)).tolist():
        low, high = bounds[t], bounds[t + 1]
        at = cells[low:high] - t * instruments
        before = close[t - 1, at] if t else carry[at]
        carried = before * factor[low:high]
        # A first bar that did not trade has no close before it: its recorded close is taken.
        carried = np.where(np.isnan(carried), close[t, at], carried)
        close[t, at] = np.where(np.isnan(based[low:high]), carried, based[low:high])
    return idle


def _fill_one(close: Floats, rows: Cells, carry: float, based: Floats, factor: Floats) -> None:
    """`fill` of one instrument, (T,): a step on plain numbers takes a tenth of one on arrays."""
    values = close.tolist()
    for t, base, ratio in zip(rows.tolist(), based.tolist(), factor.tolist(), strict=True):
        carried = (values[t - 1] if t else carry) * ratio
        if carried != carried:  # NaN
            carried = values[t]
        values[t] = carried if base != base else base
    close[:] = values


def factors(close: Floats, base: Sparse, ratio: Sparse) -> Sparse:
    """The cells whose factor is not 1: base price / close before, else the event's ratio. `close` is filled."""
    instruments = close.shape[1]
    cells = np.union1d(base.at, ratio.at) if len(ratio.at) else base.at
    cells = cells[cells >= instruments]
    before = close.reshape(-1)[cells - instruments]
    based = base.look_up(cells, np.nan)
    factor = np.where(np.isnan(based), ratio.look_up(cells, 1.0), based / before)
    matter = np.isfinite(before) & (factor != 1.0)
    return Sparse(cells[matter], factor[matter])


def returns(close: Floats, factor: Sparse, start: int) -> Floats:
    """Returns of the sessions from row `start` on, (T - start, N), fractions: close / (close before * factor) - 1;
    NaN in the first row of all and before an instrument's first bar. `close` is filled and raw."""
    instruments = close.shape[1]
    expected = np.full((len(close) - start, instruments), np.nan)
    low = max(start, 1)
    expected[low - start :] = close[low - 1 : -1]
    inside = factor.at >= start * instruments
    expected.reshape(-1)[factor.at[inside] - start * instruments] *= factor.value[inside]
    with np.errstate(invalid="ignore", divide="ignore"):
        moved: Floats = close[start:] / expected - 1.0
    return moved


def suspects(close: Floats, state: NDArray[np.uint8], ratio: Sparse, *, limit: float, start: int) -> Cells:
    """Bars from row `start` on whose base price is unknown, that no event explains, and whose raw close lies more
    than `limit` (a fraction) from the close before."""
    instruments = close.shape[1]
    parts = [np.empty(0, dtype=np.intp)]
    for low in range(max(start, 1), len(close), CHUNK):
        now = close[low : low + CHUNK]
        before = close[low - 1 : low - 1 + len(now)]
        parts.append(np.flatnonzero(np.abs(now - before) > limit * before) + low * instruments)
    cells: Cells = np.concatenate(parts)
    bits = state.reshape(-1)[cells]
    unexplained = ((bits & PRESENT) != 0) & ((bits & BASED) == 0)
    cells = cells[unexplained]
    suspected: Cells = cells[np.isnan(ratio.look_up(cells, np.nan))]
    return suspected


def suspect_mask(cells: Cells, instruments: int, start: int, sessions: int) -> NDArray[np.bool_]:
    """(K, N), rows `start` to `sessions`: True from a suspected action on for 252 sessions."""
    mask = np.zeros((sessions - start, instruments), dtype=bool)
    for cell in cells:
        t, i = divmod(int(cell), instruments)
        mask[max(t - start, 0) : max(t + SUSPECT_SESSIONS - start, 0), i] = True
    return mask


def products(factor: Sparse, sessions: int, instruments: int) -> tuple[Cells, Floats]:
    """The instruments with a factor other than 1, (M,), and for each session the product of all later factors,
    (T, M): adjusted = raw * product."""
    row, column = np.divmod(factor.at, instruments)
    columns, at = np.unique(column, return_inverse=True)
    steps = np.ones((sessions + 1, len(columns)))
    steps[row, at] = factor.value
    product = np.cumprod(steps[:0:-1], axis=0, dtype=np.float64)[::-1]
    return columns.astype(np.intp), product
