"""Index series of the exchange's Open API in the record."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from marketdata.models import IndexBar
from marketdata.operations.collect.index_levels import IndexCollection, collect_index_levels
from tests.exchanges.krx_open_api import KEY, KrxOpenApi
from tests.marketdata.sources.krx.krx_setup import krx_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

THURSDAY, FRIDAY = date(2026, 8, 13), date(2026, 8, 14)
NOW = datetime(2026, 8, 18, 1, 0, tzinfo=UTC)
LEVELS = {
    THURSDAY: {"코스피": (3_200.5, 3_230.0, 3_190.25, 3_225.66), "코스피 200": (430.0, 436.0, 429.5, 435.1)},
    FRIDAY: {
        "코스피": (3_225.0, 3_260.0, 3_220.0, 3_251.12),
        "코스피 200": (435.0, 440.0, 434.0, 438.9),
        "코스닥": (812.0, 820.5, 810.0, 815.26),
    },
}


def collect() -> IndexCollection:
    with krx_source({}, now=NOW) as (exchange, source):
        exchange.indices = LEVELS
        return collect_index_levels(source, "kr", since=THURSDAY, clock=lambda: NOW)


def test_series_by_name_with_thousands_and_rows_without_prices() -> None:
    report = collect()
    assert {series: counts.new for series, counts in report.counts.items()} == {"KOSPI": 2, "KS200": 2, "KOSDAQ": 1}
    row = IndexBar.objects.get(market="kr", name="KOSPI", date=THURSDAY)
    assert (row.high, row.low, row.close) == (3_230.0, 3_190.25, 3_225.66)
    assert not report.failures


def test_an_index_of_the_same_name_in_another_class_is_another_one() -> None:
    with krx_source({}, now=NOW) as (exchange, source):
        exchange.indices, exchange.other_classes = LEVELS, ("KRX", "테마")
        collect_index_levels(source, "kr", since=THURSDAY, clock=lambda: NOW)
    closes = IndexBar.objects.filter(date=FRIDAY).order_by("name").values_list("name", "close")
    assert list(closes) == [("KOSDAQ", 815.26), ("KOSPI", 3_251.12), ("KS200", 438.9)]


def test_an_index_that_its_class_lists_twice_is_not_recorded() -> None:
    with krx_source({}, now=NOW) as (exchange, source):
        exchange.indices, exchange.other_classes = LEVELS, ("KOSPI",)
        report = collect_index_levels(source, "kr", since=FRIDAY, clock=lambda: NOW)
    assert not IndexBar.objects.exists()
    assert "The index 코스피 changed: expected one row of KOSPI" in report.failures[FRIDAY]


def test_a_series_that_was_missing_is_requested_again() -> None:
    collect()
    report = collect()
    assert {series: (counts.new, counts.unchanged) for series, counts in report.counts.items()} == {
        "KOSPI": (0, 1),
        "KS200": (0, 1),
    }


def test_the_command(settings: Any, capsys: Any) -> None:
    with KrxOpenApi({}) as exchange:
        exchange.indices = LEVELS
        settings.SOURCES = settings.SOURCES | {"krx": {"api_key": KEY, "base_url": exchange.url, "per_second": 1_000}}
        with pytest.raises(CommandError, match="no row of any series"):
            call_command("collect_index", "--since", "2026-08-13")
    assert "KOSPI: 2 new, 0 corrected" in capsys.readouterr().out


def test_a_service_that_is_not_approved_is_named_and_the_others_are_collected(settings: Any, capsys: Any) -> None:
    with KrxOpenApi({}) as exchange:
        exchange.indices, exchange.unapproved = LEVELS, {"idx/kosdaq_dd_trd"}
        settings.SOURCES = settings.SOURCES | {"krx": {"api_key": KEY, "base_url": exchange.url, "per_second": 1_000}}
        with pytest.raises(CommandError, match=r"not approved service idx/kosdaq_dd_trd for this key: request it at"):
            call_command("collect_index", "--since", "2026-08-13")
        assert "KOSPI: 2 new" in capsys.readouterr().out
        exchange.unapproved.add("idx/kospi_dd_trd")
        with pytest.raises(CommandError, match="idx/kospi_dd_trd"):
            call_command("collect_index", "--since", "2026-08-13")


def test_days_beyond_the_calls_of_today_are_left_to_another_run() -> None:
    """Of 5 calls 4 can be planned: two days of two services."""
    monday = date(2026, 8, 10)
    with krx_source({}, now=NOW, calls_a_day=5) as (exchange, source):
        exchange.indices = dict.fromkeys((monday, date(2026, 8, 11), date(2026, 8, 12)), LEVELS[FRIDAY])
        report = collect_index_levels(source, "kr", since=monday, clock=lambda: NOW)
        assert (report.counts["KOSPI"].new, report.later) == (2, 3)  # Thursday and Friday, too
        report = collect_index_levels(source, "kr", since=monday, clock=lambda: NOW)
        assert (sum(exchange.calls.values()), report.later) == (4, 3)
