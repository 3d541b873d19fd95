"""Candidate cells: of many sessions only the cells (sessions of instruments) that can match, for the conditions of an
engine.

1. An engine names them by few comparisons of its features (`ConditionEngine.candidates`), part by part.
2. Blocks of sessions follow each other; in each the candidates of a session move to the left, in the order of their
   instruments, and the rest is not eligible.
3. Every condition compares a cell with nothing but limits of its session, so the picks are those of the whole universe;
   what compares instruments (`MarketState.percentiles`) is computed before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.engines.base import Features, Ranks, Universe
from scans.engines.split_features import column_parts
from scans.kernels.compare import TIE

BLOCK = 128
"""Sessions of a block: neighbours have about as many candidates."""
LOOSENED = 10 * TIE


def can_reach(values: NDArray[Any], limit: float) -> Bools:
    """Where `values` can be at least `limit` by the ties rule: all that are, and hardly others; one comparison."""
    return values >= limit - LOOSENED * abs(limit)


def can_stay_within(values: NDArray[Any], limit: float) -> Bools:
    """Where `values` can be at most `limit` by the ties rule: all that are, and hardly others."""
    return values <= limit + LOOSENED * abs(limit)


@dataclass(frozen=True, slots=True)
class Block:
    """Some sessions with their candidates: the universe (K', N'), whose codes mean nothing, the features and the
    percentiles; column (K', N'): the places in the whole universe."""

    sessions: slice
    universe: Universe
    features: Features
    percentiles: Mapping[str, Floats]
    column: NDArray[np.int32]

    def ranks(self, ranks: Ranks) -> Ranks:
        """Ranks of the block as those of the whole universe."""
        column = self.column[ranks.day, ranks.column]
        return replace(ranks, day=ranks.day + np.int32(self.sessions.start), column=column)


class CandidateCells:
    """The cells of the mask `cells` (K, N)."""

    def __init__(self, universe: Universe, features: Features, percentiles: Mapping[str, Floats], cells: Bools) -> None:
        self._universe, self._percentiles, self._cells = universe, percentiles, cells
        self._parts = column_parts(features)
        self._counts = cells.sum(axis=1)

    def blocks(self) -> Iterator[Block]:
        """The blocks, in the order of the sessions."""
        for start in range(0, len(self._cells), BLOCK):
            yield self._block(slice(start, min(start + BLOCK, len(self._cells))))

    def _block(self, sessions: slice) -> Block:
        whole, counts = self._universe, self._counts[sessions]
        width = max(int(counts.max(initial=0)), 1)
        day, column = np.nonzero(self._cells[sessions])
        place = np.arange(len(day)) - np.repeat(np.cumsum(counts) - counts, counts)
        target = day * width + place
        shape = (len(counts), width)

        def packed(values: NDArray[Any]) -> NDArray[Any]:
            cells = np.zeros(shape, dtype=values.dtype)
            cells.ravel()[target] = values[sessions][day, column]
            return cells

        columns = np.zeros(shape, dtype=np.int32)
        columns.ravel()[target] = column
        eligible = np.zeros(shape, dtype=np.bool_)
        eligible.ravel()[target] = True
        universe = replace(
            whole,
            sessions=whole.sessions[sessions],
            codes=whole.codes[:width],
            eligible=eligible,
            amount=packed(whole.amount),
            close=packed(whole.close),
            change_pct=packed(whole.change_pct),
            segment=packed(whole.segment),
        )
        features: dict[str, NDArray[Any]] = {}
        for part, values in self._parts:
            inside = np.flatnonzero((column >= part.start) & (column < part.stop))
            rows, at, where = day[inside] + sessions.start, column[inside] - part.start, target[inside]
            for name, array in values.items():
                if name not in features:
                    features[name] = np.zeros(shape, dtype=array.dtype)
                features[name].ravel()[where] = array[rows, at]
        percentiles = {name: packed(values) for name, values in self._percentiles.items()}
        return Block(sessions, universe, features, percentiles, columns)


def join_ranks(ranks: Sequence[Ranks]) -> Ranks:
    """The ranks of blocks that follow each other."""

    def joined(values: Sequence[Any]) -> Any:
        if isinstance(values[0], Mapping):
            return {name: np.concatenate([value[name] for value in values]) for name in values[0]}
        return np.concatenate(values)

    return Ranks(**{field.name: joined([getattr(each, field.name) for each in ranks]) for field in fields(Ranks)})
