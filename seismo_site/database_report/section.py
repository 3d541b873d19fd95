"""A section of the report on the database, and helpers to query one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

SHOWN = 15
"""Rows of a section at most."""


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its title, and a note on what it means or what is missing; `rows` may be empty."""

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    note: str = ""

    def text(self) -> str:
        """The section as lines of text, columns beside each other."""
        lines = [self.title]
        cells = [[_cell(value) for value in row] for row in (self.columns, *self.rows)] if self.rows else []
        widths = [max(len(row[n]) for row in cells) for n in range(len(self.columns))] if cells else []
        lines += ["  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in cells]
        lines += [f"  {self.note}"] if self.note else []
        return "\n".join(line.rstrip() for line in lines)


def fetch(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def megabytes(size: int) -> str:
    """A size in MB."""
    return f"{size / 1024 / 1024:,.1f}"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else " ".join(str(value).split())
