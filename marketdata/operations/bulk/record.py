"""The record's bars and flows by the column. Two databases, one interface: `sqlite` and `postgresql` each have `read`,
`insert` and `update`; every value reaches them as a bound parameter or a COPY field, never inside the SQL.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from django.db import connection

from marketdata.operations.bulk import postgresql, sqlite
from marketdata.operations.bulk.rows import BAR_TABLE, Rows, Table, WriteBatch


class Database(Protocol):
    """The interface of a database."""

    def read(self, table: Table, where: str, params: list[object]) -> Rows: ...
    def insert(self, table: Table, bars: WriteBatch, *, market: str, source: str, at: datetime) -> None: ...
    def update(self, table: Table, bars: WriteBatch, *, market: str, source: str, at: datetime) -> None: ...


def _database() -> Database:
    return postgresql if connection.vendor == "postgresql" else sqlite


def month_rows(market: str, first_day: date, last_day: date, *, table: Table = BAR_TABLE) -> Rows:
    """Every source's rows of a market from `first_day` to `last_day`, both included."""
    where = "market = %s AND date BETWEEN %s AND %s"
    return _database().read(table, where, [market, first_day, last_day])


def code_rows(market: str, codes: tuple[str, str], days: tuple[date, date], *, table: Table = BAR_TABLE) -> Rows:
    """The same of the instruments between two codes, both included: quicker where that selects few of them."""
    where = "stock_code BETWEEN %s AND %s AND date BETWEEN %s AND %s AND market = %s"
    return _database().read(table, where, [*codes, *days, market])


def source_rows(
    market: str,
    source: str,
    *,
    days: tuple[date, date] | None = None,
    codes: tuple[str, str] | None = None,
    table: Table = BAR_TABLE,
) -> Rows:
    """One source's rows between two days or between two codes, both included. Give the one that selects
    fewer rows: each is answered by its own index."""
    if (days is None) == (codes is None):
        raise ValueError("give either days or codes")
    if days is not None:
        return _database().read(
            table, "date BETWEEN %s AND %s AND source = %s AND market = %s", [*days, source, market]
        )
    assert codes is not None  # noqa: S101 - checked above
    return _database().read(
        table, "stock_code BETWEEN %s AND %s AND market = %s AND source = %s", [*codes, market, source]
    )


def insert(bars: WriteBatch, *, market: str, source: str, at: datetime, table: Table = BAR_TABLE) -> None:
    """Write rows that are not recorded yet; `IntegrityError` where one is. Call it inside a transaction."""
    if len(bars):
        _database().insert(table, bars, market=market, source=source, at=at)


def update(bars: WriteBatch, *, market: str, source: str, at: datetime, table: Table = BAR_TABLE) -> None:
    """Replace the values of recorded rows. Call it inside a transaction."""
    if len(bars):
        _database().update(table, bars, market=market, source=source, at=at)


def lock(market: str) -> None:
    """Lock the bars of this market against other writers until the end of the transaction. SQLite has one writer at a
    time anyway: its transactions begin IMMEDIATE."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"marketdata:{market}"])
