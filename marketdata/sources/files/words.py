"""Coded words of text columns: composed (NFC), trimmed, and cut, since an array of text is as wide as its longest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from marketdata.normalization import nfc

NOTHING = ("", "-", "nan", "NaN", "None", "null", "<NA>")
"""Words for a missing value."""
LONGEST = 160
"""Characters kept of a word: no name, segment or department is longer."""

Column = Any
"""A pyarrow Array or ChunkedArray of any type."""


def words(column: Column, *, blank: tuple[str, ...] = NOTHING) -> tuple[NDArray[np.str_], NDArray[np.int32]]:
    """The distinct trimmed words of a column, ascending, and the index of each row's word, -1 where it is null or one
    of `blank`."""
    combined: Any = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_dictionary(combined.type):
        try:
            combined = pc.dictionary_encode(pc.cast(combined, pa.string()))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # lists, bytes that are no text
            return no_words(len(combined))
    texts = [_clean(word) for word in combined.dictionary.to_pylist()]
    distinct = sorted({word for word in texts if word not in blank})
    place = {word: number for number, word in enumerate(distinct)}
    index = np.array([*(place.get(word, -1) for word in texts), -1], dtype=np.int32)
    at = pc.fill_null(combined.indices, len(texts)).to_numpy()
    return np.array(distinct, dtype=np.str_), index[at]


def no_words(rows: int) -> tuple[NDArray[np.str_], NDArray[np.int32]]:
    """The coded words of a column the file does not have."""
    return np.empty(0, dtype=np.str_), np.full(rows, -1, dtype=np.int32)


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value))


def _clean(word: str | None) -> str:
    return nfc((str(word) if word is not None else "")[: 4 * LONGEST].replace("\x00", "").strip())[:LONGEST]
