"""Columns as a file holds them -> arrays: numbers, days and coded words.

Nothing is guessed: a number that is not one is NaN and flagged, a day that is none is NaT, and codes must be text,
since a number has lost its leading zeros.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from marketdata.sources.files.errors import PriceFileError

NO_DAY = np.datetime64("NaT", "D")
NOTHING = ("", "nan", "NaN", "None", "null")
"""Words that say that nothing is said."""

Column = Any
"""A pyarrow Array or ChunkedArray of any type."""


def numbers(column: Column) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """As float64, NaN where empty; and where something stands that is not a finite number."""
    if _is_text(column.type):
        return _numbers_in_text(column)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        try:
            column = pc.cast(column, pa.float64())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return np.full(len(column), np.nan), np.ones(len(column), dtype=bool)
    found: NDArray[np.float64] = (
        column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    )
    found = found.astype(np.float64, copy=False)
    endless = np.isinf(found)
    return (np.where(endless, np.nan, found) if endless.any() else found), endless


def days(column: Column) -> NDArray[np.datetime64]:
    """As datetime64[D]: dates, timestamps (their local day), or text as 2026-08-21, 20260821 or 2026/08/21."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.tz is not None:
            column = pc.local_timestamp(column)
        column = pc.cast(column, pa.date32(), safe=False)
    if pa.types.is_date(column.type):
        found: NDArray[np.datetime64] = _numpy(column).astype("datetime64[D]")
        return found
    if not _is_text(kind):
        return np.full(len(column), NO_DAY)
    written, index = words(column)
    read = np.array([*(_day(text) for text in written.tolist()), NO_DAY], dtype="datetime64[D]")
    return read[index]


def codes(column: Column, name: str) -> tuple[NDArray[np.str_], NDArray[np.int32]]:
    """Codes as coded words, the table ascending."""
    if not _is_text(column.type):
        raise PriceFileError(
            f"column {name} holds {column.type}, but codes are text ('005930'): as numbers they have lost their "
            "leading zeros; write them as text."
        )
    found, index = words(column, blank=("",))
    order = np.argsort(found)
    rank = np.full(len(found) + 1, -1, dtype=np.int32)
    rank[order] = np.arange(len(found), dtype=np.int32)
    return found[order], rank[index]


def words(
    column: Column, *, blank: tuple[str, ...] = NOTHING
) -> tuple[NDArray[np.str_], NDArray[np.int32]]:
    """Text as distinct trimmed words and the index of each row's, -1 where it is null or one of `blank`."""
    combined: Any = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_dictionary(combined.type):
        combined = pc.dictionary_encode(pc.cast(combined, pa.string()))
    written = [_clean(word) for word in combined.dictionary.to_pylist()]
    distinct = sorted({word for word in written if word not in blank})
    place = {word: number for number, word in enumerate(distinct)}
    index = np.array([*(place.get(word, -1) for word in written), -1], dtype=np.int32)
    at = pc.fill_null(combined.indices, len(written)).to_numpy()
    return np.array(distinct, dtype=np.str_), index[at]


def nothing(rows: int) -> tuple[NDArray[np.str_], NDArray[np.int32]]:
    """The coded words of a column the file does not have."""
    return np.empty(0, dtype=np.str_), np.full(rows, -1, dtype=np.int32)


def _numbers_in_text(column: Column) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    text = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
    text = pc.if_else(pc.is_in(text, pa.array(NOTHING)), pa.scalar(None, pa.string()), text)
    try:
        return numbers(pc.cast(text, pa.float64()))
    except pa.ArrowInvalid:
        pass
    written, index = words(text)
    read = np.array([*(_number(word) for word in written.tolist()), np.nan])
    found = read[index]
    return found, np.isnan(found) & (index >= 0)


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        return np.nan
    return found if np.isfinite(found) else np.nan


def _day(text: str) -> np.datetime64:
    plain = text.replace("/", "-").replace(".", "-")
    try:
        return np.datetime64(date.fromisoformat(plain[:10]), "D")
    except ValueError:
        return NO_DAY


def _clean(word: str | None) -> str:
    return (word or "").replace("\x00", "").strip()


def _numpy(column: Column) -> NDArray[Any]:
    found: NDArray[Any] = (
        column.to_numpy()
        if isinstance(column, pa.ChunkedArray)
        else column.to_numpy(zero_copy_only=False)
    )
    return found


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_string(value)
        or pa.types.is_large_string(value)
        or pa.types.is_string_view(value)
    )
