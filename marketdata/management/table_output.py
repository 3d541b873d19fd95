"""Tables that commands write: CSV to the terminal or into a file, Parquet and Excel into a file."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.core.management.base import CommandError, OutputWrapper

from marketdata.tables.parquet import parquet_file
from marketdata.tables.table import Table
from marketdata.tables.text import ENCODINGS, csv_chunks
from marketdata.tables.workbook import TooManyRows, xlsx_file

TABLES = ("csv", "parquet", "xlsx")
"""The forms of `write`."""
BINARY = {"parquet": ("Parquet", parquet_file), "xlsx": ("An Excel workbook", xlsx_file)}


def refuse_terminal(form: str, output: Path | None) -> None:
    """CommandError for a binary form without an output file."""
    if form in BINARY and output is None:
        raise CommandError(f"{BINARY[form][0]} goes into a file: name one with --output.")


def write(table: Table, form: str, output: Path | None, terminal: OutputWrapper, encoding: str) -> None:
    """Write the table in one of `TABLES` to `output`, else to the terminal, there without a byte order mark."""
    refuse_terminal(form, output)
    if output is None:
        chosen = ENCODINGS[1] if terminal.isatty() else encoding
        for chunk in csv_chunks(table, chosen):
            terminal.write(chunk.decode(), ending="")
        return
    try:
        if form == "csv":
            with output.open("wb") as file:
                file.writelines(csv_chunks(table, encoding))
            return
        with BINARY[form][1](table) as stream, output.open("wb") as file:
            shutil.copyfileobj(stream, file)
    except TooManyRows as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror or error}.") from error
