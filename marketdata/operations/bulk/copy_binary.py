"""Columns as PostgreSQL's binary COPY format, built by the column.

Format (PostgreSQL documentation, COPY, "Binary Format"): a header; for each row the number of its fields as int16, for
each field its length in bytes as int32, -1 for NULL, and the bytes, all big-endian; a trailer of int16 -1. Dates count
days, timestamps microseconds, from 2000-01-01.

Every row is first written at its greatest width, R x W bytes, with a mask of the bytes that exist: none for a NULL,
fewer for a short text. The matrix read through the mask, row by row, is the format.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

_EPOCH = np.datetime64("2000-01-01", "D")
_EPOCH_TIME = datetime(2000, 1, 1, tzinfo=UTC)

Octets = NDArray[np.uint8]
Field = tuple[Octets, NDArray[np.int32], NDArray[np.bool_] | None]
"""A column: its bytes (R, width), the length that each row declares (R,), and the mask of its bytes (None: all)."""


def text(words: NDArray[np.str_], index: NDArray[np.integer]) -> Field:
    """A column of strings, `index` (R,) into `words`."""
    encoded = np.char.encode(words, "utf-8")
    width = max(encoded.dtype.itemsize, 1)
    octets = encoded.view(np.uint8).reshape(len(words), width)[index]
    lengths = np.char.str_len(encoded).astype(np.int32)[index]
    if (lengths == width).all():
        return octets, lengths, None
    return octets, lengths, np.arange(width) < lengths[:, None]


def same_text(word: str, rows: int) -> Field:
    """A column of one string."""
    return _fixed(np.broadcast_to(np.frombuffer(word.encode(), np.uint8), (rows, len(word.encode()))))


def dates(days: NDArray[np.datetime64]) -> Field:
    """A column of days."""
    return _fixed(_big_endian((days - _EPOCH).astype(np.int64), ">i4"))


def same_time(at: datetime, rows: int) -> Field:
    """A column of one moment."""
    elapsed = at - _EPOCH_TIME
    micros = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
    return _fixed(np.broadcast_to(_big_endian(np.array([micros]), ">i8"), (rows, 8)))


def floats(values: NDArray[np.float64]) -> Field:
    """A column of float8; NaN is NULL."""
    octets = _big_endian(values, ">f8")
    missing = np.isnan(values)
    if not missing.any():
        return _fixed(octets)
    lengths = np.where(missing, -1, 8).astype(np.int32)
    return octets, lengths, np.broadcast_to(~missing[:, None], octets.shape)


def rows(fields: list[Field]) -> bytes:
    """The rows, without header and trailer."""
    count = len(fields[0][0])
    parts = [np.broadcast_to(_big_endian(np.array([len(fields)]), ">i2"), (count, 2))]
    masks: list[NDArray[np.bool_]] = [np.broadcast_to(np.True_, (count, 2))]
    for octets, lengths, present in fields:
        parts += [_big_endian(lengths, ">i4"), octets]
        masks.append(np.broadcast_to(np.True_, (count, 4)))
        masks.append(np.broadcast_to(np.True_, octets.shape) if present is None else present)
    matrix = np.concatenate(parts, axis=1)
    if all(present is None for _, _, present in fields):
        return matrix.tobytes()
    return matrix[np.concatenate(masks, axis=1)].tobytes()


def _fixed(octets: Octets) -> Field:
    return octets, np.full(len(octets), octets.shape[1], dtype=np.int32), None


def _big_endian(values: NDArray[np.generic], kind: str) -> Octets:
    """(R,) numbers as (R, bytes) in network order."""
    converted = np.ascontiguousarray(values.astype(kind))
    return converted.view(np.uint8).reshape(len(values), converted.dtype.itemsize)
