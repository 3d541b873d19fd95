"""A list as a table to download: CSV or Parquet, whole and row by row.

Columns are the members of a row; those of a member that has members of its own follow in its place (`plan` becomes
`entry`, `target` ...), behind its name where theirs is taken (`flow_date`, `order_target`). A spreadsheet takes text
that begins with =, +, -, @ or a control character for a formula: in CSV such text gets an apostrophe in front. Numbers
are never touched, and percent stays percent.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq
from rest_framework import serializers

BATCH = 1_000
GROUP = 20_000
IN_MEMORY = 8 * 1024 * 1024
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # full width counts too

SAID: Mapping[Any, pa.DataType] = {
    int: pa.int64(),
    int | None: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    list[str]: pa.list_(pa.string()),
}
"""What a method says it returns -> the type of its column; text otherwise."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, where in a row its values are, and their type."""

    name: str
    path: tuple[str, ...]
    type: pa.DataType

    def of(self, row: Row) -> Any:
        """The row's value, as JSON has it."""
        found: Any = row
        for name in self.path:
            found = found.get(name) if found is not None else None
        return found


@dataclass(frozen=True, slots=True)
class Table:
    """What is to be downloaded: the columns and the rows, each as JSON has it."""

    columns: Sequence[Column]
    rows: Iterable[Row]

    @property
    def names(self) -> list[str]:
        """The columns' names, each once: of several with one name the outermost keeps it."""
        outermost: dict[str, Column] = {}
        for one in sorted(self.columns, key=lambda one: len(one.path)):
            outermost.setdefault(one.name, one)
        return [
            one.name if one is outermost[one.name] else "_".join(one.path[-2:])
            for one in self.columns
        ]


def column(name: str, kind: pa.DataType) -> Column:
    """A column whose values lie at the row's top."""
    return Column(name, (name,), kind)


def columns(row: serializers.BaseSerializer[Any], path: tuple[str, ...] = ()) -> list[Column]:
    """The columns of a serializer's rows."""
    found: list[Column] = []
    for name, field in row.fields.items():  # type: ignore[attr-defined]
        if isinstance(field, serializers.Serializer):
            found += columns(field, (*path, name))
        else:
            found.append(Column(name, (*path, name), _type(field)))
    return found


def _type(field: Any) -> pa.DataType:
    """What a column of the field's values is."""
    if isinstance(field, serializers.SerializerMethodField):
        answers = getattr(field.parent, str(field.method_name))
        return SAID.get(get_type_hints(answers)["return"], pa.string())
    simple: list[tuple[type[Any], pa.DataType]] = [
        (serializers.BooleanField, pa.bool_()),
        (serializers.IntegerField, pa.int64()),
        (serializers.FloatField, pa.float64()),
        (serializers.DateTimeField, pa.timestamp("us", "UTC")),
        (serializers.DateField, pa.date32()),
    ]
    for kind, made in simple:
        if isinstance(field, kind):
            return made
    if isinstance(field, serializers.ListField):
        return pa.list_(_type(field.child))
    if isinstance(field, serializers.DictField):
        return pa.map_(pa.string(), _type(field.child))
    return pa.string()


def csv_chunks(table: Table) -> Iterator[bytes]:
    """The table as CSV (RFC 4180, UTF-8), a batch of rows at a time."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(table.names)
    for batch in batches(table.rows, BATCH):
        writer.writerows([_cell(one.of(row)) for one in table.columns] for row in batch)
        yield stream.getvalue().encode()
        stream.seek(0)
        stream.truncate()
    yield stream.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = " ".join(value)
    elif isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return value


def parquet_file(table: Table) -> IO[bytes]:
    """The table as a Parquet file, to be read from its beginning; on disk where it is large."""
    kinds = [one.type for one in table.columns]
    schema = pa.schema(list(zip(table.names, kinds, strict=True)))
    file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (whoever sends it closes it)
    try:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for batch in batches(table.rows, GROUP):
                arrays = [_array([one.of(row) for row in batch], one.type) for one in table.columns]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _array(values: list[Any], kind: pa.DataType) -> pa.Array[Any]:
    if pa.types.is_map(kind):
        return pa.array([None if one is None else list(one.items()) for one in values], type=kind)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):  # JSON has them as ISO text
        return pa.array(values, type=pa.string()).cast(kind)
    if pa.types.is_string(kind):
        values = [
            json.dumps(one, ensure_ascii=False) if isinstance(one, list | dict) else one
            for one in values
        ]
    return pa.array(values, type=kind)


def batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """The rows, so many at a time."""
    there = iter(rows)
    while batch := list(itertools.islice(there, size)):
        yield batch
