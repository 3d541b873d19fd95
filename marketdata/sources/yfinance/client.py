"""US daily prices of Yahoo Finance by the library yfinance: unofficial, for users without a broker's account.

The library is optional and imported at the first request. One call has the whole history of a share, which Yahoo
adjusts for splits (`parse` undoes that). It is read twice: what the two readings have alike counts. Yahoo publishes
no limit; the calls of all processes are spaced. It has no list of instruments: those of `YFINANCE_SYMBOLS` are the
list, or the record has them from a file.
"""

from __future__ import annotations

import asyncio
import datetime
import importlib
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from marketdata import codes
from marketdata.sources.base import (
    Capability,
    ListedInstrument,
    RateLimited,
    SourceChanged,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    UnknownInstrument,
)
from marketdata.sources.daily import BarAnswer, BarRequest, SameDay
from marketdata.sources.http.account_source import AccountSource
from marketdata.sources.http.client import HttpClient
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.yfinance import parse

PER_SECOND = 1.0
TIMEZONE, CURRENCY = "America/New_York", "USD"
SECONDS = 30
"""The longest wait for an answer."""
REST = 60.0
"""Seconds without calls after Yahoo has refused one."""
BARS_A_CALL = 20_000
BEFORE = datetime.timedelta(days=10)
"""Calendar days before a request in which the bar before it lies."""
SAME_DAY = SameDay(
    since=datetime.date(2000, 1, 1),
    begins=datetime.timedelta(minutes=30),
    ends=datetime.timedelta(hours=18),
    settled_at=datetime.time(10, 0),
)
"""From half an hour after the close; read again from 10:00 of the next day in New York, since volumes still change."""


@dataclass(frozen=True, slots=True)
class YfinanceSettings:
    """`symbols`: the instruments of the list. `compare`: read each history twice. `base_url`: another address than
    Yahoo's. SourceRefused for a text that is no US code."""

    enabled: bool = False
    symbols: tuple[str, ...] = ()
    compare: bool = True
    base_url: str = ""
    per_second: float = 0.0

    def __post_init__(self) -> None:
        for symbol in self.symbols:
            if not codes.spell_code("us", symbol):
                raise SourceRefused(f"YFINANCE_SYMBOLS names {symbol!r}, which is no US code such as AAPL or BRK.B.")

    @property
    def rate(self) -> float:
        return self.per_second or PER_SECOND

    def missing(self) -> tuple[str, ...]:
        """Names of the missing settings."""
        return () if self.enabled else ("YFINANCE_ENABLED",)


class YfinanceSource(AccountSource[YfinanceSettings]):
    """The unofficial source of US daily bars."""

    name = "yfinance"
    title = "Yahoo Finance by yfinance"
    daily_market = "us"
    segments = (parse.SEGMENT,)
    same_day = SAME_DAY
    bars_a_call = BARS_A_CALL

    def __init__(
        self, settings: YfinanceSettings, http: HttpClient, *, wall_clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(settings, http)
        self._rate = Rate("yfinance", settings.rate)
        self._wall_clock = wall_clock

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset({Capability.DAILY_BARS, Capability.INSTRUMENTS})

    @property
    def readings(self) -> int:
        return 2 if self._settings.compare else 1

    def instruments(self, segment: str) -> list[ListedInstrument]:
        """The instruments of the setting; SourceRefused without any."""
        if segment not in self.segments or not self._settings.symbols:
            raise SourceRefused("Yahoo has no list of instruments: name them in YFINANCE_SYMBOLS, or import a file.")
        return parse.listed_instruments(self._settings.symbols)

    def daily_bars_of(self, requests: Iterable[BarRequest]) -> Iterator[tuple[BarRequest, BarAnswer | SourceError]]:
        """The bars of many instruments, one after another, or the instrument's error."""
        return self._http.run_many(requests, self._bars, at_once=1)

    async def _bars(self, request: BarRequest) -> BarAnswer:
        """The bars on which the readings of a history agree."""
        rows, read_at = await self._read(request)
        if self._settings.compare:
            rows = parse.agreed_rows(rows, (await self._read(request))[0])
        return parse.bar_answer(rows, request, read_at)

    async def _read(self, request: BarRequest) -> tuple[list[parse.Row], float]:
        """The rows of one reading, and when it was sent."""
        async with self._http.limiter.permit(self._rate):
            log, now = self._http.log, self._wall_clock()
            log.sending(now)
            try:
                rows = await asyncio.to_thread(self._fetch, request, now)
            except SourceError as error:
                log.refused(error, self._wall_clock())
                if isinstance(error, RateLimited):
                    await self._http.limiter.refused(self._rate, error.retry_after or REST, adapt=error.adapt)
                raise
            log.answered_at = self._wall_clock()
            return rows, now

    @cached_property
    def _library(self) -> Any:
        library = importlib.import_module("yfinance")
        library.config.debug.hide_exceptions = False  # a failure is no empty answer
        return library

    @cached_property
    def _session(self) -> Any:
        """A session that sends all calls to the address of the setting; None for the library's own."""
        if not self._settings.base_url:
            return None
        requests, address = importlib.import_module("requests"), self._settings.base_url.rstrip("/")
        adapters = importlib.import_module("requests.adapters")

        class Gateway(adapters.HTTPAdapter):  # type: ignore[misc, name-defined]
            def send(self, request: Any, **options: Any) -> Any:
                request.url = f"{address}{request.path_url}"
                return super().send(request, **options)

        session = requests.Session()
        session.mount("https://", Gateway())
        return session

    def _fetch(self, request: BarRequest, read_at: float) -> list[parse.Row]:
        """The rows of the history from the start of a request until now, since later splits change it."""
        library, symbol = self._library, parse.yahoo_symbol(request.code)
        what = f"Daily bars of {request.code}"
        try:
            library.cache.get_tz_cache().store(symbol, TIMEZONE)  # a call less for each instrument
            ticker = library.Ticker(symbol, session=self._session)
            with warnings.catch_warnings(action="ignore"):  # of pandas about the library
                table = ticker.history(
                    start=request.start - BEFORE,
                    end=datetime.datetime.fromtimestamp(read_at, datetime.UTC).date() + datetime.timedelta(days=2),
                    auto_adjust=False,
                    actions=True,
                    keepna=True,
                    timeout=SECONDS,
                )
            facts = {name: ticker.history_metadata.get(name) for name in ("symbol", "currency")}
            rows = parse.rows_of(table)
        except library.exceptions.YFRateLimitError:
            raise RateLimited("Yahoo allows no more calls now.", retry_after=REST) from None
        except library.exceptions.YFTickerMissingError as error:
            if getattr(error, "yahoo_reason", None) and "delisted" in str(error):
                raise UnknownInstrument(f"Yahoo has no instrument {symbol}.") from None
            raise SourceUnavailable(f"{what}: Yahoo answered without prices.") from None
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise SourceChanged(
                f"{what} changed", expected="prices as yfinance reads them", actual=repr(error)
            ) from error
        except Exception as error:
            raise SourceUnavailable(f"{what}: {type(error).__name__}.") from error
        if facts != {"symbol": symbol, "currency": CURRENCY}:
            raise SourceUnavailable(f"{what}: the answer is that of {facts['symbol']} in {facts['currency']}.")
        return rows
