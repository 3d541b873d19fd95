"""Serializer of cached values: MessagePack, which has data alone and, unlike pickle, never runs code when it is read.

The types of MessagePack (None, booleans, integers of 64 bits, floats, text, bytes, lists, mappings) are stored as they
are. Extensions, each by a number that never changes its meaning:

    1 tuple       2 date (ISO)    3 datetime (ISO)    4 Decimal    5 set    6 frozenset
    7 an array: its type, its shape, its bytes        8 a dataclass: its name, its fields by name
    9 UUID

A dataclass is restored only where its class was registered in this process: the name in a value selects one of those
and never causes an import.
"""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgpack

TUPLE, DATE, DATETIME, DECIMAL, SET, FROZENSET, ARRAY, DATACLASS, IDENTIFIER = range(1, 10)
NATIVE = (type(None), bool, int, float, str, bytes, list, dict)
PLAIN_ARRAYS = "biufMm"
"""The kinds of arrays (numpy's letters) without references to objects."""

_CLASSES: dict[str, type[Any]] = {}


class UnreadableValue(ValueError):
    """Bytes that are no value of this form, or have a class that is not registered here."""


def register(*classes: type[Any]) -> None:
    """Register dataclasses, whose values can then be stored and restored."""
    for kind in classes:
        if not dataclasses.is_dataclass(kind):
            raise TypeError(f"{kind.__qualname__} is no dataclass.")
        _CLASSES[_name(kind)] = kind


def pack(value: object) -> bytes:
    """The bytes of a value; TypeError for an unsupported type, OverflowError for an integer beyond 64 bits."""
    return bytes(msgpack.packb(value, default=_extension, strict_types=True))


def unpack(content: bytes) -> Any:
    """The value of `pack`'s bytes; Unreadable for any others."""
    try:
        return msgpack.unpackb(content, ext_hook=_restored, strict_map_key=False)
    except UnreadableValue:
        raise
    except Exception as error:  # bytes from outside may raise any error
        raise UnreadableValue(f"This is no cached value: {error}") from error


def _extension(value: Any) -> Any:  # noqa: C901 - one case a type
    """An extension, or a plain value, for a type that MessagePack does not have."""
    match value:
        case tuple():
            return msgpack.ExtType(TUPLE, pack(list(value)))
        case datetime():
            return msgpack.ExtType(DATETIME, value.isoformat().encode())
        case date():
            return msgpack.ExtType(DATE, value.isoformat().encode())
        case Decimal():
            return msgpack.ExtType(DECIMAL, str(value).encode())
        case set() | frozenset():
            code = SET if isinstance(value, set) else FROZENSET
            return msgpack.ExtType(code, pack(list(value)))
        case UUID():
            return msgpack.ExtType(IDENTIFIER, value.bytes)
        case Enum():
            return _plain(value.value)
        case str():
            return str.__str__(value)
        case bool() | int():
            return int(value)
        case float():
            return float(value)
        case dict():
            return dict(value)
    if type(value).__module__ == "numpy":
        return _of_numpy(value)
    name = _name(type(value))
    if _CLASSES.get(name) is type(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return msgpack.ExtType(DATACLASS, pack([name, fields]))
    raise TypeError(f"A {type(value).__qualname__} cannot be cached: it is no plain data.")


def _plain(value: Any) -> Any:
    return value if type(value) in NATIVE else _extension(value)


def _of_numpy(value: Any) -> Any:
    if not hasattr(value, "shape") or value.shape == ():
        return _plain(value.item())
    if value.dtype.kind not in PLAIN_ARRAYS:
        raise TypeError(f"An array of {value.dtype} cannot be cached: it is no plain data.")
    return msgpack.ExtType(ARRAY, pack([value.dtype.str, list(value.shape), value.tobytes()]))


def _restored(code: int, content: bytes) -> Any:
    """The value of an extension."""
    match code:
        case 1:
            return tuple(unpack(content))
        case 2:
            return date.fromisoformat(content.decode())
        case 3:
            return datetime.fromisoformat(content.decode())
        case 4:
            return Decimal(content.decode())
        case 5:
            return set(unpack(content))
        case 6:
            return frozenset(unpack(content))
        case 7:
            return _array(*unpack(content))
        case 8:
            return _dataclass(*unpack(content))
        case 9:
            return UUID(bytes=content)
    raise UnreadableValue(f"There is no extension {code}.")


def _array(kind: str, shape: list[int], content: bytes) -> Any:
    import numpy as np  # not needed by a cache without arrays

    if np.dtype(kind).kind not in PLAIN_ARRAYS:
        raise UnreadableValue(f"An array of {kind} is no plain data.")
    return np.frombuffer(content, np.dtype(kind)).reshape(shape).copy()


def _dataclass(name: str, fields: dict[str, Any]) -> Any:
    try:
        kind = _CLASSES[name]
    except KeyError:
        raise UnreadableValue(f"{name} is not registered here.") from None
    return kind(**fields)


def _name(kind: type[Any]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
