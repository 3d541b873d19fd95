"""Density pattern of a market's candles over a collection, by the distances between them in slots.

Distance between two neighbours = difference of their slot numbers: 1 where no slot lies between them.

- sequential: every distance is 1
- dense: at least nine of ten are 1
- sparse: fewer than half are 1
- mixed: anything between
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from marketdata.candles.collector.timeframes import Grid

DENSE = 0.9
SPARSE = 0.5


class Pattern(StrEnum):
    SEQUENTIAL = "sequential"
    DENSE = "dense"
    MIXED = "mixed"
    SPARSE = "sparse"


@dataclass(frozen=True, slots=True)
class Distances:
    """Counts of neighbour distances; a collection adds chunk after chunk in constant memory."""

    pairs: int = 0
    adjacent: int = 0
    longest: int = 0
    total: int = 0

    @classmethod
    def of(cls, grid: Grid, opened: npt.NDArray[np.int64]) -> Distances:
        steps = np.diff(grid.indices(opened))
        if not len(steps):
            return cls()
        return cls(len(steps), int((steps == 1).sum()), int(steps.max()), int(steps.sum()))

    def __add__(self, other: Distances) -> Distances:
        return Distances(
            self.pairs + other.pairs,
            self.adjacent + other.adjacent,
            max(self.longest, other.longest),
            self.total + other.total,
        )

    @property
    def mean(self) -> float | None:
        return self.total / self.pairs if self.pairs else None

    @property
    def pattern(self) -> Pattern | None:
        """None with fewer than two candles: one candle has no neighbour to be measured from."""
        if not self.pairs:
            return None
        share = self.adjacent / self.pairs
        if self.adjacent == self.pairs:
            return Pattern.SEQUENTIAL
        if share >= DENSE:
            return Pattern.DENSE
        return Pattern.SPARSE if share < SPARSE else Pattern.MIXED
