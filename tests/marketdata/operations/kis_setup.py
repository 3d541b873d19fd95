"""The imitation of KIS, a source over it, and collections of an evening."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Self

from caching.circuit_breaker import CircuitBreaker
from marketdata.models import Instrument, StockPrice
from marketdata.operations import collect
from marketdata.operations.collect import CollectionOptions, CollectionPlan, CollectionReport
from marketdata.queries.market_calendar import get_sessions
from marketdata.sources.http.client import HttpClient, Timeouts
from marketdata.sources.http.limiter import Limiter
from marketdata.sources.http.rate_limit_stores import ProcessRateLimits
from marketdata.sources.http.retry import RetryPolicy
from marketdata.sources.kis.client import KisSource
from marketdata.sources.kis.settings import KisSettings
from tests.exchanges.kis import KisExchange
from tests.exchanges.kis_market import Bar, generated_bars
from tests.exchanges.kis_market import Instrument as Listed

NEVER = CollectionOptions(check_every=0)


def fast_clock() -> float:
    """A clock that runs a hundred times as fast, so that tests do not wait as long as an exchange demands."""
    return time.monotonic() * 100.0


async def short_pause(seconds: float) -> None:
    await asyncio.sleep(seconds / 100.0)


@cache
def sessions() -> list[date]:
    """The 260 sessions of KRX up to 2026-08-21."""
    days = get_sessions("kr")
    result: list[date] = days[days <= days.dtype.type("2026-08-21")][-260:].tolist()
    return result


def evening(session: date) -> datetime:
    """18:00 in Seoul."""
    return datetime(session.year, session.month, session.day, 9, 0, tzinfo=UTC)


def generated_instruments(size: int) -> dict[str, Listed]:
    """Instruments with bars on all sessions."""
    return {
        f"{number:05d}0": Listed(f"종목{number}", generated_bars(sessions(), number)) for number in range(1, size + 1)
    }


class KisSetup:
    """The imitation and a source over it."""

    source: KisSource

    def __init__(self, market: dict[str, Listed], **options: Any) -> None:
        self.market = market
        self.exchange = KisExchange(market, **{"per_second": 100_000, "token_every": 0.0} | options)

    def __enter__(self) -> Self:
        self.exchange.__enter__()
        self.source = self.make()
        return self

    def __exit__(self, *raised: object) -> None:
        self.source.close()
        self.exchange.__exit__()

    def make(self, **options: Any) -> KisSource:
        settings = KisSettings(
            **{"environment": "real", "app_key": "PSimitationkey", "app_secret": "imitation-secret"} | options,
            base_url=self.exchange.url,
            master_url=f"{self.exchange.url}/common/master",
            per_second=1_000,
            token_every=0.001,
        )
        http = HttpClient(
            limiter=Limiter(ProcessRateLimits(fast_clock), pause=short_pause, clock=fast_clock),
            retry=RetryPolicy(draw=lambda low, high: 0.0),
            breaker=lambda: CircuitBreaker(threshold=5, rest=1.0, longest=5.0, clock=fast_clock),
            pause=short_pause,
            clock=fast_clock,
            timeouts=Timeouts(read=0.3),
        )
        return KisSource(settings, http)

    def plan(self, session: date, options: CollectionOptions = NEVER) -> CollectionPlan:
        self.exchange.today = session
        return collect.make_plan(self.source, market="kr", options=options, as_of=evening(session))

    def collect(self, session: date, options: CollectionOptions = NEVER) -> CollectionReport:
        """Everything that is missing on the evening of `session`."""
        plan = self.plan(session, options)
        self.exchange.calls.clear()
        return collect.execute_plan(self.source, plan, clock=lambda: evening(session))

    def calls(self) -> dict[str, int]:
        return {path.rsplit("/", 1)[1]: number for path, number in self.exchange.calls.items() if "quotations" in path}


def served_rows(code: str, bars: list[Bar], until: date) -> list[tuple[Any, ...]]:
    return [
        (code, b.session, b.open, b.high, b.low, b.close, b.volume, b.close * b.volume, b.base)
        for b in bars
        if b.session <= until
    ]


def recorded_rows(**which: Any) -> list[tuple[Any, ...]]:
    return list(
        StockPrice.objects.filter(market="kr", source="kis", **which)
        .order_by("stock_code", "date")
        .values_list(
            "stock_code", "date", "open", "high", "low", "close", "volume", "amount", "base_price"
        )
    )  # fmt: skip


def create_instruments(*codes: str, **options: Any) -> None:
    for code in codes:
        Instrument.objects.create(market="kr", code=code, **options)
