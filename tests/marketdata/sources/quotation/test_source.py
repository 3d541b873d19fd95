"""Upbit and Bithumb sources against their imitations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from marketdata.candles.collector.timeframes import TIMEFRAMES, Grid, moment
from marketdata.sources.base import (
    CandleSource,
    RateLimited,
    SourceChanged,
    SourceRefused,
    SourceUnavailable,
)
from marketdata.sources.bithumb import client as bithumb
from marketdata.sources.http.client import HttpClient, Timeouts
from marketdata.sources.http.retry import RetryPolicy
from marketdata.sources.quotation import parse
from marketdata.sources.quotation.bans import ban_seconds
from marketdata.sources.quotation.client import QuotationSource, remaining
from marketdata.sources.upbit import client as upbit
from tests import realdata
from tests.exchanges.server import Request, Response
from tests.exchanges.upbit import (
    BithumbExchange,
    QuotationExchange,
    UpbitExchange,
    generated,
    opening,
)

START = moment(datetime(2025, 9, 1, tzinfo=UTC))
NOW = START + 3 * 86_400 + 30
BOOK = {
    "KRW-BTC": generated(START, 3 * 1440 + 5),
    "KRW-MOC": generated(START, 3 * 1440, density=0.2, seed=2),
    "KRW-NIL": [],
}
NO_WAIT = RetryPolicy(draw=lambda low, high: 0.0)


def http(**options: object) -> HttpClient:
    return HttpClient(
        retry=NO_WAIT,
        timeouts=Timeouts(read=0.3),
        wall_clock=lambda: float(NOW),
        **options,  # type: ignore[arg-type]
    )


@pytest.fixture(params=["upbit", "bithumb"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[QuotationExchange, QuotationSource]]:
    kind = UpbitExchange if request.param == "upbit" else BithumbExchange
    module = upbit if request.param == "upbit" else bithumb
    with kind(BOOK, per_second=100_000, clock=lambda: float(NOW)) as exchange:
        source = module.source(http(), base_url=exchange.url, per_second=100_000)
        exchange.candles("KRW-BTC", "minutes/1")  # made once; a busy machine takes longer than a call may
        yield exchange, source
        source.close()


Pair = tuple[QuotationExchange, QuotationSource]


def test_it_is_a_candle_source(pair: Pair) -> None:
    source: CandleSource = pair[1]
    assert source.missing_settings() == ()
    assert source.markets() == frozenset(BOOK)


@pytest.mark.parametrize("name", [name for name in TIMEFRAMES if name != "1s"])
def test_every_timeframe_brings_the_exchanges_candles_on_the_grid_of_its_clock(pair: Pair, name: str) -> None:
    exchange, source = pair
    if name not in source.timeframes:
        with pytest.raises(SourceRefused, match="has no 1y candles"):
            source.candles(market="KRW-MOC", timeframe=name, to=None, count=5)
        return
    end = START + 3 * 86_400 - 7200
    page = source.candles(market="KRW-MOC", timeframe=name, to=end, count=5)
    unit = {"d": "days", "w": "weeks", "mo": "months", "y": "years"}
    path = f"minutes/{name[:-1]}" if name.endswith("m") else unit[name.lstrip("1")]
    expected = [c for c in exchange.candles("KRW-MOC", path) if c.opened < end][-5:]
    assert page.candles.opened.tolist() == [c.opened for c in expected]
    closed = [c for c in expected if c.opened != opening(path, NOW, exchange.day_ahead)]
    assert page.candles.close.tolist()[: len(closed)] == [c.close for c in closed]
    assert page.candles.volume.tolist()[: len(closed)] == [c.volume for c in closed]
    grid = Grid.of(name, source.calendar)
    assert all(grid.floor(opened) == opened for opened in page.candles.opened.tolist())
    assert all(opening(path, opened, exchange.day_ahead) == opened for opened in page.candles.opened.tolist())


def test_to_is_exclusive_and_read_on_the_exchanges_own_clock(pair: Pair) -> None:
    _, source = pair
    page = source.candles(market="KRW-BTC", timeframe="1m", to=START + 600, count=200)
    assert page.candles.opened.tolist() == [START + 60 * n for n in range(10)]
    assert page.received == 10


def test_the_count_is_always_sent_and_the_latest_is_requested_without_to(pair: Pair) -> None:
    exchange, source = pair
    page = source.candles(market="KRW-BTC", timeframe="1m", to=None, count=200)
    assert len(page.candles) == 200
    assert page.candles.opened[-1] == NOW // 60 * 60
    assert exchange.requests == [("", 200)]
    assert page.answered_at == NOW
    with pytest.raises(SourceRefused, match="1 to 200"):
        source.candles(market="KRW-BTC", timeframe="1m", to=None, count=201)


def test_an_unknown_market_is_refused(pair: Pair) -> None:
    with pytest.raises(SourceRefused, match="does not know this market"):
        pair[1].candles(market="KRW-NONE", timeframe="1m", to=None, count=1)


@pytest.mark.parametrize("fault", ["timeout", "reset", "cut", "error", "html", "truncated", "busy"])
@pytest.mark.slow
def test_faults_on_the_way_are_survived(pair: Pair, fault: str) -> None:
    exchange, source = pair
    exchange.faults.next(fault)
    page = source.candles(market="KRW-BTC", timeframe="1m", to=START + 600, count=10)
    assert page.candles.opened.tolist() == [START + 60 * n for n in range(10)]
    assert page.retries == 1
    assert exchange.faults.hit[fault] == 1


def test_candles_out_of_order_and_twice_are_sorted_and_counted(pair: Pair) -> None:
    exchange, source = pair
    exchange.faults.next("disorder", "duplicate", "skew")
    shuffled = source.candles(market="KRW-BTC", timeframe="1m", to=START + 600, count=10)
    assert shuffled.candles.opened.tolist() == [START + 60 * n for n in range(10)]
    twice = source.candles(market="KRW-BTC", timeframe="1m", to=START + 600, count=10)
    assert (twice.received, twice.repeated) == (10, 1)
    assert twice.candles.opened.tolist() == [START + 60 * n for n in range(1, 10)]
    ahead = source.candles(market="KRW-BTC", timeframe="1m", to=START + 600, count=10)
    assert ahead.answered_at == NOW  # a server clock that is ahead is not believed


class Banning(UpbitExchange):
    """Refuses with one body and one Retry-After header, "" for none."""

    body, retry_after = "", ""

    def answer(self, request: Request, fault: str | None) -> Response:
        response = Response(418, self.body.encode())
        if self.retry_after:
            response.headers["Retry-After"] = self.retry_after
        return response


@pytest.mark.parametrize(
    ("body", "retry_after", "seconds"),
    [
        ('{"error":{"message":"Blocked for 7 seconds"}}', "", 7.0),
        ('{"error":{"message":"Blocked for 7 seconds"}}', "30", 30.0),
        ('{"error":{"message":"Blocked for 700 seconds"}}', "30", 700.0),
        ('{"message":"3분 동안 차단되었습니다"}', "", 180.0),
        ("", "5", 5.0),
        ("", "", 60.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("exchange", ["upbit", "bithumb"])
def test_a_ban_is_honoured_for_as_long_as_it_names(exchange: str, body: str, retry_after: str, seconds: float) -> None:
    dialect = {"upbit": upbit.UPBIT, "bithumb": bithumb.BITHUMB}[exchange]
    with Banning(BOOK) as banning:
        banning.body, banning.retry_after = body, retry_after
        source = QuotationSource(dialect, HttpClient(retry=RetryPolicy(attempts=1)), base_url=banning.url)
        with pytest.raises(RateLimited) as banned:
            source.candles(market="KRW-BTC", timeframe="1m", to=None, count=1)
        source.close()
    assert banned.value.retry_after == seconds


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ("Blocked for 7 seconds", 7.0),
        ("3분 동안 차단되었습니다", 180.0),
        ("1분 30초 동안", 90.0),
        ("blocked for 1 hour and 30 minutes", 5400.0),
        ("blocked 500ms, then 2 minutes", 120.0),
        ("1,200 seconds", 1200.0),
        ("10분간 이용이 제한됩니다", 600.0),
        ("30min", 1800.0),
        ("error 418 of v1", 60.0),
        ("", 60.0),
    ],
)
def test_the_length_of_a_ban_in_words(body: str, seconds: float) -> None:
    assert ban_seconds(body.encode()) == seconds


def test_ten_calls_a_second_are_kept_to_and_never_refused() -> None:
    """At the exchange's limit scaled to 100 calls a second, so that the test is short."""
    with UpbitExchange(BOOK, per_second=100, clock=lambda: float(NOW)) as exchange:
        source = upbit.source(http(), base_url=exchange.url, per_second=100 / 1.05)
        for _ in range(130):
            source.candles(market="KRW-NIL", timeframe="1m", to=None, count=1)
        source.close()
    assert exchange.refused == {}


