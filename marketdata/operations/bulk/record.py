"""The record's bars by the column. Two databases, one face: `sqlite` and `postgresql` each answer `read`,
`insert` and `update`; every value reaches them as a bound parameter or a COPY field, never inside the SQL.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from django.db import connection

from marketdata.operations.bulk import postgresql, sqlite
from marketdata.operations.bulk.rows import Rows, Writable


class Database(Protocol):
    """What a database must be able to do."""

    def read(self, where: str, params: list[object]) -> Rows: ...
    def insert(self, bars: Writable, *, market: str, source: str, at: datetime) -> None: ...
    def update(self, bars: Writable, *, market: str, source: str, at: datetime) -> None: ...


def _database() -> Database:
    return postgresql if connection.vendor == "postgresql" else sqlite


def month_rows(market: str, first_day: date, last_day: date) -> Rows:
    """Every source's bars of a market from `first_day` to `last_day`, both included."""
    return _database().read("market = %s AND date BETWEEN %s AND %s", [market, first_day, last_day])


def source_rows(
    market: str,
    source: str,
    *,
    days: tuple[date, date] | None = None,
    codes: tuple[str, str] | None = None,
) -> Rows:
    """One source's bars between two days or between two codes, both included. Give the one that selects
    fewer rows: each is answered by its own index."""
    if (days is None) == (codes is None):
        raise ValueError("give either days or codes")
    if days is not None:
        return _database().read(
            "date BETWEEN %s AND %s AND source = %s AND market = %s", [*days, source, market]
        )
    assert codes is not None  # noqa: S101 - said above
    return _database().read(
        "stock_code BETWEEN %s AND %s AND market = %s AND source = %s", [*codes, market, source]
    )


def insert(bars: Writable, *, market: str, source: str, at: datetime) -> None:
    """Write bars that are not recorded yet; `IntegrityError` where one is. Call it inside a transaction."""
    if len(bars):
        _database().insert(bars, market=market, source=source, at=at)


def update(bars: Writable, *, market: str, source: str, at: datetime) -> None:
    """Replace the values of recorded bars. Call it inside a transaction."""
    if len(bars):
        _database().update(bars, market=market, source=source, at=at)


def lock(market: str) -> None:
    """Wait until nobody else writes bars of this market; held to the end of the transaction. SQLite has one writer
    at a time anyway: its transactions begin IMMEDIATE."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"marketdata:{market}"])
