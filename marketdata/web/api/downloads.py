"""A list of the API as a table to download (`marketdata.tables`): its columns, by the serializer of its rows.

Columns are the members of a row; those of a member that has members of its own follow in its place (`plan` becomes
`entry`, `target` ...), behind its name where theirs is taken (`flow_date`, `order_target`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

import pyarrow as pa
from rest_framework import serializers

from marketdata.tables.table import Column, Table, column

__all__ = ["Column", "Table", "column", "columns"]

RETURN_TYPES: Mapping[Any, pa.DataType] = {
    int: pa.int64(),
    int | None: pa.int64(),
    float: pa.float64(),
    float | None: pa.float64(),
    bool: pa.bool_(),
    list[str]: pa.list_(pa.string()),
}
"""The return type of a serializer's method -> the type of its column; text otherwise."""


def columns(row: serializers.BaseSerializer[Any], path: tuple[str, ...] = ()) -> list[Column]:
    """The columns of a serializer's rows."""
    result: list[Column] = []
    for name, field in row.fields.items():  # type: ignore[attr-defined]
        if isinstance(field, serializers.Serializer):
            result += columns(field, (*path, name))
        else:
            result.append(Column(name, (*path, name), _type(field)))
    return result


def _type(field: Any) -> pa.DataType:
    """The type of a column of the field's values."""
    if isinstance(field, serializers.SerializerMethodField):
        method = getattr(field.parent, str(field.method_name))
        return RETURN_TYPES.get(get_type_hints(method)["return"], pa.string())
    simple: list[tuple[type[Any], pa.DataType]] = [
        (serializers.BooleanField, pa.bool_()),
        (serializers.IntegerField, pa.int64()),
        (serializers.FloatField, pa.float64()),
        (serializers.DateTimeField, pa.timestamp("us", "UTC")),
        (serializers.DateField, pa.date32()),
    ]
    for kind, column_type in simple:
        if isinstance(field, kind):
            return column_type
    if isinstance(field, serializers.ListField):
        return pa.list_(_type(field.child))
    if isinstance(field, serializers.DictField):
        return pa.map_(pa.string(), _type(field.child))
    return pa.string()
