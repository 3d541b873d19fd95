"""Footers of a window's partitions: which instruments have bars on which day, read before any bar."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from marketdata.context_threads import ContextThreadPool
from marketdata.errors import LakeError
from marketdata.lake import schema
from marketdata.lake.layout import Lake
from marketdata.sealed_files import DamagedFile, Footer, SealedFile
from marketdata.sorted_search import positions_in

READERS = 8
"""Footers that are read at once from a lake in a bucket: each is a few requests."""


@dataclass(frozen=True, slots=True)
class Part:
    """One partition of a window: its month, path, and its generation and digest in the record; (None, "") for a lake
    without its record: any are accepted."""

    month: date
    path: str
    generation: int | None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """The footers of a window: rosters beside their parts, the codes of all of them or those chosen, (N,) ascending,
    and for each file a proof of its identity."""

    parts: tuple[Part, ...]
    rosters: tuple[schema.Roster, ...]
    codes: NDArray[np.bytes_]
    footers: tuple[Footer, ...]

    def idle_at(self, day: np.datetime64) -> list[str]:
        """The codes that did not trade on `day`, those without a bar included: where the window begins there, their
        closes are carried forward into it."""
        traded = np.zeros(len(self.codes), dtype=bool)
        for part, roster in zip(self.parts, self.rosters, strict=True):
            if np.datetime64(part.month, "M") == day.astype("datetime64[M]"):
                bit = (day - np.datetime64(part.month)).astype(int)
                rows, at = matches(self.codes, roster.codes)
                traded[at] = (roster.traded[rows] >> np.uint32(bit)) & 1
        return [code.decode() for code in self.codes[~traded]]


def survey(lake: Lake, parts: Sequence[Part]) -> Survey:
    """The footers of `parts`; LakeError names a file that is missing, damaged or not the record's."""
    if lake.is_remote:
        with ContextThreadPool(READERS) as pool:
            pairs = list(pool.map(lambda part: read_footer(lake, part), parts))
    else:
        pairs = [read_footer(lake, part) for part in parts]
    rosters, footers = [roster for roster, _ in pairs], [footer for _, footer in pairs]
    codes = _union([roster.codes for roster in rosters])
    return Survey(tuple(parts), tuple(rosters), codes, tuple(footers))


def read_footer(lake: Lake, part: Part) -> tuple[schema.Roster, Footer]:
    """The roster of a partition and the proof of its identity; LakeError as of `survey`."""
    with open_file(lake, part.path) as file:
        return schema.Roster.decode(file.texts, part), file.footer


@contextmanager
def open_file(
    lake: Lake, path: str, *, words: Sequence[str] = ("segment",), expected: Footer | None = None
) -> Iterator[SealedFile]:
    """The file, its columns `words` to be read as dictionaries; LakeError where it is missing or damaged, also when
    the block detects that, or has another footer than `expected`."""
    try:
        with SealedFile(lake.source(path), words, expected) as file:
            yield file
    except FileNotFoundError as error:
        raise LakeError(f"{path} is missing: run `manage.py project_lake`.") from error
    except DamagedFile as error:
        version = _version(lake, path)
        if version == 1:
            raise LakeError(
                f"{path} has lake schema version 1, this program writes {schema.VERSION}: "
                "run `manage.py project_lake --rebuild`."
            ) from error
        raise LakeError(f"{path} cannot be read, it is damaged ({error}): run `manage.py project_lake`.") from error
    except (OSError, pa.ArrowException) as error:
        remedy = (
            "check the bucket, its keys and the network" if is_away(lake, error) else "run `manage.py project_lake`"
        )
        raise LakeError(f"{path} cannot be read ({error}): {remedy}.") from error


def is_away(lake: Lake, error: BaseException | None) -> bool:
    """Whether `error` is one of a bucket that cannot be reached or refuses, so that nothing is known of the file."""
    return lake.is_remote and isinstance(error, OSError) and not isinstance(error, FileNotFoundError)


def _version(lake: Lake, path: str) -> int | None:
    """The schema version in a file without a valid seal, as those of version 1 are."""
    try:
        with pq.ParquetFile(lake.source(path)) as file:
            texts = file.metadata.metadata or {}
            version = json.loads(texts.get(b"seismo.head", b"{}")).get("version")
            return version if isinstance(version, int) else None
    except (OSError, ValueError, AttributeError, pa.ArrowException):
        return None


def _keys(codes: NDArray[np.bytes_]) -> NDArray[np.generic]:
    """Keys that sort like the codes, faster: big-endian words where codes are short enough."""
    return codes.astype("S8").view(">u8").astype(np.uint64) if codes.dtype.itemsize <= 8 else codes


def _union(lists: Sequence[NDArray[np.bytes_]]) -> NDArray[np.bytes_]:
    different = [codes for n, codes in enumerate(lists) if not n or not np.array_equal(codes, lists[n - 1])]
    if not different:
        return np.empty(0, dtype="S1")
    joined = np.concatenate(different)
    _, at = np.unique(_keys(joined), return_index=True)
    return joined[at]


def positions(codes: NDArray[np.bytes_], some: NDArray[np.bytes_]) -> NDArray[np.intp]:
    """The position of each of `some` in `codes`, which contains them all and is ascending."""
    if len(codes) == len(some):
        return np.arange(len(codes))
    width = max(codes.dtype.itemsize, some.dtype.itemsize)
    return np.searchsorted(_keys(codes.astype(f"S{width}")), _keys(some.astype(f"S{width}")))


def matches(codes: NDArray[np.bytes_], some: NDArray[np.bytes_]) -> tuple[NDArray[np.intp] | slice, NDArray[np.intp]]:
    """The rows of `some` that are in `codes`, both ascending, and the position of each in `codes`."""
    if np.array_equal(codes, some):
        return slice(None), np.arange(len(codes))
    width = max(codes.dtype.itemsize, some.dtype.itemsize)
    at = positions_in(_keys(codes.astype(f"S{width}")), _keys(some.astype(f"S{width}")))
    inside = at >= 0
    return (slice(None), at) if inside.all() else (np.flatnonzero(inside), at[inside])
