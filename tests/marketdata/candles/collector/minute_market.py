"""The minutes of KRW-BTC up to a day in September 2025, and a collection of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.collections import CandleStore
from marketdata.candles.collector.collector import Collector, Outcome
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.timeframes import Grid, as_datetime, get_timeframe, moment
from marketdata.sources.base import CandlePage, Candles
from tests.marketdata.candles.collector.naive import utc
from tests.marketdata.candles.collector.stores import ListSource, MemoryStore

END = moment(utc("2025-09-10T00:00:00"))
NOW = END + 3600 + 30
SERIES = Series("upbit", "KRW-BTC", Grid(get_timeframe("1m")))


def minutes(count: int, end: int = END) -> list[int]:
    return [end - 60 * (n + 1) for n in range(count)]


def collect(source: ListSource, store: CandleStore, **overrides: object) -> Outcome:
    """Collect a request on KRW-BTC (`given`, 1m by default) with collector options under `options`."""
    options: Any = overrides.pop("options", {})
    request = CandleRequest("KRW-BTC", **{"timeframe": "1m", **overrides})  # type: ignore[arg-type]
    collector = Collector(source, store, **({"pause": lambda seconds: None} | options))
    return collector.collect(request, as_of=as_datetime(source.now))


def recorded(store: MemoryStore, series: Series = SERIES) -> list[int]:
    return sorted(store.rows.get(series, {}))


def nothing(page: CandlePage) -> CandlePage:
    return replace(page, candles=Candles.empty(), received=0)


class Killed(BaseException):
    """The process ends here."""
