"""A table as an Excel workbook: dates are dates, codes text, numbers numbers, and nothing is a formula or a link.

Written row by row, so that memory does not grow with the table. Times are in UTC, since Excel knows no zones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import IO, Any

import pyarrow as pa

from marketdata.tables.table import Table
from marketdata.tables.text import flatten

IN_MEMORY = 8 * 1024 * 1024
MOST_ROWS = 1_048_575
"""Rows of a sheet below its heading."""
LONGEST = 32_767
"""Characters of a cell."""
EXACT = 2**53
"""The largest number up to which Excel knows every integer."""
CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 (the same table is the same file)
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}

Write = Callable[[int, int, Any], Any]


class TooManyRows(ValueError):
    """The table has more rows than a sheet."""


def xlsx_file(table: Table) -> IO[bytes]:
    """The file, positioned at its beginning. TooManyRows where the table does not fit a sheet."""
    import xlsxwriter  # a tenth of a second, for this form alone

    file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (its reader closes it)
    try:
        book = xlsxwriter.Workbook(file, OPTIONS)
        book.set_properties({"created": CREATED})
        _fill(book, table)
        book.close()
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _fill(book: Any, table: Table) -> None:
    sheet = book.add_worksheet("Seismo")
    head = book.add_format({"bold": True})
    formats = {name: book.add_format({"num_format": text}) for name, text in FORMATS.items()}
    writes = []
    for n, column in enumerate(table.columns):
        kind = _kind(column.type)
        sheet.set_column(n, n, WIDTHS[kind], formats.get(kind))
        writes.append(_writer(sheet, kind, formats.get(kind)))
    sheet.freeze_panes(1, 0)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{MOST_ROWS + 1}"})
    for n, name in enumerate(table.names):
        sheet.write_string(0, n, name[:LONGEST], head)
    for number, row in enumerate(table.rows, 1):
        if number > MOST_ROWS:
            raise TooManyRows(
                f"An Excel sheet has at most {MOST_ROWS:,} rows: take csv or parquet, or a shorter range."
            )
        for n, (column, write) in enumerate(zip(table.columns, writes, strict=True)):
            value = column.of(row)
            if value is not None:
                write(number, n, value)


FORMATS = {"date": "yyyy-mm-dd", "time": "yyyy-mm-dd hh:mm:ss", "text": "@"}
WIDTHS = {"date": 11, "time": 20, "text": 14, "number": 14, "truth": 8}


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_timestamp(kind):
        return "time"
    if pa.types.is_boolean(kind):
        return "truth"
    return "number" if pa.types.is_integer(kind) or pa.types.is_floating(kind) else "text"


def _writer(sheet: Any, kind: str, form: Any) -> Write:
    """The function that writes a value of that kind into a cell; a value of another kind is written as text."""

    def text(row: int, column: int, value: Any) -> None:
        value = flatten(value)
        if value is not None:
            sheet.write_string(row, column, str(value)[:LONGEST], form)

    def number(row: int, column: int, value: Any) -> None:
        value = flatten(value)
        if not isinstance(value, int | float) or (abs(value) > EXACT and isinstance(value, int)):
            text(row, column, value)
        else:
            sheet.write_number(row, column, value, form)

    def truth(row: int, column: int, value: Any) -> None:
        sheet.write_boolean(row, column, value, form)

    def day(row: int, column: int, value: Any) -> None:
        moment = date.fromisoformat(value) if isinstance(value, str) else value
        sheet.write_datetime(row, column, moment, form)

    def time(row: int, column: int, value: Any) -> None:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        sheet.write_datetime(row, column, moment, form)

    return {"text": text, "number": number, "truth": truth, "date": day, "time": time}[kind]
