"""Bars and flows in and out of the record by the column, as fast as each database allows."""

from marketdata.operations.bulk.record import code_rows, insert, lock, month_rows, source_rows, update
from marketdata.operations.bulk.rows import BAR_TABLE, COLUMNS, FLOW_TABLE, Rows, Table, WriteBatch
from marketdata.operations.bulk.upsert import upsert

__all__ = [
    "BAR_TABLE",
    "COLUMNS",
    "FLOW_TABLE",
    "Rows",
    "Table",
    "WriteBatch",
    "code_rows",
    "insert",
    "lock",
    "month_rows",
    "source_rows",
    "update",
    "upsert",
]
