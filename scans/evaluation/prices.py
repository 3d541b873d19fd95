"""The prices of a market over consecutive sessions, as arrays, from which holdings are evaluated.

The sessions begin with the first that has picks and end with the last session of the record at the time of the
evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats, Panel

Rows = NDArray[np.intp]
SuspectedAction = tuple[np.datetime64, str, float, float]


@dataclass(frozen=True, slots=True)
class Prices:
    """A market over T sessions and N instruments.

    sessions (T,) datetime64[D]; codes (N,) str ascending, one for each life of an instrument; open, high, low, close
    (T, N) adjusted, filled where nothing traded, NaN before the first bar; traded (T, N) bool; actions (T, N) int16,
    how many suspected corporate actions an instrument has had so far (its own count: only differences mean something);
    market_cap (T, N) carried, in currency, NaN where unknown.
    """

    sessions: NDArray[np.datetime64]
    codes: NDArray[np.str_]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    traded: Bools
    actions: NDArray[np.int16]
    market_cap: Floats

    def columns(self, codes: NDArray[np.str_], rows: Rows) -> Rows:
        """The column of each code on its row, (P,): of several lives of one code the last that has begun. That of
        another code where there is none of this one."""
        last = max(len(self.codes) - 1, 0)
        column = np.minimum(np.searchsorted(self.codes, codes), last)
        several = np.minimum(column + 1, last)
        while (
            later := (self.codes[several] == codes)
            & (several > column)
            & np.isfinite(self.close[np.minimum(rows, len(self.close) - 1), several])
        ).any():
            column = np.where(later, several, column)
            several = np.minimum(column + 1, last)
        return column


def price_arrays(panel: Panel, suspects: Iterable[SuspectedAction], liquidation: Bools | None = None) -> Prices:
    """The requested sessions of `panel` (with all price fields, volume and market cap), and the suspected corporate
    actions of its instruments (session, code, close before, close), except those in `liquidation` (T, N)."""
    sessions = panel.output_sessions
    actions = np.zeros((len(sessions), len(panel.codes)), dtype=np.int16)
    for session, code, _, _ in suspects:
        if sessions[0] <= session <= sessions[-1]:
            row, columns = np.searchsorted(sessions, session), panel.codes == code
            if liquidation is not None:
                columns &= ~liquidation[row]
            actions[row:, columns] += 1
    return Prices(
        sessions=sessions,
        codes=panel.codes,
        open=panel.tail("open", 0),
        high=panel.tail("high", 0),
        low=panel.tail("low", 0),
        close=panel.tail("close", 0),
        traded=panel.traded,
        actions=actions,
        market_cap=panel.tail("market_cap", 0),
    )
