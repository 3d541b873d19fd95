"""The record's bars and flows in PostgreSQL: COPY in both directions.

In: the binary format, which spares the server the parsing of a dozen numbers a row. Out: CSV, which pyarrow parses
faster than anything takes the binary format apart; PostgreSQL writes the shortest text that reads back bit for bit.
"""

from __future__ import annotations

import io
from datetime import datetime

import pyarrow as pa
import pyarrow.csv as pacsv
from django.db import connection

from marketdata.operations.bulk import copy_binary
from marketdata.operations.bulk.rows import Rows, Table, WriteBatch

ROWS_AT_A_TIME = 20_000

_WORD = pa.dictionary(pa.int32(), pa.string())
_KEY = {"code": _WORD, "date": pa.date32(), "source": _WORD}


def read(table: Table, where: str, params: list[object]) -> Rows:
    """The rows for which `where` holds."""
    names = ", ".join(table.columns)
    select = f"SELECT stock_code, date, source, {names} FROM {table.name} WHERE {where}"  # noqa: S608
    types = {**_KEY, **dict.fromkeys(table.columns, pa.float64())}
    answer = io.BytesIO()
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({select}) TO STDOUT (FORMAT csv)", params) as copy,
    ):
        for block in copy:
            answer.write(block)
    if not answer.tell():
        return Rows.of_arrow(pa.schema(list(types.items())).empty_table(), table.columns)
    answer.seek(0)
    answer_table = pacsv.read_csv(
        answer,
        read_options=pacsv.ReadOptions(column_names=list(types), use_threads=False),
        convert_options=pacsv.ConvertOptions(column_types=types, null_values=[""]),
    )
    return Rows.of_arrow(answer_table.unify_dictionaries(), table.columns)


def insert(table: Table, bars: WriteBatch, *, market: str, source: str, at: datetime) -> None:
    """Add rows."""
    stamps = ("created_at", "updated_at")
    _copy_in(table.name, bars, bars.filled_columns(table), stamps, market=market, source=source, at=at)


def update(table: Table, bars: WriteBatch, *, market: str, source: str, at: datetime) -> None:
    """Replace rows: copied into a temporary table, then assigned from it."""
    names = ", ".join(("market", "source", "stock_code", "date", "updated_at", *table.columns))
    assignments = ", ".join(f"{name} = new.{name}" for name in (*table.columns, "updated_at"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE corrected ON COMMIT DROP AS "  # noqa: S608
            f"SELECT {names} FROM {table.name} WITH NO DATA"
        )
        columns, stamps = bars.filled_columns(table), ("updated_at",)
        _copy_in("corrected", bars, columns, stamps, market=market, source=source, at=at)
        # Without statistics the planner would read the whole record to correct a few rows.
        cursor.execute("ANALYZE corrected")
        cursor.execute(
            f"UPDATE {table.name} AS old SET {assignments} FROM corrected AS new "  # noqa: S608
            "WHERE old.stock_code = new.stock_code AND old.market = new.market "
            "AND old.date = new.date AND old.source = new.source"
        )
        cursor.execute("DROP TABLE corrected")


def _copy_in(
    table: str,
    bars: WriteBatch,
    columns: tuple[str, ...],
    stamps: tuple[str, ...],
    *,
    market: str,
    source: str,
    at: datetime,
) -> None:
    names = ", ".join(("market", "source", *stamps, "stock_code", "date", *columns))
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.write(copy_binary.HEADER)
        for start in range(0, len(bars), ROWS_AT_A_TIME):
            part = bars.slice(start, start + ROWS_AT_A_TIME)
            count = len(part)
            fields = [copy_binary.same_text(word, count) for word in (market, source)]
            fields += [copy_binary.same_time(at, count)] * len(stamps)
            fields += [copy_binary.text(part.codes, part.code), copy_binary.dates(part.date)]
            fields += [copy_binary.floats(part.values[name]) for name in columns]
            copy.write(copy_binary.rows(fields))
        copy.write(copy_binary.TRAILER)
