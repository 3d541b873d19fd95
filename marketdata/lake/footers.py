"""The footers of a window's partitions: who has bars on which day, read before any bar is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from marketdata.errors import LakeError
from marketdata.lake import schema
from marketdata.lake.layout import Lake


@dataclass(frozen=True, slots=True)
class Part:
    """One partition of a window: its month, path and the generation the record says it must have."""

    month: date
    path: str
    generation: int


@dataclass(frozen=True, slots=True)
class Survey:
    """The footers of a window: rosters beside their parts, and the codes of all of them, (N,) ascending."""

    parts: tuple[Part, ...]
    rosters: tuple[schema.Roster, ...]
    codes: NDArray[np.bytes_]

    def idle_at(self, day: np.datetime64) -> list[str]:
        """The codes that did not trade on `day`, those without a bar included: where the window begins there,
        what they carry into it must come from before."""
        traded = np.zeros(len(self.codes), dtype=bool)
        for part, roster in zip(self.parts, self.rosters, strict=True):
            if np.datetime64(part.month, "M") == day.astype("datetime64[M]"):
                bit = (day - np.datetime64(part.month)).astype(int)
                at = positions(self.codes, roster.codes)
                traded[at] = (roster.traded >> np.uint32(bit)) & 1
        return [code.decode() for code in self.codes[~traded]]


def survey(lake: Lake, parts: Sequence[Part], *, any_generation: bool = False) -> Survey:
    """The footers of `parts`; LakeError names a file that is missing, broken or not of the generation wanted
    (`any_generation`: for whoever reads a lake without its record)."""
    rosters = []
    for part in parts:
        with open_file(lake, part.path) as file:
            found = schema.Roster.decode(file.metadata.metadata, part.path)
        if found.generation != part.generation and not any_generation:
            raise LakeError(
                f"{part.path} is of generation {found.generation}, the record wants {part.generation}: "
                "run `manage.py project_lake`."
            )
        rosters.append(found)
    return Survey(tuple(parts), tuple(rosters), _union([roster.codes for roster in rosters]))


def open_file(lake: Lake, path: str, *, words: Sequence[str] = ("segment",)) -> pq.ParquetFile:
    """The file, its columns `words` to be read as dictionaries; LakeError where it is missing or broken."""
    try:
        return pq.ParquetFile(lake.source(path), read_dictionary=list(words))
    except (OSError, pa.ArrowInvalid) as error:
        kind = "is missing" if isinstance(error, FileNotFoundError) else "cannot be read"
        raise LakeError(f"{path} {kind}: run `manage.py project_lake`.") from error


def _keys(codes: NDArray[np.bytes_]) -> NDArray[np.generic]:
    """Codes as something quick to sort: big-endian words where they are short enough."""
    return codes.astype("S8").view(">u8").astype(np.uint64) if codes.dtype.itemsize <= 8 else codes


def _union(lists: Sequence[NDArray[np.bytes_]]) -> NDArray[np.bytes_]:
    different = [
        codes for n, codes in enumerate(lists) if not n or not np.array_equal(codes, lists[n - 1])
    ]
    if not different:
        return np.empty(0, dtype="S1")
    joined = np.concatenate(different)
    _, at = np.unique(_keys(joined), return_index=True)
    return joined[at]


def positions(codes: NDArray[np.bytes_], some: NDArray[np.bytes_]) -> NDArray[np.intp]:
    """Where each of `some` stands in `codes`, which holds them all and is ascending."""
    if len(codes) == len(some):
        return np.arange(len(codes))
    width = max(codes.dtype.itemsize, some.dtype.itemsize)
    return np.searchsorted(_keys(codes.astype(f"S{width}")), _keys(some.astype(f"S{width}")))
