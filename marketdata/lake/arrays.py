"""Columns of Parquet as NumPy arrays, by DLPack or by their buffers.

Arrow's own `to_numpy` imports pandas where that is installed, which takes longer than a scan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.panel import Floats

Column = Any
"""A pyarrow ChunkedArray, whose own annotations have no type of values."""


def floats(column: Column) -> Floats:
    """A column of float64, (R,), NaN where it is null; may be read-only."""
    return _joined([_floats(chunk) for chunk in column.chunks], np.float64)


def octets(column: Column) -> NDArray[np.uint8]:
    """A column of uint8 without nulls, (R,); may be read-only."""
    return _joined([np.from_dlpack(chunk) for chunk in column.chunks], np.uint8)


def days(column: Column) -> NDArray[np.datetime64]:
    """A column of date32 without nulls, (R,) datetime64[D]."""
    parts = [np.from_dlpack(chunk.view(pa.int32())) for chunk in column.chunks]
    dates: NDArray[np.datetime64] = _joined(parts, np.int32).astype("datetime64[D]")
    return dates


def _floats(chunk: Any) -> NDArray[Any]:
    if not chunk.null_count:
        return np.from_dlpack(chunk)
    validity, data = chunk.buffers()
    rows = slice(chunk.offset, chunk.offset + len(chunk))
    values: Floats = np.frombuffer(data, dtype=np.float64)[rows].copy()
    bits = np.frombuffer(validity, dtype=np.uint8)
    valid = np.unpackbits(bits, count=rows.stop, bitorder="little").view(np.bool_)[rows]
    values[~valid] = np.nan
    return values


def _joined(parts: list[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, dtype=kind)
