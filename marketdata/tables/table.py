"""A table to hand out: typed columns and rows as JSON has them, for every writer and from every door."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

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
    """The columns and the rows, each as JSON has it (dates as ISO text)."""

    columns: Sequence[Column]
    rows: Iterable[Row]

    @property
    def names(self) -> list[str]:
        """The columns' names, each once: of several with one name the outermost keeps it."""
        outermost: dict[str, Column] = {}
        for one in sorted(self.columns, key=lambda one: len(one.path)):
            outermost.setdefault(one.name, one)
        return [one.name if one is outermost[one.name] else "_".join(one.path[-2:]) for one in self.columns]


def column(name: str, kind: pa.DataType) -> Column:
    """A column whose values lie at the row's top."""
    return Column(name, (name,), kind)


def batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """The rows, so many at a time."""
    there = iter(rows)
    while batch := list(itertools.islice(there, size)):
        yield batch
