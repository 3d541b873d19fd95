"""US daily prices by the KIS Open API: raw bars of Nasdaq, NYSE and AMEX (with Arca), in dollars.

The exchange of a code and the symbol as KIS writes it come from the master files, read once. A bar counts once its
session has ended by the exchange's calendar; KIS corrects open, high, low and volume on the next day, so that the last
sessions are read again then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, time, timedelta

from marketdata.sources.base import (
    Capability,
    ListedInstrument,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    UnknownInstrument,
)
from marketdata.sources.daily import BarAnswer, BarRequest, QuoteAnswer, SameDay
from marketdata.sources.http.account_source import AccountSource
from marketdata.sources.http.client import Answer, Call, HttpClient
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.kis import master, overseas_parse, overseas_splits
from marketdata.sources.kis.calls import KisCalls
from marketdata.sources.kis.overseas_parse import Listing
from marketdata.sources.kis.pages import BarPages
from marketdata.sources.kis.settings import KisSettings
from marketdata.sources.kis.token_stores import TokenStore

QUOTATIONS = "/uapi/overseas-price/v1/quotations"
EXCHANGES = {"NAS": "nasmst", "NYS": "nysmst", "AMS": "amsmst"}
"""Exchange -> its master file."""
AT_ONCE = 12
BARS_A_CALL = 100
RAW, ADJUSTED = "0", "1"
BEFORE = timedelta(days=10)
"""Calendar days before a request in which the bar before it lies."""
QUOTES_A_CALL = 10
SAME_DAY = SameDay(
    since=date(2000, 1, 1), begins=timedelta(minutes=15), ends=timedelta(hours=18), settled_at=time(10, 0)
)
"""From a quarter of an hour after the close; read again from 10:00 of the next day in New York, when KIS has corrected
what one market centre had shown."""


class KisOverseasSource(AccountSource[KisSettings]):
    """The source of US daily bars."""

    name = "kis-us"
    title = "Korea Investment & Securities, US"
    daily_market = "us"
    segments = tuple(EXCHANGES)
    same_day = SAME_DAY
    bars_a_call = BARS_A_CALL - 1  # a page begins with the last bar of the page before
    quotes_a_call = QUOTES_A_CALL

    def __init__(
        self,
        settings: KisSettings,
        http: HttpClient,
        tokens: TokenStore | None = None,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(settings, http)
        self._calls = KisCalls(settings, http, tokens, pause=pause)
        self._file_rate = Rate("kis:master", 5.0)
        self._listings: dict[str, Listing] = {}
        self._codes: dict[Listing, str] = {}
        self._kinds: dict[str, str] = {}
        self._reading = asyncio.Lock()

    @property
    def capabilities(self) -> frozenset[Capability]:
        both = {Capability.DAILY_BARS, Capability.INSTRUMENTS}
        return frozenset(both | {Capability.QUOTES} if self._settings.environment == "real" else both)

    @property
    def readings(self) -> int:
        return 2 if self._settings.compare_adjusted else 1

    def daily_bars_of(self, requests: Iterable[BarRequest]) -> Iterator[tuple[BarRequest, BarAnswer | SourceError]]:
        """The bars of many instruments as they arrive, or the instrument's error."""
        return self._http.run_many(requests, self.daily_bars_async, at_once=AT_ONCE)

    async def daily_bars_async(self, request: BarRequest) -> BarAnswer:
        """All pages of a request, raw; read a second time adjusted, where splits are found by comparing the two."""
        listing = await self._listing(request.code)
        # The bars before, on the same page: a base price depends on the close before.
        earlier = request._replace(start=request.start - BEFORE)
        if self._settings.compare_adjusted:
            raw, adjusted = [await self._series(listing, earlier, series) for series in (RAW, ADJUSTED)]
            answer = overseas_splits.with_splits(raw, adjusted, request.start, request.end)
        else:
            answer = await self._series(listing, request, RAW)
        kind = self._kinds[request.code]
        bars = [bar._replace(segment=overseas_parse.SEGMENT, kind=kind) for bar in answer.bars]
        return replace(answer, bars=bars)

    async def _series(self, listing: Listing, request: BarRequest, series: str) -> BarAnswer:
        """All pages of one series. A page begins with the last bar of the page before, so that none is empty but the
        first."""
        what, pages = f"Daily bars of {request.code}", BarPages(request, BARS_A_CALL, overlap=True)
        while not pages.are_all:
            is_first = pages.end == request.end
            params = {
                "AUTH": "",
                "EXCD": listing.exchange,
                "SYMB": listing.symbol,
                "GUBN": "0",
                "BYMD": f"{pages.end:%Y%m%d}",
                "MODP": series,
            }
            page, answer = await self._calls.get(
                f"{QUOTATIONS}/dailyprice",
                "HHDFS76240000",
                params,
                lambda body, first=is_first: overseas_parse.daily_bars(  # type: ignore[misc]
                    body, listing, request.code, what, is_first=first
                ),
            )
            pages.add(page, answer.server_time, what)
        return pages.answer

    def quotes_of(self, groups: Iterable[Sequence[str]]) -> Iterator[tuple[Sequence[str], QuoteAnswer | SourceError]]:
        """Today's bars group by group, as they arrive."""
        if self._settings.environment != "real":
            raise SourceRefused("KIS has quotes of many instruments in the real environment only, not on paper.")
        return self._http.run_many(groups, self.quotes_async, at_once=AT_ONCE)

    async def quotes_async(self, codes: Sequence[str]) -> QuoteAnswer:
        """Up to `quotes_a_call` instruments in one call; codes that KIS does not list are left out."""
        if len(codes) > QUOTES_A_CALL:
            raise SourceRefused(f"A call has {QUOTES_A_CALL} quotes at most, not {len(codes)}.")
        await self._read_lists()
        listings = [self._listings[code] for code in codes if code in self._listings]
        params = {"AUTH": "", "NREC": str(len(listings))}
        for number in range(1, QUOTES_A_CALL + 1):
            listing = listings[number - 1] if number <= len(listings) else Listing("", "")
            params[f"EXCD_{number:02d}"], params[f"SYMB_{number:02d}"] = listing
        quotes, answer = await self._calls.get(
            f"{QUOTATIONS}/multprice",
            "HHDFS76220000",
            params,
            lambda body: overseas_parse.quotes(body, self._codes, "Quotes of many instruments"),
        )
        return QuoteAnswer(quotes, answer.server_time)

    def instruments(self, segment: str) -> list[ListedInstrument]:
        """The master file of NAS, NYS or AMS; their market segment is US."""
        if segment not in EXCHANGES:
            raise SourceRefused(f"KIS has no master file of {segment!r}: use one of {', '.join(EXCHANGES)}.")
        return self._http.run(self._instruments(segment))

    async def _instruments(self, exchange: str) -> list[ListedInstrument]:
        file = EXCHANGES[exchange]

        def read(answer: Answer) -> list[tuple[Listing, ListedInstrument]]:
            if answer.status != 200:
                raise SourceUnavailable(f"{answer.what} answered status {answer.status}.")
            content = master.unzip(answer.body, answer.what)
            return overseas_parse.instruments(content, exchange, answer.what, by_form=self._settings.kinds_by_form)

        url = f"{self._settings.master_url.rstrip('/')}/{file}.cod.zip"
        rows = (await self._http.fetch_async(Call(url, self._file_rate), read)).value
        for listing, instrument in rows:
            if self._listings.setdefault(instrument.code, listing) == listing:
                self._codes[listing], self._kinds[instrument.code] = instrument.code, instrument.kind
        return [instrument for listing, instrument in rows if self._codes.get(listing) == instrument.code]

    async def _listing(self, code: str) -> Listing:
        await self._read_lists()
        if code not in self._listings:
            raise UnknownInstrument(f"KIS lists no instrument {code}.", code="unknown instrument")
        return self._listings[code]

    async def _read_lists(self) -> None:
        """Read the master files that have not been read yet."""
        async with self._reading:
            read = {listing.exchange for listing in self._listings.values()}
            for exchange in EXCHANGES:
                if exchange not in read:
                    await self._instruments(exchange)
