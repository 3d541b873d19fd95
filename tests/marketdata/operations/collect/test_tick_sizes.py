"""The ticks that an exchange itself gives: read each day, kept, and used for order prices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from marketdata.models import TickReading
from marketdata.operations.collect import instruments
from marketdata.queries.tick_sizes import forget_readings, get_order_grid
from marketdata.sources.bithumb import client as bithumb
from marketdata.sources.http.client import HttpClient
from marketdata.sources.upbit import client as upbit
from scans.queries.order_prices import order_prices, tick_size
from tests.exchanges.upbit import BithumbExchange, Tick, UpbitExchange

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

NOW = datetime(2025, 9, 10, 0, 10, tzinfo=UTC)
SESSION = date(2025, 9, 9)
BOOK = {code: [Tick(1_757_376_000, 1.0, 1.0, 1.0, 1.0, 1.0)] for code in ("KRW-BTC", "KRW-USDT", "BTC-ETH")}
TICKS = {"KRW-BTC": "1000", "KRW-USDT": "0.5", "BTC-ETH": "0.00000001"}
USDT: dict[str, Any] = {"market": "upbit", "session": SESSION, "segment": "KRW", "code": "KRW-USDT"}
PLAN = {"entry": 1389.0, "target": 1458.9, "stop": 1319.1}


@pytest.fixture
def exchange() -> Iterator[UpbitExchange]:
    forget_readings()
    with UpbitExchange(BOOK, per_second=100_000, clock=NOW.timestamp) as exchange:
        exchange.tick_sizes = dict(TICKS)
        yield exchange
    forget_readings()


def synced(exchange: UpbitExchange, at: datetime = NOW) -> str:
    source = upbit.source(HttpClient(wall_clock=at.timestamp), base_url=exchange.url, per_second=100_000)
    report = instruments.sync(source, market="upbit", as_of=at)
    source.close()
    return report.tick_failure


def test_the_ticks_of_a_day_are_kept_and_used_for_order_prices(exchange: UpbitExchange) -> None:
    assert synced(exchange) == ""
    (row,) = TickReading.objects.all()
    assert (row.market, row.date, row.sizes) == ("upbit", date(2025, 9, 10), {"KRW-BTC": "1000", "KRW-USDT": "0.5"})
    # the published table has 1 between 1,000 and 5,000: 1,458 and 1,320
    assert order_prices(PLAN, **USDT, close=1389.0) == {"entry": 1389.0, "target": 1458.5, "stop": 1319.5}
    assert tick_size(1389.0, **USDT) == 0.5


def test_an_instrument_without_a_tick_follows_the_published_table(exchange: UpbitExchange) -> None:
    synced(exchange)
    other: dict[str, Any] = USDT | {"code": "KRW-DOGE"}
    assert order_prices(PLAN, **other, close=1389.0) == {"entry": 1389.0, "target": 1458.0, "stop": 1320.0}


def test_other_bands_keep_the_published_tick(exchange: UpbitExchange) -> None:
    synced(exchange)
    grid = get_order_grid("upbit", SESSION, "KRW", code="KRW-USDT", near=1389.0)
    assert grid is not None
    assert [float(grid.floor(value)) for value in map(type(grid.bounds[0]), ("99.97", "1389.7", "5003"))] == [
        99.9,
        1389.5,
        5000.0,
    ]


@pytest.mark.parametrize(
    ("session", "tick"),
    [(date(2025, 9, 8), 1.0), (SESSION, 0.5), (date(2025, 9, 17), 0.5), (date(2025, 9, 18), 1.0)],
)
def test_a_reading_counts_from_its_evening_on_for_a_week(exchange: UpbitExchange, session: date, tick: float) -> None:
    synced(exchange)
    assert tick_size(1389.0, **USDT | {"session": session}) == tick


def test_a_tick_of_the_band_beside_is_no_change_of_the_table(exchange: UpbitExchange) -> None:
    """Read at 1,002,000, where the tick is 1,000; the session closed at 998,000, where it is 500."""
    synced(exchange)
    assert tick_size(998_000.0, **USDT | {"code": "KRW-BTC"}) == 500.0


@pytest.mark.parametrize("answer", [None, {"KRW-BTC": "0"}, {"KRW-BTC": "a tick"}])
def test_ticks_that_cannot_be_read_are_one_sentence_and_the_kept_ones_count(
    exchange: UpbitExchange, answer: Any
) -> None:
    synced(exchange)
    exchange.tick_sizes = answer
    failure = synced(exchange, datetime(2025, 9, 11, 0, 10, tzinfo=UTC))
    assert failure.startswith("The tick sizes of Upbit were not read: ")
    assert failure.endswith("Order prices keep those of the last 7 days, then follow its published table.")
    assert TickReading.objects.count() == 1
    assert tick_size(1389.0, **USDT | {"session": date(2025, 9, 10)}) == 0.5


def test_bithumb_gives_none(exchange: UpbitExchange) -> None:
    with BithumbExchange(BOOK, per_second=100_000, clock=NOW.timestamp) as other:
        source = bithumb.source(HttpClient(wall_clock=NOW.timestamp), base_url=other.url, per_second=100_000)
        assert instruments.sync(source, market="bithumb", as_of=NOW).tick_failure == ""
        source.close()
    assert not TickReading.objects.exists()
