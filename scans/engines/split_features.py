"""Features whose instruments are in several parts, side by side only where a whole array is read.

A backfill computes its features piece by piece. To copy all pieces into whole arrays took longer than scoring, since
most engines need but few of the cells (`candidate_cells`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scans.engines.base import Features


class SplitArray:
    """An array (K, N) in parts of its columns, which several tasks may share."""

    def __init__(self, parts: Sequence[NDArray[Any]]) -> None:
        self.parts = tuple(parts)

    def whole(self) -> NDArray[Any]:
        """The parts side by side; they are released, the whole array is kept."""
        parts = self.parts
        if len(parts) > 1:
            parts = self.parts = (np.concatenate(parts, axis=-1),)
        return parts[0]


class SplitFeatures(Mapping[str, NDArray[Any]]):
    """Features of K sessions and N instruments by name; an array is joined as it is read."""

    def __init__(self, arrays: Mapping[str, SplitArray]) -> None:
        self._arrays = dict(arrays)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name].whole()

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def column_parts(self) -> list[tuple[slice, dict[str, NDArray[Any]]]]:
        """The columns of each part, and its features."""
        bounds = {0}
        for array in self._arrays.values():
            bounds |= set(np.cumsum([part.shape[-1] for part in array.parts]).tolist())
        edges = sorted(bounds)
        return [
            (slice(low, high), {name: _columns(array, low, high) for name, array in self._arrays.items()})
            for low, high in itertools.pairwise(edges)
        ]


def _columns(array: SplitArray, low: int, high: int) -> NDArray[Any]:
    """The columns from `low` to `high`, which lie in one part."""
    start = 0
    for part in array.parts:
        if high <= start + part.shape[-1]:
            return part[:, low - start : high - start]
        start += part.shape[-1]
    raise ValueError(f"columns {low} to {high} are beyond the {start} of the array")


def column_parts(features: Features) -> list[tuple[slice, Features]]:
    """The columns of each part of `features`, and its features; whole arrays are one part."""
    if isinstance(features, SplitFeatures):
        return list(features.column_parts())
    width = next(iter(features.values())).shape[-1] if features else 0
    return [(slice(0, width), features)]