def test_fast_calls_are_paused_slowed_and_recover_without_a_ban() -> None:
    with UpbitExchange(BOOK, per_second=20, ban_after=5, clock=lambda: float(NOW)) as exchange:
        source = upbit.source(http(), base_url=exchange.url, per_second=1000)
        for _ in range(30):
            source.candles(market="KRW-NIL", timeframe="1m", to=None, count=1)
        source.close()
    assert exchange.refused[418] == 0


@pytest.mark.parametrize(
    ("header", "left"),
    [("group=candles; min=600; sec=9", 9), ("group=x; sec=0", 0), ("", None), (None, None)],
)
def test_the_remaining_requests_header(header: str | None, left: int | None) -> None:
    assert remaining(header) == left


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        (b"<html>", SourceUnavailable, "web page"),
        (b'[{"market": "KRW-B', SourceUnavailable, "not whole JSON"),
        (b'{"error": 1}', SourceChanged, "a list of candles"),
        (b'[{"market": "KRW-BTC"}]', SourceChanged, "candle_date_time_utc"),
        (b'[{"market": "KRW-ETH"}]', SourceChanged, "a candle of KRW-ETH"),
        (b"[3]", SourceChanged, "TypeError"),
    ],
)
def test_answers_that_do_not_fit(body: bytes, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        parse.candles(body, "KRW-BTC", "GET x/y")


def row(**changed: object) -> dict[str, object]:
    return {
        "market": "KRW-BTC",
        "candle_date_time_utc": "2025-09-01T00:00:00",
        "candle_date_time_kst": "2025-09-01T09:00:00",
        "opening_price": 10,
        "high_price": 12,
        "low_price": 9,
        "trade_price": 11,
        "timestamp": 1756684800000,
        "candle_acc_trade_price": 5,
        "candle_acc_trade_volume": 1,
    } | changed


@pytest.mark.parametrize(
    "changed",
    [
        {"high_price": 10.5},
        {"low_price": 0},
        {"low_price": 10.5},
        {"candle_acc_trade_volume": -1},
        {"candle_date_time_kst": "2025-09-01T00:00:00"},
        {"candle_date_time_utc": "yesterday"},
    ],
)
def test_impossible_candles_are_not_taken(changed: dict[str, object]) -> None:
    fine = parse.candles(json.dumps([row()]).encode(), "KRW-BTC", "GET x/y")
    assert fine.candles.close.tolist() == [11.0]
    with pytest.raises(SourceChanged):
        parse.candles(json.dumps([row(**changed)]).encode(), "KRW-BTC", "GET x/y")


@pytest.mark.parametrize("name", list(row()))
@pytest.mark.parametrize("blank", [None, ""])
def test_a_blank_is_no_value_and_is_requested_again(name: str, blank: object) -> None:
    rows = [row(), row(**{name: blank})]
    with pytest.raises(SourceUnavailable, match=f"without {name}"):
        parse.candles(json.dumps(rows).encode(), "KRW-BTC", "GET x/y")


def test_recorded_candles_of_the_exchange_are_read_as_they_are() -> None:
    table = pq.read_table(realdata.path("upbit_fields_2025.parquet")).to_pandas()
    for (market, _), rows in table.groupby(["market", "unit"]):
        body = rows.drop(columns="unit").to_json(orient="records").encode()
        page = parse.candles(body, str(market), "GET x/y")
        ordered = rows.drop_duplicates("candle_date_time_utc").sort_values("candle_date_time_utc")
        times = ordered.candle_date_time_utc.map(lambda t: moment(datetime.fromisoformat(t + "+00:00")))
        assert page.candles.opened.tolist() == times.tolist()
        assert page.candles.close.tolist() == ordered.trade_price.tolist()
        assert page.candles.ticked_ms.tolist() == ordered.timestamp.tolist()
