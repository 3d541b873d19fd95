"""The file of a market's index: one row a session, and the digests of the partitions it was computed from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from marketdata.lake import arrays
from marketdata.lake.layout import Lake
from marketdata.panel import Floats

VERSION = 1


@dataclass(frozen=True, slots=True)
class IndexFile:
    """sessions (S,) datetime64[D] ascending, m and range (S,) fractions, NaN where unknown; partitions: ISO month
    -> the digest of the partition the values were computed from."""

    sessions: NDArray[np.datetime64]
    m: Floats
    range: Floats
    partitions: Mapping[str, str]


NONE = IndexFile(np.empty(0, "datetime64[D]"), np.empty(0), np.empty(0), {})


def read(lake: Lake, market: str) -> IndexFile:
    """The index of `market`; `NONE` where the file is missing, broken or of another version: it is computed anew."""
    try:
        with pq.ParquetFile(lake.source(lake.index(market))) as file:  # read_table imports pandas
            table = file.read()
        head = json.loads((table.schema.metadata or {})[b"seismo.index"])
    except (OSError, pa.ArrowInvalid, KeyError, ValueError):
        return NONE
    if head.get("version") != VERSION:
        return NONE
    return IndexFile(
        sessions=arrays.days(table.column("date")),
        m=arrays.floats(table.column("m")),
        range=arrays.floats(table.column("range")),
        partitions=head["partitions"],
    )


def write(lake: Lake, market: str, made: IndexFile) -> None:
    """Put `made` in the place of the market's index."""
    head = json.dumps({"version": VERSION, "partitions": dict(made.partitions)})
    table = pa.table(
        {
            "date": pa.array(made.sessions, pa.date32()),
            "m": pa.array(made.m),
            "range": pa.array(made.range),
        }
    ).replace_schema_metadata({b"seismo.index": head.encode()})

    def put(stream: pa.NativeFile) -> None:
        pq.write_table(table, stream, compression="zstd")

    lake.replace(lake.index(market), put)
