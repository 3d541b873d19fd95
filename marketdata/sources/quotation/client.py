"""Calls of the quotation API that Upbit defined: candles of all timeframes, and the list of markets.

An `ExchangeDialect` holds the differences between exchanges: host, calendar, the notation of `to`, and the rate.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from marketdata.nearest_name import did_you_mean
from marketdata.sources.base import (
    CandlePage,
    Capability,
    RateLimited,
    SourceCalendar,
    SourceRefused,
    SourceUnavailable,
    UnknownInstrument,
)
from marketdata.sources.http.client import Answer, Call, HttpClient
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.quotation import parse
from marketdata.sources.quotation.bans import ban_seconds
from marketdata.sources.quotation.quota import CountedCall, Quota

# Timeframe -> the path of its candles.
PATHS: Mapping[str, str] = {
    "1s": "seconds",
    **{f"{size}m": f"minutes/{size}" for size in (1, 3, 5, 10, 15, 30, 60, 240)},
    "1d": "days",
    "1w": "weeks",
    "1mo": "months",
    "1y": "years",
}
PAGE = 200
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExchangeDialect:
    """One exchange. `per_second`: calls that we make a second, `calls_a_second`: those that it takes; `has_tick_sizes`:
    it gives the tick of each market.

    `to_ahead`: None writes `to` in UTC with a Z; a time difference writes it without a zone, on a clock ahead of UTC by
    that.
    """

    name: str
    title: str
    base_url: str
    per_second: float
    calendar: SourceCalendar
    timeframes: frozenset[str]
    to_ahead: timedelta | None = None
    calls_a_second: int = 10
    has_tick_sizes: bool = False

    def to(self, moment: int) -> str:
        """The exclusive end of a request in the exchange's notation."""
        when = datetime.fromtimestamp(moment, UTC)
        if self.to_ahead is None:
            return when.strftime("%Y-%m-%dT%H:%M:%SZ")
        return (when + self.to_ahead).strftime("%Y-%m-%dT%H:%M:%S")


class QuotationSource:
    """A `CandleSource` over one dialect. Create one per process and close it at the end."""

    capabilities = frozenset({Capability.CANDLES, Capability.INSTRUMENTS})
    page_limit = PAGE

    def __init__(
        self,
        dialect: ExchangeDialect,
        http: HttpClient,
        *,
        base_url: str = "",
        per_second: float = 0.0,
        wall_clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pause = pause
        self._dialect = dialect
        self._http = http
        self._base_url = (base_url or dialect.base_url).rstrip("/")
        rate = per_second or dialect.per_second
        self._candle_rate = Rate(f"{dialect.name}:candle", rate)
        self._market_rate = Rate(f"{dialect.name}:market", rate)
        self._wall_clock = wall_clock
        self._quota = Quota(dialect.calls_a_second)

    @property
    def name(self) -> str:
        return self._dialect.name

    @property
    def title(self) -> str:
        return self._dialect.title

    @property
    def calendar(self) -> SourceCalendar:
        return self._dialect.calendar

    @property
    def timeframes(self) -> frozenset[str]:
        return self._dialect.timeframes

    @property
    def usual_pace(self) -> float:
        return self._dialect.per_second

    def missing_settings(self) -> tuple[str, ...]:
        return ()

    def markets(self) -> frozenset[str]:
        """The codes of its markets, by one call."""
        return frozenset(self.names())

    def names(self) -> dict[str, str]:
        """The names of its markets by code, "" where there is none; one call."""
        call = Call(f"{self._base_url}/v1/market/all", self._market_rate)
        read = self._reader(lambda answer: parse.names(answer.body, answer.what))
        return self._http.fetch(call, read).value

    def candles(self, *, market: str, timeframe: str, to: int | None, count: int) -> CandlePage:
        """The newest `count` (1..200) candles that open before `to`; see `CandleSource`."""
        return self._http.run(self.candles_async(market=market, timeframe=timeframe, to=to, count=count))

    async def candles_async(self, *, market: str, timeframe: str, to: int | None, count: int) -> CandlePage:
        if timeframe not in self.timeframes:
            timeframes = ", ".join(name for name in PATHS if name in self.timeframes)
            raise SourceRefused(
                f"{self.title} has no {timeframe} candles: use one of {timeframes}."
                f"{did_you_mean(timeframe, self.timeframes)}"
            )
        if not 1 <= count <= PAGE:
            raise SourceRefused(f"{self.title} answers 1 to {PAGE} candles a call, not {count}.")
        # The default count of the API is 1: it is always sent.
        params = {"market": market, "count": str(count)}
        if to is not None:
            params["to"] = self._dialect.to(to)
        url = f"{self._base_url}/v1/candles/{PATHS[timeframe]}"
        read = self._reader(
            lambda answer: (
                parse.candles(answer.body, market, answer.what),
                answer.answered_at,
                self._wait(answer),
            )
        )
        fetched = await self._http.fetch_async(Call(url, self._candle_rate, params=params), read)
        page, answered_at, wait = fetched.value
        if wait > 0.0:
            # No calls are left now; others behind the same address may have used them.
            await self._http.limiter.hold(self._candle_rate, wait)
        return CandlePage(
            *page,
            answered_at,
            calls=fetched.calls,
            retries=fetched.retries,
            seconds=fetched.seconds,
            bytes=fetched.bytes,
        )

    def close(self) -> None:
        self._http.close()

    def _wait(self, answer: Answer) -> float:
        """Seconds until the next call is due by what the answer says of the calls left."""
        left = remaining(answer.headers.get("remaining-req"))
        if left is None:
            return 0.0
        call = CountedCall(answer.ended - answer.seconds, answer.ended, left)
        since = time.monotonic() - answer.ended  # on a busy machine it is not read at once
        return self._quota.wait(call, to_next_second=1.0 - self._wall_clock() % 1.0) - since

    def _reader(self, value: Callable[[Answer], T]) -> Callable[[Answer], T]:
        def read(answer: Answer) -> T:
            self._check_status(answer)
            return value(answer)

        return read

    def _check_status(self, answer: Answer) -> None:
        status, what = answer.status, answer.what
        wait = answer.retry_after
        if status == 200:
            return
        if status == 429:
            # "Until the next second" is at most one second, whatever the difference of the clocks.
            raise RateLimited(f"{what}: too many calls a second.", retry_after=max(1.0, wait or 0))
        if status == 418:
            ban = ban_seconds(answer.body, wait)
            raise RateLimited(f"{what}: {self.title} has banned this address for {ban:.0f} s.", retry_after=ban)
        if status >= 500 or status == 408:
            raise SourceUnavailable(f"{what} answered status {status}.", retry_after=wait)
        if status == 404:
            raise UnknownInstrument(f"{what}: {self.title} does not know this market.", code="404")
        raise SourceRefused(f"{what} was refused with status {status}.", code=str(status))


def remaining(header: str | None) -> int | None:
    """Calls left in this second, from `Remaining-Req: group=...; min=...; sec=N`; None without such a header."""
    for part in (header or "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "sec" and value.strip().isdigit():
            return int(value)
    return None
