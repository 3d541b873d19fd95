"""US shares: the imitation of KIS, a source over it, a collection of all it serves, and the same bars as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from exchange_calendars import get_calendar

from marketdata.models import StockPrice
from marketdata.operations import collect
from marketdata.operations.collect import CollectionOptions, CollectionReport
from marketdata.operations.collect.instruments import sync
from marketdata.sources.http.client import HttpClient
from marketdata.sources.http.retry import RetryPolicy
from marketdata.sources.kis.overseas import KisOverseasSource
from marketdata.sources.kis.settings import KisSettings
from tests.exchanges.kis_overseas import KisOverseasExchange, UsInstrument
from tests.exchanges.us_market import generated_bars

DAILY_PRICES = "/uapi/overseas-price/v1/quotations/dailyprice"
Market = Mapping[str, UsInstrument]


@contextmanager
def kis_us(market: Market, **options: Any) -> Iterator[tuple[KisOverseasExchange, KisOverseasSource]]:
    """The imitation that serves `market`, and a source over it."""
    with KisOverseasExchange(market, per_second=100_000, token_every=0.0, **options) as exchange:
        key, secret = exchange.keys
        settings = KisSettings(
            app_key=key,
            app_secret=secret,
            base_url=exchange.url,
            master_url=f"{exchange.url}/common/master",
            per_second=10_000,
            token_every=0.001,
        )
        source = KisOverseasSource(settings, HttpClient(retry=RetryPolicy(draw=lambda low, high: 0.0)))
        try:
            yield exchange, source
        finally:
            source.close()


def collect_all(source: KisOverseasSource, first: date, last: date) -> CollectionReport:
    """Lists and bars of everything, on the day after the last."""
    at = datetime.combine(last + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=20)
    sync(source, market="us", as_of=at)
    options, callbacks = CollectionOptions(since=first), collect.Callbacks()
    return collect.run(source, "us", options, clock=lambda: at, callbacks=callbacks)[1]


def trading_days(count: int) -> list[date]:
    """The last sessions of New York up to 2026-08-21."""
    days: list[date] = list(get_calendar("XNYS", start="2022-06-01", end="2026-08-21").sessions.date)
    return days[-count:]


def code_of(symbol: str) -> str:
    return symbol.replace("/", ".")


def recorded_bars() -> set[tuple[Any, ...]]:
    columns = ("stock_code", "date", "open", "high", "low", "close", "volume")
    return set(StockPrice.objects.filter(market="us", source="kis-us").values_list(*columns))


def served_bars(market: Market) -> set[tuple[Any, ...]]:
    return {(code_of(symbol), *bar[:6]) for symbol, each in market.items() for bar in each.bars}


def generated_market(days: list[date], size: int) -> dict[str, UsInstrument]:
    symbols = [f"T{chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(size - 2)] + ["BRK/B", "NA"]
    exchanges = ("NAS", "NYS", "AMS")
    return {
        symbol: UsInstrument(exchanges[n % 3], f"{symbol} Inc.", generated_bars(days, n))
        for n, symbol in enumerate(symbols)
    }


def adjusted_file(market: Market, path: Path) -> Path:
    """A file of the adjusted bars of `market`, with the volumes of shares after its splits."""
    rows = []
    for symbol, each in market.items():
        for bar in each.bars:
            factor = bar.close / each.adjusted(bar).close
            rows.append((code_of(symbol), bar.session, *each.adjusted(bar)[1:5], round(bar.volume * factor)))
    columns = zip(*rows, strict=True)
    names = ("code", "date", "open", "high", "low", "close", "volume")
    pq.write_table(pa.table(dict(zip(names, map(list, columns), strict=True))), path)
    return path
