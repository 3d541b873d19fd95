"""The record's bars in PostgreSQL: COPY in both directions.

In: the binary format, which spares the server the parsing of a dozen numbers a row. Out: CSV, which pyarrow parses
faster than anything takes the binary format apart; PostgreSQL writes the shortest text that reads back bit for bit.
"""

from __future__ import annotations

import io
from datetime import datetime

import pyarrow as pa
import pyarrow.csv as pacsv
from django.db import connection

from marketdata.models import StockPrice
from marketdata.operations.bulk import copy_binary
from marketdata.operations.bulk.rows import COLUMNS, Rows, Writable

TABLE = StockPrice._meta.db_table
ROWS_AT_A_TIME = 20_000

_FIELDS = ("code", "date", "source", *COLUMNS)
_WORD = pa.dictionary(pa.int32(), pa.string())
_TYPES = {
    "code": _WORD,
    "date": pa.date32(),
    "source": _WORD,
    **dict.fromkeys(COLUMNS, pa.float64()),
}


def read(where: str, params: list[object]) -> Rows:
    """The bars for which `where` holds."""
    select = f"SELECT stock_code, date, source, {', '.join(COLUMNS)} FROM {TABLE} WHERE {where}"  # noqa: S608
    answer = io.BytesIO()
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({select}) TO STDOUT (FORMAT csv)", params) as copy,
    ):
        for block in copy:
            answer.write(block)
    if not answer.tell():
        return Rows.of_arrow(pa.schema(list(_TYPES.items())).empty_table())
    answer.seek(0)
    table = pacsv.read_csv(
        answer,
        read_options=pacsv.ReadOptions(column_names=list(_FIELDS), use_threads=False),
        convert_options=pacsv.ConvertOptions(column_types=_TYPES, null_values=[""]),
    )
    return Rows.of_arrow(table.unify_dictionaries())


def insert(bars: Writable, *, market: str, source: str, at: datetime) -> None:
    """Add bars."""
    _copy_in(TABLE, bars, market=market, source=source, at=at, created=True)


def update(bars: Writable, *, market: str, source: str, at: datetime) -> None:
    """Replace bars: copied into a table of the transaction's own, then assigned from there."""
    names = ", ".join(("market", "source", "stock_code", "date", "updated_at", *COLUMNS))
    assignments = ", ".join(f"{name} = new.{name}" for name in (*COLUMNS, "updated_at"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE corrected_bars ON COMMIT DROP AS "  # noqa: S608
            f"SELECT {names} FROM {TABLE} WITH NO DATA"
        )
        _copy_in("corrected_bars", bars, market=market, source=source, at=at, created=False)
        # Without statistics the planner would read the whole record to correct a few bars.
        cursor.execute("ANALYZE corrected_bars")
        cursor.execute(
            f"UPDATE {TABLE} AS old SET {assignments} FROM corrected_bars AS new "  # noqa: S608
            "WHERE old.stock_code = new.stock_code AND old.market = new.market "
            "AND old.date = new.date AND old.source = new.source"
        )
        cursor.execute("DROP TABLE corrected_bars")


def _copy_in(
    table: str, bars: Writable, *, market: str, source: str, at: datetime, created: bool
) -> None:
    known = bars.known
    stamps = ("created_at", "updated_at") if created else ("updated_at",)
    names = ", ".join(("market", "source", *stamps, "stock_code", "date", *known))
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
            fields += [copy_binary.floats(part.values[name]) for name in known]
            copy.write(copy_binary.rows(fields))
        copy.write(copy_binary.TRAILER)
