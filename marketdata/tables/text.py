"""A table as CSV (RFC 4180, UTF-8), the writer of the API and of the commands.

A spreadsheet takes text that begins with =, +, -, @ or a control character for a formula: such text gets an apostrophe
in front. Numbers are never touched, negative ones neither, and percent stays percent. A byte order mark comes first
unless it is unwanted: without it Excel takes the file for one in the code page of its country, and Korean names are
lost.

A code such as 005930 is written as it is. Excel shows it as the number 5930 all the same when it opens a CSV file, and
what would keep it from that (="005930") is a formula: the workbook (`workbook`) has codes as text.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from marketdata.tables.table import Table, batches

BATCH = 1_000
MARK = "\ufeff"
ENCODINGS = ("utf-8-sig", "utf-8")
"""With the byte order mark, for people; without it, for programs."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # full width counts too


def csv_chunks(table: Table, encoding: str = ENCODINGS[0]) -> Iterator[bytes]:
    """The table, a batch of rows at a time."""
    stream = io.StringIO()
    if encoding == ENCODINGS[0]:
        stream.write(MARK)
    writer = csv.writer(stream)
    writer.writerow([neutralise(name) for name in table.names])
    for batch in batches(table.rows, BATCH):
        writer.writerows([_cell(column.of(row)) for column in table.columns] for row in batch)
        yield stream.getvalue().encode()
        stream.seek(0)
        stream.truncate()
    yield stream.getvalue().encode()


def neutralise(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def flatten(value: Any) -> Any:
    """A value as one cell: a list of words joined by blanks, other lists and mappings as JSON; None for a number that
    is not finite."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    value = flatten(value)
    if isinstance(value, float):
        return plain_number(value)
    return neutralise(value) if isinstance(value, str) else value


def plain_number(value: float) -> str:
    """The shortest digits of the number that are exact, never with an exponent."""
    text = repr(float(value))
    return f"{Decimal(text):f}" if "e" in text else text
