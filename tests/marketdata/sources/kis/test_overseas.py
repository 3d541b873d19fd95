"""US daily prices against the imitation, with a recorded change, symbols that look like blanks, and class shares."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from exchange_calendars import get_calendar

from marketdata.models import Instrument, StockPrice
from marketdata.operations import collect
from marketdata.operations.collect import CollectionOptions
from marketdata.operations.collect.instruments import sync
from marketdata.sources.base import SourceChanged, UnknownInstrument
from marketdata.sources.daily import BarAnswer, BarRequest, QuoteAnswer
from marketdata.sources.http.client import HttpClient
from marketdata.sources.http.retry import RetryPolicy
from marketdata.sources.kis import overseas_parse
from marketdata.sources.kis.overseas import KisOverseasSource
from marketdata.sources.kis.overseas_parse import Listing
from marketdata.sources.kis.settings import KisSettings
from tests.exchanges.kis_overseas import KisOverseasExchange, UsBar, UsInstrument
from tests.exchanges.server import Faults


def bars(days: list[date], start: float) -> list[UsBar]:
    result, close = [], start
    for number, day in enumerate(days):
        base, close = close, round(close * (1 + ((number * 7) % 11 - 5) / 500), 4)
        result.append(UsBar(day, base, max(base, close) + 0.5, min(base, close) - 0.5, close, 1_000 + number, base))
    return result


DAYS: list[date] = list(get_calendar("XNYS", start="2025-09-02", end="2026-08-21").sessions.date[-230:])
MARKET = {
    "TSLA": UsInstrument("NAS", "Tesla", bars(DAYS, 300.0)),
    "NA": UsInstrument("NAS", "Nano Labs", bars(DAYS[-40:], 5.0), receipt="Y"),
    "BRK/B": UsInstrument("NYS", "Berkshire Hathaway", bars(DAYS[-120:], 400.0)),
    "SPY": UsInstrument("AMS", "SPDR S&P 500", bars(DAYS, 500.0), kind="3", fund="001"),
    "ABCDW": UsInstrument("NAS", "A warrant", bars(DAYS[-3:], 1.0), kind="4"),
}


def made(exchange: KisOverseasExchange) -> KisOverseasSource:
    settings = KisSettings(
        environment="real",
        app_key="PSimitationkey",
        app_secret="imitation-secret",  # noqa: S106
        base_url=exchange.url,
        master_url=f"{exchange.url}/common/master",
        per_second=10_000,
        token_every=0.001,
    )
    return KisOverseasSource(settings, HttpClient(retry=RetryPolicy(attempts=4, draw=lambda low, high: 0.0)))


@pytest.fixture
def exchange() -> Iterator[KisOverseasExchange]:
    with KisOverseasExchange(MARKET, per_second=100_000, token_every=0.0) as running:
        yield running


@pytest.fixture
def source(exchange: KisOverseasExchange) -> Iterator[KisOverseasSource]:
    source = made(exchange)
    yield source
    source.close()


def answers(source: KisOverseasSource, *requests: BarRequest) -> dict[str, Any]:
    return {request.code: answer for request, answer in source.daily_bars_of(requests)}


def expected(symbol: str, code: str) -> list[Any]:
    return [
        (
            code,
            b.session,
            b.open,
            b.high,
            b.low,
            b.close,
            b.volume,
            round(b.close * b.volume),
            pytest.approx(b.base),
            "US",
            "dr" if symbol == "NA" else "stock",
        )
        for b in MARKET[symbol].bars
    ]


def test_pages_of_a_hundred_with_base_prices(source: KisOverseasSource, exchange: KisOverseasExchange) -> None:
    result = answers(source, BarRequest("TSLA", DAYS[0], DAYS[-1]))["TSLA"]
    assert isinstance(result, BarAnswer)
    assert result.bars == expected("TSLA", "TSLA")
    assert exchange.calls["/uapi/overseas-price/v1/quotations/dailyprice"] == 3 * 2  # raw and adjusted


def test_a_recorded_change_takes_its_sign_from_the_sign_field() -> None:
    """TSLA on 2022-04-06: close 1045.76, unsigned change 45.50, sign 5: the base price is the close before, 1091.26."""
    row = {"xymd": "20220406", "clos": "1045.7600", "sign": "5", "diff": "45.5000", "rate": "-4.17"}
    row |= {"open": "1073.4700", "high": "1079.0000", "low": "1027.7000", "tvol": "29782845", "tamt": "31293512342"}
    page = overseas_parse.daily_bars(
        {"output1": {"nrec": "1"}, "output2": [row, {}]}, Listing("NAS", "TSLA"), "TSLA", "prices", is_first=True
    )
    (bar,) = page.bars
    assert bar.base_price == 1091.26
    assert (page.oldest, page.spoiled) == (date(2022, 4, 6), [])


def test_class_shares_and_symbols_that_look_like_blanks(source: KisOverseasSource) -> None:
    span = (DAYS[-5], DAYS[-1])
    result = answers(source, BarRequest("BRK.B", *span), BarRequest("NA", *span))
    assert result["BRK.B"].bars == expected("BRK/B", "BRK.B")[-5:]
    assert result["NA"].bars == expected("NA", "NA")[-5:]


def test_an_unknown_symbol_is_no_instrument_without_bars(source: KisOverseasSource) -> None:
    result = answers(source, BarRequest("GONE", DAYS[0], DAYS[-1]))["GONE"]
    assert isinstance(result, UnknownInstrument)


def test_ten_quotes_a_call(source: KisOverseasSource, exchange: KisOverseasExchange) -> None:
    ((_, result),) = source.quotes_of([("TSLA", "NA", "BRK.B", "GONE")])
    assert isinstance(result, QuoteAnswer)
    quotes = {quote.code: quote for quote in result.quotes}
    assert set(quotes) == {"TSLA", "NA", "BRK.B"}
    last = MARKET["BRK/B"].bars[-1]
    assert (quotes["BRK.B"].price, quotes["BRK.B"].volume) == (last.close, last.volume)
    assert quotes["BRK.B"].base_price == pytest.approx(last.base)
    assert exchange.calls["/uapi/overseas-price/v1/quotations/multprice"] == 1


def test_the_lists_of_instruments(source: KisOverseasSource) -> None:
    listed = {row.code: row for segment in source.segments for row in source.instruments(segment)}
    assert {code: row.kind for code, row in listed.items()} == {
        "TSLA": "stock",
        "NA": "dr",
        "BRK.B": "stock",
        "SPY": "etf",
        "ABCDW": "other",
    }
    assert {row.segment for row in listed.values()} == {"US"}


def test_a_list_of_another_shape_is_refused() -> None:
    with pytest.raises(SourceChanged, match="24 columns of NAS"):
        overseas_parse.instruments("US\t22\tNAS\tnasdaq\tTSLA".encode("cp949"), "NAS", "the list")


@pytest.mark.django_db
@pytest.mark.usefixtures("data_dir")
def test_an_evening_of_new_york(source: KisOverseasSource, exchange: KisOverseasExchange) -> None:
    """History by bars, the next session by one quote; the three before are read again, since KIS has settled them."""
    before, last = DAYS[-2:]
    exchange.today = before
    noon = datetime(2026, 8, 20, 22, 0, tzinfo=UTC)
    sync(source, market="us", as_of=noon)
    assert Instrument.objects.filter(market="us").count() == 4
    callbacks = collect.Callbacks()
    collect.run(source, "us", CollectionOptions(since=DAYS[-30]), clock=lambda: noon, callbacks=callbacks)
    exchange.today = last
    calls = source.calls_made
    after = datetime(2026, 8, 21, 22, 0, tzinfo=UTC)
    options = CollectionOptions(check_every=0)
    plan, report = collect.run(source, "us", options, clock=lambda: after, callbacks=callbacks)
    assert report.failures == {}
    assert (plan.quotes, plan.requests) == ((("BRK.B", "NA", "TSLA"),), ())
    assert {(request.start, request.end) for request in plan.settle} == {(DAYS[-4], DAYS[-2])}
    assert source.calls_made - calls == 1 + 3 * 2  # a quote; three shares, raw and adjusted
    rows = StockPrice.objects.filter(market="us", stock_code="TSLA").order_by("date")
    assert [(row.date, row.close) for row in rows] == [(bar.session, bar.close) for bar in MARKET["TSLA"].bars[-30:]]


def test_busy_answers_are_repeated(exchange: KisOverseasExchange) -> None:
    exchange.faults = Faults()
    source = made(exchange)
    try:
        exchange.faults.only = "dailyprice"
        exchange.faults.next("transient", "html")
        result = answers(source, BarRequest("TSLA", DAYS[-3], DAYS[-1]))["TSLA"]
    finally:
        source.close()
    assert result.bars == expected("TSLA", "TSLA")[-3:]
