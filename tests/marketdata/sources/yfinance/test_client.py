"""The source yfinance: without its library one sentence; with it, the library itself against an imitation of Yahoo."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketdata.models import Instrument, StockPrice
from marketdata.operations import collect
from marketdata.operations.collect import CollectionOptions
from marketdata.operations.collect.instruments import sync
from marketdata.sources.base import SourceError, SourceRefused, SourceUnavailable, UnknownInstrument
from marketdata.sources.daily import BarAnswer, BarRequest
from marketdata.sources.http.client import HttpClient
from marketdata.sources.yfinance import client
from marketdata.sources.yfinance.client import YfinanceSettings, YfinanceSource
from tests.exchanges.row_faults import ROW_FAULTS
from tests.exchanges.yahoo import YahooExchange, yahoo_market
from tests.marketdata.operations.us_setup import trading_days

DAYS = trading_days(60)


@pytest.fixture
def yahoo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[YahooExchange, YfinanceSource]]:
    """The imitation and a source over it."""
    import yfinance

    yfinance.set_tz_cache_location(str(tmp_path))
    monkeypatch.setattr(client, "REST", 0.05)
    with YahooExchange(yahoo_market(DAYS, "AAPL", "BRK-B")) as exchange:
        settings = YfinanceSettings(enabled=True, symbols=("AAPL", "BRK.B"), base_url=exchange.url, per_second=10_000)
        source = YfinanceSource(settings, HttpClient(), wall_clock=lambda: exchange.clock())
        yield exchange, source
        source.close()


def _after(session: date) -> datetime:
    return datetime.combine(session + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=20)


def fetch(source: YfinanceSource, code: str) -> BarAnswer | SourceError:
    [(_, answer)] = source.daily_bars_of([BarRequest(code, DAYS[10], DAYS[-1])])
    return answer


@pytest.mark.django_db
def test_a_collection_records_the_raw_bars_of_the_setting(yahoo: tuple[YahooExchange, YfinanceSource]) -> None:
    exchange, source = yahoo
    at = _after(DAYS[-1])
    sync(source, market="us", as_of=at)
    options = CollectionOptions(since=DAYS[0])
    report = collect.run(source, "us", options, clock=lambda: at, callbacks=collect.Callbacks())[1]
    assert not report.failures
    columns = ("stock_code", "date", "open", "high", "low", "close", "volume")
    recorded = set(StockPrice.objects.filter(source="yfinance").values_list(*columns))
    assert recorded == {
        (symbol.replace("-", "."), *bar[:6]) for symbol, each in exchange.listed.items() for bar in each.bars
    }
    base = StockPrice.objects.get(stock_code="AAPL", date=DAYS[30]).base_price
    assert base == pytest.approx(exchange.listed["AAPL"].bars[29].close / 4)
    assert Instrument.objects.get(code="BRK.B").segment == "US"
    assert (report.calls, exchange.calls["/v8/finance/chart/AAPL"]) == (4, 2)


@pytest.mark.django_db
@pytest.mark.parametrize("fault", [*ROW_FAULTS, "other"])
def test_nothing_wrong_is_recorded_and_clean_runs_complete(
    yahoo: tuple[YahooExchange, YfinanceSource], fault: str
) -> None:
    """Half of the answers are faulty, the first or the second of a pair: no two are wrong alike."""
    exchange, source = yahoo
    at = _after(DAYS[-1])
    served = {(symbol.replace("-", "."), *bar[:6]) for symbol, each in exchange.listed.items() for bar in each.bars}
    columns = ("stock_code", "date", "open", "high", "low", "close", "volume")
    recorded = StockPrice.objects.filter(source="yfinance").values_list(*columns)
    sync(source, market="us", as_of=at)
    options = CollectionOptions(since=DAYS[0])
    exchange.faults.only = "AAPL"
    exchange.faults.next(fault, None, None, fault, fault, fault, None, fault)
    for _ in range(3):
        collect.run(source, "us", options, clock=lambda: at, callbacks=collect.Callbacks())
        assert set(recorded.all()) <= served
    assert exchange.faults.hit[fault]
    exchange.faults.queue.clear()
    for _ in range(3):
        report = collect.run(source, "us", options, clock=lambda: at, callbacks=collect.Callbacks())[1]
    assert not report.failures
    assert set(recorded.all()) == served


def test_one_reading_is_half_the_calls(yahoo: tuple[YahooExchange, YfinanceSource]) -> None:
    exchange, _ = yahoo
    settings = YfinanceSettings(enabled=True, base_url=exchange.url, per_second=10_000, compare=False)
    source = YfinanceSource(settings, HttpClient(), wall_clock=lambda: exchange.clock())
    assert isinstance(fetch(source, "AAPL"), BarAnswer)
    assert (source.readings, source.calls_made, exchange.calls["/v8/finance/chart/AAPL"]) == (1, 1, 1)
    source.close()


@pytest.mark.parametrize("fault", ["crowded", "html", "truncated", "error", "reset", "emptied", "other"])
def test_a_failure_is_no_empty_answer(yahoo: tuple[YahooExchange, YfinanceSource], fault: str) -> None:
    exchange, source = yahoo
    exchange.faults.only = "AAPL"
    exchange.faults.burst(fault, 2)  # the library repeats a refused call once
    assert isinstance(fetch(source, "AAPL"), SourceUnavailable)
    exchange.faults.queue.clear()
    assert isinstance(fetch(source, "AAPL"), BarAnswer)


def test_a_blank_row_is_unanswered(yahoo: tuple[YahooExchange, YfinanceSource]) -> None:
    exchange, source = yahoo
    exchange.faults.only = "BRK-B"
    exchange.faults.next("spoiled")
    answer = fetch(source, "BRK.B")
    assert isinstance(answer, BarAnswer)
    assert answer.spoiled
    assert len(answer.bars) + len(answer.spoiled) == 50


def test_unknown_symbols_and_other_currencies_are_no_bars(yahoo: tuple[YahooExchange, YfinanceSource]) -> None:
    exchange, source = yahoo
    assert isinstance(fetch(source, "NONE"), UnknownInstrument)
    exchange.currency = "EUR"
    assert "in EUR" in str(fetch(source, "AAPL"))


@pytest.mark.django_db
def test_the_bar_of_an_open_session_is_refused(yahoo: tuple[YahooExchange, YfinanceSource]) -> None:
    """At noon in New York the last row is still forming: it is not recorded."""
    exchange, source = yahoo
    noon = datetime.combine(DAYS[-1], datetime.min.time(), UTC) + timedelta(hours=16)
    exchange.clock = noon.timestamp
    sync(source, market="us", as_of=noon)
    options = CollectionOptions(since=DAYS[40])
    collect.run(source, "us", options, clock=lambda: noon, callbacks=collect.Callbacks())
    recorded = StockPrice.objects.filter(source="yfinance", stock_code="AAPL").values_list("date", flat=True)
    assert max(recorded) == DAYS[-2]


def test_symbols_that_are_no_codes_and_a_missing_list_are_refused() -> None:
    with pytest.raises(SourceRefused, match="YFINANCE_SYMBOLS names '애플', which is no US code"):
        YfinanceSettings(symbols=("AAPL", "애플"))
    source = YfinanceSource(YfinanceSettings(enabled=True), HttpClient())
    with pytest.raises(SourceRefused, match="name them in YFINANCE_SYMBOLS, or import a file"):
        source.instruments("US")
    source.close()


def test_the_source_is_chosen_by_a_setting_alone(settings: Any) -> None:
    settings.SOURCES = {}
    with pytest.raises(CommandError, match="Yahoo Finance by yfinance is not configured: set YFINANCE_ENABLED"):
        call_command("collect_prices", market="us", source="yfinance")


@pytest.mark.django_db
def test_a_missing_library_is_one_sentence(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yfinance", None)  # its import fails
    settings.SOURCES = {"yfinance": {"enabled": True}}
    sentence = "needs a library that is not installed: pip install -r requirements/yfinance.txt"
    with pytest.raises(CommandError, match=sentence):
        call_command("collect_prices", market="us", source="yfinance")
    out = StringIO()
    call_command("sources", stdout=out)
    assert "its library is missing: pip install -r requirements/yfinance.txt, unofficial" in out.getvalue()
