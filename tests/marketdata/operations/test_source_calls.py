"""The record of calls to sources: counts of their day, the last refusal, and no waiting for a locked database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection

from marketdata.models import SourceVisit
from marketdata.operations import source_calls, sources
from marketdata.queries.call_records import call_records
from marketdata.sources.http.call_log import CallLog
from marketdata.sources.http.client import HttpClient
from marketdata.sources.kis.client import KisSource
from marketdata.sources.kis.settings import KisSettings
from tests.exchanges.krx_open_api import KEY, KrxOpenApi

DAY = date(2026, 8, 14)
NOON = datetime(2026, 8, 14, 3, tzinfo=UTC)
"""12:00 in Seoul."""


@pytest.fixture
def krx(settings: Any) -> Iterator[KrxOpenApi]:
    with KrxOpenApi({}) as exchange:
        options = {"api_key": KEY, "base_url": exchange.url, "per_second": 1_000}
        settings.SOURCES = settings.SOURCES | {"krx": options}
        yield exchange


@pytest.fixture
def no_calls(db: None) -> None:
    """Threads of other tests record calls in a transaction of their own, which stays where the database is kept."""
    source_calls._PENDING.clear()
    SourceVisit.objects.all().delete()


def close(at: datetime, **log: Any) -> None:
    """A client of KIS that was used at `at` is closed."""
    http = HttpClient(on_close=lambda http: source_calls.record_client(source, http))
    source = KisSource(KisSettings(), http)
    http.log = CallLog(sent=log.pop("calls", 1), sent_at=at.timestamp(), **log)
    source.close()


@pytest.mark.usefixtures("no_calls")
def test_a_source_that_is_closed_has_its_calls_on_record(krx: KrxOpenApi) -> None:
    krx.unapproved = {"idx/kosdaq_dd_trd"}
    krx.indices = {DAY: {"코스피": (3_200.5, 3_230.0, 3_190.25, 3_225.66)}}
    with closing(sources.get_index_source("kr")) as source:
        assert len(list(source.index_levels_of([DAY]))) == 1
        assert call_records() == {}
    visit = call_records()["krx"]
    assert visit.refusals == 1
    assert "has not approved service idx/kosdaq_dd_trd" in visit.refusal
    assert visit.answered_at is not None
    assert visit.refused_at is not None
    assert KEY not in visit.refusal


@pytest.mark.usefixtures("no_calls")
def test_a_source_without_a_call_has_no_record(krx: KrxOpenApi) -> None:
    sources.get_index_source("kr").close()
    assert not SourceVisit.objects.exists()


@pytest.mark.usefixtures("no_calls")
def test_counts_are_of_a_day_in_the_market() -> None:
    close(NOON, calls=40, answered_at=NOON.timestamp())
    close(NOON.replace(hour=14), calls=2, refused_at=NOON.timestamp(), refusal="EGW00201", refusals=1)
    visit = call_records()["kis"]
    assert (visit.calls, visit.refusals, visit.refusal, visit.answered_at) == (42, 1, "EGW00201", NOON)
    close(NOON.replace(hour=15), calls=3)  # 00:00 of the next day in Seoul
    visit = call_records()["kis"]
    assert (visit.calls, visit.refusals, visit.refusal) == (3, 0, "EGW00201")


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_locked_database(settings: Any) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("rows are locked, not the database")
    source_calls._PENDING.clear()
    connection.ensure_connection()
    name = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(name, uri=str(name).startswith("file:"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        close(NOON, calls=40, answered_at=NOON.timestamp())
        other.execute("ROLLBACK")
    assert call_records() == {}
    close(NOON, calls=2)
    visit = call_records()["kis"]
    assert (visit.calls, visit.answered_at) == (42, NOON)
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
