"""Bars in and out of the record by the column, as fast as each database allows."""

from marketdata.operations.bulk.record import insert, lock, month_rows, source_rows, update
from marketdata.operations.bulk.rows import COLUMNS, Rows, Writable
from marketdata.operations.bulk.upsert import upsert

__all__ = [
    "COLUMNS",
    "Rows",
    "Writable",
    "insert",
    "lock",
    "month_rows",
    "source_rows",
    "update",
    "upsert",
]
