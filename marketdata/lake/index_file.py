"""The file of a market's own index: one row a session, and the digests of the partitions it was computed from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata import sealed_files
from marketdata.errors import LakeError
from marketdata.lake import arrays
from marketdata.lake.footers import open_file
from marketdata.lake.layout import Lake, file_identity
from marketdata.panel import Floats

VERSION = 3
REVISION = 2
"""The definition of the index, part of every input digest. Revision 1 had one series, which switched to equal weights
where fewer than half had a market cap."""
COLUMNS = ("m", "range", "cap_m", "cap_range")


@dataclass(frozen=True, slots=True)
class IndexFile:
    """sessions (S,) datetime64[D] ascending; values (4, S): m and range of own-equal, then of own-cap, fractions, NaN
    where unknown; partitions: ISO month -> the digest of the partition the values were computed from; breaks: a
    digest of the breaks that were left out."""

    sessions: NDArray[np.datetime64]
    values: Floats
    partitions: Mapping[str, str]
    breaks: str = ""


NO_INDEX = IndexFile(np.empty(0, "datetime64[D]"), np.empty((4, 0)), {})


def read(lake: Lake, market: str) -> IndexFile:
    """The index of `market`; `NO_INDEX` where the file is missing, damaged, another market's, or of another
    version or revision."""
    path = lake.index(market)
    try:
        with open_file(lake, path, words=()) as file:
            table, head = file.table(("date", *COLUMNS)), json.loads(file.texts[b"seismo.index"])
    except (LakeError, KeyError, ValueError):
        return NO_INDEX
    if (head.get("version"), head.get("revision")) != (VERSION, REVISION) or head.get("place") != list(
        file_identity(path)
    ):
        return NO_INDEX
    return IndexFile(
        sessions=arrays.days(table.column("date")),
        values=np.array([arrays.floats(table.column(name)) for name in COLUMNS]),
        partitions=head["partitions"],
        breaks=head.get("breaks", ""),
    )


def write(lake: Lake, market: str, file: IndexFile) -> None:
    """Put `file` in the place of the market's index."""
    path = lake.index(market)
    head = {
        "version": VERSION,
        "revision": REVISION,
        "place": file_identity(path),
        "partitions": dict(file.partitions),
        "breaks": file.breaks,
    }
    table = pa.table(
        {
            "date": pa.array(file.sessions, pa.date32()),
            **{name: pa.array(column) for name, column in zip(COLUMNS, file.values, strict=True)},
        }
    )
    texts = {"seismo.index": json.dumps(head)}

    def put(stream: pa.NativeFile) -> None:
        sealed_files.write_sealed_file(table, stream, metadata=texts, compression="zstd")

    lake.replace(path, put)
