"""Holdings of picks: state and returns over each horizon (scanner definitions, section 7, revision 2).

Bought at an open after the scan, sold at a later close (`holding_periods`); the close at which the scan was made is
never an entry.

Choices where the definitions are silent
- A holding spans a suspected action on s where entry < s <= exit; open goes before unjudged.
- Costs are taken off each return; a hit is a return above 0 after costs.
- Each pick is a holding of its own: picked on two sessions in a row, an instrument has two holdings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.evaluation.holding_periods import LOCKED, UNTRADED, HoldingPeriods, PickSet
from scans.evaluation.prices import Prices, Rows
from scans.kernels.compare import above

REVISION = 2
"""Of the evaluation: part of every key and answer that depends on its rules."""

STATES = ("judged", "locked", "untraded", "open", "unjudged")
JUDGED, LOCKED_OUT, NEVER_TRADED, OPEN, UNJUDGED = range(5)

Costs = Callable[[Rows, Rows, Rows], Floats]
"""(entry, exit, column), (Q,) each -> the costs of Q round trips as shares, (Q,)."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """P picks over H horizons, (P, H) each; the floats are fractions and NaN where a holding was not judged. state into
    STATES; gross and net: the return before and after `costs`; best and worst: excursions over the holding's highs and
    lows; hit: net return above 0."""

    picks: PickSet
    periods: HoldingPeriods
    state: NDArray[np.int8]
    gross: Floats
    costs: Floats
    best: Floats
    worst: Floats
    hit: Bools

    @property
    def judged(self) -> Bools:
        """(P, H): the holdings that have a return."""
        mask: Bools = self.state == JUDGED
        return mask

    @property
    def net(self) -> Floats:
        """(P, H): the return after costs."""
        return self.gross - self.costs


def hold(prices: Prices, picks: PickSet, periods: HoldingPeriods, costs: Costs) -> Holdings:
    """The holdings of `picks` over `periods`."""
    entry, last = periods.entry[:, None], periods.exit
    column = picks.column[:, None]
    bought, sold = np.maximum(entry, 0), np.maximum(last, 0)
    acted = prices.actions[bought, column] != prices.actions[sold, column]
    state = np.select(
        [entry == LOCKED, entry == UNTRADED, last < 0, acted], [LOCKED_OUT, NEVER_TRADED, OPEN, UNJUDGED], JUDGED
    ).astype(np.int8)
    pick, horizon = np.nonzero(state == JUDGED)
    rows = periods.entry[pick], last[pick, horizon], picks.column[pick]
    paid, got = prices.open[rows[0], rows[2]], prices.close[rows[1], rows[2]]
    share = costs(*rows)

    def spread(values: Floats) -> Floats:
        whole = np.full(state.shape, np.nan)
        whole[pick, horizon] = values
        return whole

    hit = np.zeros(state.shape, dtype=bool)
    hit[pick, horizon] = above(got, paid * (1 + share))
    return Holdings(
        picks=picks,
        periods=periods,
        state=state,
        gross=spread(got / paid - 1),
        costs=spread(share),
        best=spread(_extreme(prices.high, *rows, np.maximum) / paid - 1),
        worst=spread(_extreme(prices.low, *rows, np.minimum) / paid - 1),
        hit=hit,
    )


def _extreme(values: Floats, first: Rows, last: Rows, column: Rows, extreme: np.ufunc) -> Floats:
    """The highest or lowest of `values` (T, N) over the rows first..last of each column, (Q,). Level k of the table has
    the extremes of 2**k rows; two of them, which may overlap, cover a range."""
    result = np.full(len(first), np.nan)
    level = np.log2(last - first + 1).astype(np.intp)
    table = values
    for k in range(int(level.max(initial=-1)) + 1):
        some = level == k
        ends = last[some] - 2**k + 1
        result[some] = extreme(table[first[some], column[some]], table[ends, column[some]])
        table = extreme(table[: -(2**k)], table[2**k :])
    return result
