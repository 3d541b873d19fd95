"""NumPy arrays as columns of Arrow and back.

Arrow's own `pa.array` and `to_numpy` import pandas where that is installed, which takes longer than a scan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def to_arrow(array: NDArray[Any]) -> pa.Array[Any]:
    """A column of the array (R,) of numbers, booleans or text, without nulls: NaN is a value."""
    rows = len(array)
    if array.dtype.kind == "U":
        texts = [text.encode() for text in array.tolist()]
        ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
        buffers = [None, pa.py_buffer(ends.tobytes()), pa.py_buffer(b"".join(texts))]
        return pa.Array.from_buffers(pa.string(), rows, buffers)
    if array.dtype.kind == "b":
        bits = np.packbits(array, bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), rows, [None, pa.py_buffer(bits.tobytes())])
    kind = pa.from_numpy_dtype(array.dtype)
    return pa.Array.from_buffers(kind, rows, [None, pa.py_buffer(array.tobytes())])


def to_numpy(column: pa.ChunkedArray[Any]) -> NDArray[Any]:
    """The numbers or booleans of a column without nulls, (R,); may be read-only."""
    if not len(column):
        return np.empty(0, dtype=column.type.to_pandas_dtype())
    parts = [_booleans(chunk) if pa.types.is_boolean(column.type) else np.from_dlpack(chunk) for chunk in column.chunks]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _booleans(chunk: Any) -> NDArray[np.bool_]:
    rows = slice(chunk.offset, chunk.offset + len(chunk))
    bits = np.frombuffer(chunk.buffers()[1], dtype=np.uint8)
    return np.unpackbits(bits, count=rows.stop, bitorder="little").view(np.bool_)[rows]
