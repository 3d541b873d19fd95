"""Many small rows in few statements, for the tables beside the prices: the ORM takes ten times as long to write
INSERT ... ON CONFLICT for thousands of objects, and these are written with every batch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, models

ROWS_PER_STATEMENT = 200

Row = tuple[Any, ...]


def upsert(
    model: type[models.Model], rows: Sequence[Row], *, fields: tuple[str, ...], key: tuple[str, ...] = ()
) -> None:
    """Write `rows`, each with a value for every one of `fields`; where `key` exists, the other fields replace the
    recorded ones (without a key every row is inserted). No two rows may share a key. Names are those of the model's
    fields, values are bound; a dictionary is a JSON field's."""
    if not rows:
        return
    columns = {name: str(getattr(model._meta.get_field(name), "column", name)) for name in fields}
    quoted = {name: connection.ops.quote_name(column) for name, column in columns.items()}
    names = ", ".join(quoted.values())
    table = connection.ops.quote_name(model._meta.db_table)
    replaced = ", ".join(f"{quoted[name]} = excluded.{quoted[name]}" for name in fields if name not in key)
    head = f"INSERT INTO {table} ({names}) "
    keys = ", ".join(quoted[name] for name in key)
    tail = f" ON CONFLICT ({keys}) DO UPDATE SET {replaced}" if key else ""
    if connection.vendor == "postgresql":
        body = f"SELECT {names} FROM json_populate_recordset(NULL::{table}, %s::json)"  # noqa: S608
        statements = iter([(body, [_json(tuple(columns.values()), rows)])])
    else:
        statements = _values(rows, len(fields))
    with connection.cursor() as cursor:
        for body, params in statements:
            cursor.execute(head + body + tail, params)


def _json(columns: tuple[str, ...], rows: Sequence[Row]) -> str:
    """The rows as one parameter: thousands of parameters would each be searched for in the SQL."""
    return json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=_iso)


def _iso(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in a column")


def _values(rows: Sequence[Row], width: int) -> Iterator[tuple[str, list[Any]]]:
    placeholders = f"({', '.join(['%s'] * width)})"
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        part = rows[start : start + ROWS_PER_STATEMENT]
        yield ("VALUES " + ", ".join([placeholders] * len(part)), [_bound(value) for row in part for value in row])


def _bound(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
