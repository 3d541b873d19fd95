"""Packed cells: of a universe only the cells (sessions of instruments) that can match, close together.

1. The sessions are sorted by how many of their cells can match and cut into `PARTS`, so that those of a part have
   about as many.
2. The cells of each session move to the left, in the order of their instruments; what is left over is not eligible.

For engines that judge each cell by itself (`base.CellwiseEngine`) the picks are those of the whole universe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools
from scans.engines.base import Engine, Features, MarketIndex, Universe

PARTS = 2


@dataclass(frozen=True, slots=True)
class PackedCells:
    """K' sessions and the N' cells of each: the universe, whose codes mean nothing, and the features, (K', N') each;
    day (K',) and column (K', N'): their places in the whole universe."""

    universe: Universe
    features: Features
    day: NDArray[np.intp]
    column: NDArray[np.intp]

    @classmethod
    def of(cls, universe: Universe, features: Features, cells: Bools) -> list[Self]:
        """The packed `cells` (K, N) of a universe and its features."""
        counts = cells.sum(axis=1)
        order = np.argsort(counts, kind="stable")[np.count_nonzero(counts == 0) :]
        return [cls._of_sessions(universe, features, cells, day) for day in np.array_split(order, PARTS) if len(day)]

    @classmethod
    def _of_sessions(cls, universe: Universe, features: Features, cells: Bools, day: NDArray[np.intp]) -> Self:
        width = int(cells[day].sum(axis=1).max())
        column = np.argsort(~cells[day], axis=1, kind="stable")[:, :width]
        at = day[:, None], column
        packed = replace(
            universe,
            sessions=universe.sessions[day],
            codes=universe.codes[:width],
            eligible=cells[at],
            **{name: getattr(universe, name)[at] for name in ("amount", "close", "change_pct", "segment")},
        )
        return cls(packed, {name: values[at] for name, values in features.items()}, day, column)


def packed_ranks(
    engine: Engine, packed: Sequence[PackedCells], index: MarketIndex, params: Any
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(day, column) of the picks in the whole universe, (P,) each, by session and rank."""
    days, columns = [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=np.intp)]
    for part in packed:
        ranks = engine.score(part.universe, part.features, index, params).ranks
        days.append(part.day[ranks.day])
        columns.append(part.column[ranks.day, ranks.column])
    day, column = np.concatenate(days), np.concatenate(columns)
    order = np.argsort(day, kind="stable")
    return day[order], column[order]
