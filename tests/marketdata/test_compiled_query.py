"""`CompiledQuery` against Django's own evaluation of the same query sets."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Thread

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from marketdata.compiled_query import CompiledQuery
from marketdata.models import Generation
from marketdata.queries.instruments import GenerationsColumn, get_generations, parse_generations

pytestmark = pytest.mark.django_db


def test_rows_equal_djangos_own_with_times_that_know_their_zone() -> None:
    changed = datetime(2026, 8, 21, 9, 30, 0, 123456, tzinfo=UTC)
    Generation.objects.create(name="kr", changed_at=changed)
    query = CompiledQuery(lambda: Generation.objects.filter(name="").values_list("name", "changed_at"))
    assert query.rows("kr") == [("kr", changed)]
    assert query.rows("us") == []


def test_values_reach_the_database_as_parameters() -> None:
    get_user_model().objects.create(username="o'brien %s")
    query = CompiledQuery(lambda: get_user_model().objects.filter(username="").values_list("username"))
    assert query.rows("o'brien %s") == [("o'brien %s",)]
    assert query.rows("' OR '1'='1") == []


@pytest.mark.django_db(transaction=True)
def test_each_thread_compiles_for_its_own_connection() -> None:
    get_user_model().objects.create(username="reader")
    query = CompiledQuery(lambda: get_user_model().objects.filter(username="").values_list("username"))
    answers = [query.rows("reader")]

    def ask() -> None:
        answers.append(query.rows("reader"))
        connection.close()

    thread = Thread(target=ask)
    thread.start()
    thread.join()
    assert answers == [[("reader",)], [("reader",)]]


def test_generations_as_a_column_equal_those_of_a_query() -> None:
    column = CompiledQuery(lambda: get_user_model().objects.values_list(GenerationsColumn()))
    get_user_model().objects.create(username="reader")
    Generation.objects.all().delete()
    assert [parse_generations(text) for (text,) in column.rows()] == [{}] == [get_generations()]
    times = {"kr": datetime(2026, 8, 21, 9, 30, 0, 120000, tzinfo=UTC), "scans": datetime(2026, 8, 21, tzinfo=UTC)}
    Generation.objects.bulk_create(Generation(name=name, changed_at=time) for name, time in times.items())
    assert [parse_generations(text) for (text,) in column.rows()] == [times] == [get_generations()]
