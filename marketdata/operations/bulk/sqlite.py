"""The record's bars and flows in SQLite.

Many rows go into one INSERT, with what is the same for all of them bound once: a statement's start and the
upkeep of AUTOINCREMENT cost more than a row does. The driver is used directly (inside Django's transaction):
Django's own cursor formats the SQL for each call, and its column converters would parse every date.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import connection
from numpy.typing import NDArray

from marketdata.operations.bulk.rows import Rows, Table, WriteBatch

ROWS_PER_STATEMENT = 100
ROWS_AT_A_TIME = 20_000

_TEXT = pa.string()


def read(table: Table, where: str, params: list[object]) -> Rows:
    """The rows for which `where` holds."""
    names, parts = table.columns, []
    # `+date` is an expression, so that the driver returns its text.
    select = f"SELECT stock_code, +date, source, {', '.join(names)} FROM {table.name} WHERE "  # noqa: S608
    with connection.wrap_database_errors:
        cursor = _driver().execute(select + where.replace("%s", "?"), [_plain(value) for value in params])
        while rows := cursor.fetchmany(ROWS_AT_A_TIME):
            parts.append(_table(list(zip(*rows, strict=True)), names))
    none: list[tuple[Any, ...]] = [()] * (3 + len(names))
    return Rows.of_arrow(pa.concat_tables(parts) if parts else _table(none, names), names)


def insert(table: Table, bars: WriteBatch, *, market: str, source: str, at: datetime) -> None:
    """Add rows."""
    columns = bars.filled_columns(table)
    width = 2 + len(columns)
    driver, constant = _driver(), [market, source, _stamp(at)]
    for start in range(0, len(bars), ROWS_AT_A_TIME):
        part = bars.slice(start, start + ROWS_AT_A_TIME)
        cells = _cells(part, columns).reshape(-1).tolist()
        with connection.wrap_database_errors:
            for first in range(0, len(part), ROWS_PER_STATEMENT):
                count = min(ROWS_PER_STATEMENT, len(part) - first)
                parameters = cells[first * width : (first + count) * width]
                driver.execute(_insert_sql(table.name, count, columns), constant + parameters)


def update(table: Table, bars: WriteBatch, *, market: str, source: str, at: datetime) -> None:
    """Replace rows."""
    assignments = ", ".join(f"{name} = ?" for name in table.columns)
    sql = (
        f"UPDATE {table.name} SET {assignments}, updated_at = ? "  # noqa: S608
        "WHERE stock_code = ? AND date = ? AND market = ? AND source = ?"
    )
    cells = _cells(bars, table.columns)
    constant = np.full((len(bars), 3), None, dtype=object)
    constant[:] = [_stamp(at), market, source]
    ordered = np.hstack([cells[:, 2:], constant[:, :1], cells[:, :2], constant[:, 1:]])
    with connection.wrap_database_errors:
        _driver().executemany(sql, ordered.tolist())


def _driver() -> sqlite3.Connection:
    connection.ensure_connection()
    driver: sqlite3.Connection = connection.connection
    return driver


@lru_cache(maxsize=64)
def _insert_sql(table: str, count: int, columns: tuple[str, ...]) -> str:
    """An INSERT of `count` rows whose market, source and time are parameters 1, 2 and 3 throughout."""
    names = ("market", "source", "created_at", "updated_at", "stock_code", "date", *columns)
    width = 2 + len(columns)
    values = ",".join(
        "(?1,?2,?3,?3," + ",".join(f"?{4 + row * width + place}" for place in range(width)) + ")"
        for row in range(count)
    )
    return f"INSERT INTO {table} ({','.join(names)}) VALUES {values}"  # noqa: S608


def _cells(bars: WriteBatch, columns: tuple[str, ...]) -> NDArray[np.object_]:
    """(W, 2 + columns) of Python objects: code, ISO date, then the values with None for NaN."""
    cells = np.empty((len(bars), 2 + len(columns)), dtype=object)
    cells[:, 0] = bars.codes.astype(object)[bars.code]
    days, place = np.unique(bars.date, return_inverse=True)
    cells[:, 1] = np.array([str(day) for day in days], dtype=object)[place]
    for number, name in enumerate(columns, start=2):
        column = bars.values[name]
        cells[:, number] = column
        missing = np.isnan(column)
        if missing.any():
            cells[missing, number] = None
    return cells


def _table(columns: list[tuple[Any, ...]], names: tuple[str, ...]) -> pa.Table:
    code, days, source, *values = columns
    arrays: list[Any] = [pa.array(code, _TEXT), pa.array(days, _TEXT).cast(pa.date32()), pa.array(source, _TEXT)]
    arrays += [pa.array(_floats(column)) for column in values]
    return pa.Table.from_arrays(arrays, names=["code", "date", "source", *names])


def _floats(column: tuple[float | None, ...]) -> NDArray[np.float64]:
    """NaN for None; most columns are either full or empty, and counting is faster than turning None after None."""
    if column.count(None) == len(column):
        return np.full(len(column), np.nan)
    return np.array(column, dtype=np.float64)


def _plain(value: object) -> object:
    return value if isinstance(value, str) else str(value)


def _stamp(at: datetime) -> str:
    """As Django writes a time: UTC, without its zone."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
