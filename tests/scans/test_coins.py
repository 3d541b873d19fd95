"""Coins as markets of their own: listed, collected, projected and scanned from an imitated exchange."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from marketdata.models import Instrument, InstrumentStatus, StockPrice
from marketdata.operations import collect
from marketdata.operations.collect import CollectionOptions, CollectionReport, instruments
from marketdata.operations.projection import current_lake
from marketdata.sources.bithumb import client as bithumb
from marketdata.sources.http.client import HttpClient
from marketdata.sources.upbit import client as upbit
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.exchanges.upbit import BithumbExchange, Book, Tick, UpbitExchange

pytestmark = pytest.mark.django_db

DAY = 86_400
NOW = datetime(2025, 9, 10, 5, 30, tzinfo=UTC)
TODAY = date(2025, 9, 10)
DAYS = 420
QUIET = 100  # the day, counted from the first, on which one coin was not traded


def coin(seed: int, days: int = DAYS) -> list[Tick]:
    """A coin that trades around midnight UTC each day up to today, whose day is still forming."""
    draw, result = random.Random(seed), []
    midnight = int(NOW.timestamp()) // DAY * DAY
    price = draw.choice((0.8, 40.0, 900.0, 65_000.0, 150_000_000.0))
    for n in range(days):
        close = price * draw.lognormvariate(0.001, 0.04)
        high, low = max(price, close) * 1.01, min(price, close) * 0.99
        volume = draw.lognormvariate(0.0, 0.7) * 5e9 / close
        opened = midnight - (days - 1 - n) * DAY
        result.append(Tick(opened, price, high, low, close, volume))
        price = close
    return result


def book() -> Book:
    coins = {f"KRW-C{n:02d}": coin(n) for n in range(24)}
    del coins["KRW-C01"][QUIET]
    coins["KRW-NEW"] = coin(90, 30)
    return coins | {"BTC-C01": coin(91), "USDT-C02": coin(92)}


@pytest.fixture
def coins(data_dir: Path) -> Book:
    return book()


def evening(source: Any, market: str) -> CollectionReport:
    """What one evening's collection does."""
    plan = collect.make_plan(source, market=market, options=CollectionOptions(overlap=2), as_of=NOW)
    return collect.execute_plan(source, plan, clock=lambda: NOW)


@pytest.mark.slow
def test_coins_of_upbit_are_collected_and_scanned(coins: Book) -> None:
    with UpbitExchange(coins, per_second=100_000, clock=NOW.timestamp) as exchange:
        http = HttpClient(wall_clock=NOW.timestamp)
        source = upbit.source(http, base_url=exchange.url, per_second=100_000)
        assert instruments.sync(source, market="upbit", as_of=NOW).listed == 25
        report = evening(source, "upbit")
        assert (report.failures, report.rejected) == ({}, {})
        calls = sum(exchange.calls.values())
        assert evening(source, "upbit").calls == 0
        assert sum(exchange.calls.values()) == calls
        source.close()

    quoted_in_won = [code for code in coins if code.startswith("KRW-")]
    assert set(Instrument.objects.values_list("code", flat=True)) == set(quoted_in_won)
    bars = StockPrice.objects.filter(market="upbit", source="upbit")
    recorded = bars.values_list("stock_code", "date", "open", "high", "low", "close", "volume")
    assert sorted(recorded) == sorted(
        (code, day_of(tick), *tick[1:])
        for code in quoted_in_won
        for tick in coins[code]
        if day_of(tick) < TODAY  # a day that is forming never enters the record
    )
    lines = InstrumentStatus.objects.values_list("segment", "kind").distinct()
    assert list(lines) == [("KRW", "common")]
    assert InstrumentStatus.objects.count() == len(quoted_in_won)

    record = current_lake.current_record("upbit")
    assert record.sessions[-1].item() == TODAY - timedelta(days=1)
    assert record.last_complete_session(NOW) == TODAY - timedelta(days=1)
    result = scanned("upbit", "v2", "v2-crypto", "seismograph-crypto")
    assert [scan.error for scan in result] == ["", "", ""]
    v2, crypto, _ = (scan.answers for scan in result)
    assert {answer.universe for answer in crypto} == {24}  # the new coin has too few sessions
    assert all(answer.status in ("published", "no_match") for answer in crypto)
    assert sum(answer.matched for answer in crypto) >= sum(answer.matched for answer in v2)
    assert sum(answer.matched for answer in crypto) > 0
    assert [scan.version.slug for scan in scanned("upbit")] == ["v2-crypto"]


@pytest.mark.slow
def test_days_of_bithumb_are_korean_days(coins: Book) -> None:
    some = {code: coins[code] for code in ("KRW-C00", "KRW-C01", "BTC-C01")}
    with BithumbExchange(some, per_second=100_000, clock=NOW.timestamp) as exchange:
        http = HttpClient(wall_clock=NOW.timestamp)
        source = bithumb.source(http, base_url=exchange.url, per_second=100_000)
        assert instruments.sync(source, market="bithumb", as_of=NOW).listed == 2
        assert evening(source, "bithumb").failures == {}
        source.close()
    days = StockPrice.objects.filter(market="bithumb", stock_code="KRW-C00")
    # 00:00 UTC is 09:00 in Seoul, in the day of the same date; today's has not ended there either.
    assert list(days.order_by("date").values_list("date", flat=True)) == [
        day_of(tick) for tick in some["KRW-C00"] if day_of(tick) < TODAY
    ]
    current_lake.current_record("bithumb")


def day_of(tick: Tick) -> date:
    return datetime.fromtimestamp(tick.opened, UTC).date()


def scanned(market: str, *versions: str) -> Any:
    """The last thirty sessions, by these versions or by the market's active one."""
    last = TODAY - timedelta(days=1)
    first = last - timedelta(days=29)
    return run_scan(RunRequest(market=market, versions=versions, first=first, last=last, as_of=NOW))
