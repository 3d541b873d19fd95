"""Lives: each use of a code by another instrument, after a long hole, is a column of its own in a panel.

A column holds one life: its bars alone, nothing before its first. An earlier life keeps a column only where it has a
bar on a requested session, so that a daily read has as many columns as there are codes, and a read of years gives each
life the values of daily reads. Two columns of one code are never traded on the same session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from marketdata.adjust import PRESENT
from marketdata.breaks import Break
from marketdata.panel import Floats


@dataclass(frozen=True, slots=True)
class Lives:
    """The columns of a read: `source` (M,) the row of its code, `low` and `high` (M,) the rows of its life, `fresh`
    (M,): it begins inside the read, so that no earlier bar belongs to it."""

    source: NDArray[np.intp]
    low: NDArray[np.intp]
    high: NDArray[np.intp]
    fresh: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        births: Sequence[Break],
        sessions: NDArray[np.datetime64],
        codes: NDArray[np.bytes_],
        state: NDArray[np.uint8],
        start: int,
    ) -> Lives | None:
        """None where no life begins in `sessions`; `start` is the first requested row."""
        begins: dict[int, set[int]] = {}
        for one in births:
            row = int(np.searchsorted(sessions, np.datetime64(one.session)))
            column = int(np.searchsorted(codes, one.code.encode()))
            if (
                row < len(sessions)
                and str(sessions[row]) == one.session
                and column < len(codes)
                and codes[column].decode() == one.code
            ):
                begins.setdefault(column, set()).add(row)
        if not begins:
            return None
        spans = {column: _kept(sorted(rows), state[:, column], start) for column, rows in begins.items()}
        count = np.ones(len(codes), dtype=np.intp)
        for column, lives_of in spans.items():
            count[column] = len(lives_of)
        source = np.repeat(np.arange(len(codes)), count)
        lives = cls(
            source,
            np.zeros(len(source), dtype=np.intp),
            np.full(len(source), len(sessions)),
            np.zeros(len(source), dtype=bool),
        )
        place = np.cumsum(count) - count
        for column, lives_of in spans.items():
            for n, (low, high, fresh) in enumerate(lives_of):
                at = place[column] + n
                lives.low[at], lives.high[at], lives.fresh[at] = low, high, fresh
        return lives

    @property
    def touched(self) -> NDArray[np.intp]:
        """The columns that do not have all rows."""
        return np.flatnonzero((self.low > 0) | (self.high < self.high.max(initial=0)))

    def divided(self, array: Floats) -> Floats:
        """The last rows of a field, (R, codes), by these columns, (R, M): NaN outside each life."""
        columns = array[:, self.source]
        rows = int(self.high.max(initial=0))
        row = np.arange(rows - len(columns), rows)[:, None]
        columns[(row < self.low) | (row >= self.high)] = np.nan
        return columns

    def moved(self, cells: NDArray[np.intp], codes: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """The cells of a (T, codes) array as cells of these columns, and which of them lie in a life."""
        row, column = np.divmod(cells, codes)
        at = np.searchsorted(self.source, column)
        last = np.searchsorted(self.source, column, side="right") - 1
        while (later := (at < last) & (row >= self.high[at])).any():
            at = at + later
        inside = (row >= self.low[at]) & (row < self.high[at])
        return row * len(self.source) + at, inside


def _kept(begins: Sequence[int], state: NDArray[np.uint8], start: int) -> list[tuple[int, int, bool]]:
    """The lives of one code that get a column: first row, the row after its last, whether it begins there."""
    edges = [0, *begins, len(state)]
    lives = [(low, high, n > 0) for n, (low, high) in enumerate(pairwise(edges))]
    return [life for life in lives if life is lives[-1] or (state[max(life[0], start) : life[1]] & PRESENT).any()]
