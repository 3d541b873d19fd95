"""PostgreSQL knows what is in a table as soon as much was written to it."""

from __future__ import annotations

import pytest
from django.db import connection

from marketdata.models import StockPrice
from marketdata.operations import analyze_tables

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.backend]


def test_many_rows_and_few() -> None:
    analyze_tables.analyze(analyze_tables.MANY, StockPrice)  # nothing elsewhere
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO marketdata_stockprice (market, stock_code, date, source, open, high, low, close, volume, "
            "created_at, updated_at) SELECT 'kr', n::text, '2024-05-02', 'file', 1, 1, 1, 1, 1, now(), now() "
            "FROM generate_series(1, 1000) n"
        )
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'marketdata_stockprice'")
        before = cursor.fetchone()[0]
        analyze_tables.analyze(analyze_tables.MANY - 1, StockPrice)
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'marketdata_stockprice'")
        assert cursor.fetchone()[0] == before
        analyze_tables.analyze(analyze_tables.MANY, StockPrice)
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'marketdata_stockprice'")
        assert cursor.fetchone()[0] == 1000
