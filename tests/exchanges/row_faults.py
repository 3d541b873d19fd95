"""Faults of the rows in an answer of daily bars, drawn by a seeded random source.

`spoiled` takes values away, `zeros` answers open, high and low of 0, `swapped` exchanges two values of a row, `redated`
gives rows another day, `repeated` has a row twice with different values, `emptied` leaves none.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

ROW_FAULTS = ("spoiled", "zeros", "swapped", "redated", "repeated", "emptied")
BLANKS = ("", " ", "-", None)
"""How a value is missing; None: the field itself is."""

Rows = list[dict[str, str]]


class RowFields(NamedTuple):
    """The names of a row's fields."""

    day: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    amount: str
    change: str


def apply(rows: Rows, fault: str | None, fields: RowFields, draw: random.Random) -> None:
    """Change one to three of `rows` in place, all for `emptied`."""
    if fault == "emptied":
        rows.clear()
    change = _CHANGES.get(fault or "")
    if change is None or not rows:
        return
    for row in draw.sample(rows, min(len(rows), draw.randint(1, 3))):
        change(rows, row, fields, draw)


def _take(rows: Rows, row: dict[str, str], fields: RowFields, draw: random.Random) -> None:
    if draw.random() < 0.2:
        row.clear()
        return
    for name in draw.sample(fields[1:], draw.randint(1, 3)):
        value = draw.choice(BLANKS)
        if value is None:
            del row[name]
        else:
            row[name] = value


def _zero(rows: Rows, row: dict[str, str], fields: RowFields, draw: random.Random) -> None:
    if row[fields.volume] != "0":
        row.update(dict.fromkeys((fields.open, fields.high, fields.low), "0"))


def _swap(rows: Rows, row: dict[str, str], fields: RowFields, draw: random.Random) -> None:
    one, other = draw.sample(fields[1:7], 2)
    row[one], row[other] = row[other], row[one]


def _redate(rows: Rows, row: dict[str, str], fields: RowFields, draw: random.Random) -> None:
    if not fields.day:
        return
    day = date.fromisoformat(row[fields.day]) + timedelta(days=draw.choice((-400, -30, -1, 1, 2, 60)))
    row[fields.day] = f"{day:%Y%m%d}"


def _repeat(rows: Rows, row: dict[str, str], fields: RowFields, draw: random.Random) -> None:
    twin = dict(row)
    _swap(rows, twin, fields, draw)
    rows.insert(rows.index(row), twin)


_CHANGES: dict[str, Callable[[Rows, dict[str, str], RowFields, random.Random], None]] = {
    "spoiled": _take,
    "zeros": _zero,
    "swapped": _swap,
    "redated": _redate,
    "repeated": _repeat,
}
