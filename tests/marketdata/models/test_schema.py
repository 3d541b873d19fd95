"""The price table has the required indexes on both databases, and the shipped closures are recorded."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.management import call_command
from django.db import connection

from marketdata.models import CalendarOverride, StockPrice

pytestmark = pytest.mark.django_db


def test_the_price_tables_indexes() -> None:
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, StockPrice._meta.db_table)
    indexes = {name: one["columns"] for name, one in constraints.items() if one["index"]}
    assert indexes["price_code_date"] == ["stock_code", "date"]
    assert indexes["price_date_source"] == ["date", "source"]
    assert indexes["price_created_at"] == ["created_at"]
    kind = "brin" if connection.vendor == "postgresql" else "idx"
    assert constraints["price_created_at"]["type"] == kind
    unique = [one["columns"] for one in constraints.values() if one["unique"]]
    assert ["stock_code", "market", "date", "source"] in unique


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "marketdata", check=True, dry_run=True, verbosity=0)


def test_the_closures_that_the_calendar_does_not_know_are_recorded() -> None:
    closures = CalendarOverride.objects.filter(market="kr").order_by("date")
    assert list(closures.values_list("date", "is_open")) == [
        (date(2026, 6, 3), False),
        (date(2026, 7, 17), False),
    ]
