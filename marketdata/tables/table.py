"""A table of typed columns and rows as JSON has them, for every writer."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, the path of its values in a row, and their type."""

    name: str
    path: tuple[str, ...]
    type: pa.DataType

    def of(self, row: Row) -> Any:
        """The row's value, as JSON has it."""
        value: Any = row
        for name in self.path:
            value = value.get(name) if value is not None else None
        return value


@dataclass(frozen=True, slots=True)
class Table:
    """The columns and the rows, each as JSON has it (dates as ISO text)."""

    columns: Sequence[Column]
    rows: Iterable[Row]

    @property
    def names(self) -> list[str]:
        """The columns' names, each once: of several columns with one name the outermost has it."""
        outermost: dict[str, Column] = {}
        for column in sorted(self.columns, key=lambda column: len(column.path)):
            outermost.setdefault(column.name, column)
        return [
            column.name if column is outermost[column.name] else "_".join(column.path[-2:]) for column in self.columns
        ]


def column(name: str, kind: pa.DataType) -> Column:
    """A column of top-level values."""
    return Column(name, (name,), kind)


def batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """The rows in lists of `size`."""
    remaining = iter(rows)
    while batch := list(itertools.islice(remaining, size)):
        yield batch
