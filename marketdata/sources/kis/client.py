"""Calls of the KIS Open API. Plain methods wait; the `_async` ones are for many at once (`HttpClient.run_many`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import date, time, timedelta
from typing import Any, TypeVar

from marketdata.nearest_name import did_you_mean
from marketdata.sources.base import (
    Capability,
    InvestorFlow,
    ListedInstrument,
    OpenDay,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from marketdata.sources.daily import BarAnswer, BarRequest, DailyBar, Quote, QuoteAnswer, SameDay
from marketdata.sources.http.account_source import AccountSource
from marketdata.sources.http.client import Answer, Call, HttpClient
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.kis import master, parse
from marketdata.sources.kis.calls import KisCalls
from marketdata.sources.kis.pages import BarPages
from marketdata.sources.kis.settings import KisSettings
from marketdata.sources.kis.token_stores import TokenStore

T = TypeVar("T")

QUOTATIONS = "/uapi/domestic-stock/v1/quotations"
MORE = ("M", "F")
AT_ONCE = 12
SAME_DAY = SameDay(
    since=date(2026, 9, 14), begins=timedelta(minutes=1), ends=timedelta(minutes=30), settled_at=time(8, 0)
)
"""KRX trades from 16:00 to 20:00 since then, half an hour after its close, and bars of the day follow that until the
next morning (KRX notice of the after-market)."""


class KisSource(AccountSource[KisSettings]):
    """The KIS source. `market` is KIS' name of the exchange: J (KRX), NX (Nextrade), UN (both)."""

    name = "kis"
    title = "Korea Investment & Securities"
    daily_market = "kr"
    segments = tuple(master.LAYOUTS)
    flow_sessions = 30

    def __init__(
        self,
        settings: KisSettings,
        http: HttpClient,
        tokens: TokenStore | None = None,
        *,
        market: str = "J",
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(settings, http)
        self._calls = KisCalls(settings, http, tokens, pause=pause)
        self._market = market
        self._file_rate = Rate("kis:master", 5.0)

    @property
    def capabilities(self) -> frozenset[Capability]:
        both = {Capability.DAILY_BARS, Capability.FLOWS, Capability.INSTRUMENTS}
        real = {Capability.QUOTES, Capability.HOLIDAYS}
        return frozenset(both | real if self._settings.environment == "real" else both)

    @property
    def same_day(self) -> SameDay:
        return SAME_DAY._replace(ends=timedelta(minutes=self._settings.same_day_minutes))

    @property
    def bars_a_call(self) -> int:
        return self._settings.bars_a_call

    @property
    def quotes_a_call(self) -> int:
        return self._settings.quotes_a_call

    # --- daily bars -------------------------------------------------------------------------------

    def daily_bars(self, code: str, start: date, end: date) -> list[DailyBar]:
        """Raw bars of [start, end], both included, ascending; SourceRefused for an unknown code."""
        return self._http.run(self.daily_bars_async(BarRequest(code, start, end))).bars

    def daily_bars_of(
        self, requests: Iterable[BarRequest], *, at_once: int = AT_ONCE
    ) -> Iterator[tuple[BarRequest, BarAnswer | SourceError]]:
        """The bars of many instruments as they arrive, or the instrument's error."""
        return self._http.run_many(requests, self.daily_bars_async, at_once=at_once)

    async def daily_bars_async(self, request: BarRequest) -> BarAnswer:
        """All pages of a request."""
        what, pages = f"Daily bars of {request.code}", BarPages(request, self.bars_a_call)
        while not pages.are_all:
            params = {
                "FID_COND_MRKT_DIV_CODE": self._market,
                "FID_INPUT_ISCD": request.code,
                "FID_INPUT_DATE_1": f"{request.start:%Y%m%d}",
                "FID_INPUT_DATE_2": f"{pages.end:%Y%m%d}",
                "FID_PERIOD_DIV_CODE": "D",
                "FID_ORG_ADJ_PRC": "1",  # raw; the sibling inquire-daily-price has it the other way
            }
            page, answer = await self._calls.get(
                f"{QUOTATIONS}/inquire-daily-itemchartprice",
                "FHKST03010100",
                params,
                lambda body: parse.daily_bars(body, request.code, what),
            )
            pages.add(page, answer.server_time, what)
        return pages.answer

    # --- today ------------------------------------------------------------------------------------

    def quotes(self, codes: Sequence[str]) -> list[Quote]:
        """Today's bars, many instruments a call; unknown codes are left out."""
        self._only_real("quotes of many instruments")
        groups = [codes[at : at + self.quotes_a_call] for at in range(0, len(codes), self.quotes_a_call)]
        quotes: dict[str, Quote] = {}
        for _, result in self.quotes_of(groups):
            if isinstance(result, SourceError):
                raise result
            quotes |= {quote.code: quote for quote in result.quotes}
        return [quotes[code] for code in codes if code in quotes]

    def quotes_of(self, groups: Iterable[Sequence[str]]) -> Iterator[tuple[Sequence[str], QuoteAnswer | SourceError]]:
        """Today's bars group by group, as they arrive."""
        self._only_real("quotes of many instruments")
        return self._http.run_many(groups, self.quotes_async, at_once=AT_ONCE)

    async def quotes_async(self, codes: Sequence[str]) -> QuoteAnswer:
        """Up to `quotes_a_call` instruments in one call."""
        most = self.quotes_a_call
        if len(codes) > most:
            raise SourceRefused(f"A call has {most} quotes at most, not {len(codes)}.")
        params: dict[str, str] = {}
        for number, code in enumerate(codes, start=1):
            params[f"FID_COND_MRKT_DIV_CODE_{number}"] = self._market
            params[f"FID_INPUT_ISCD_{number}"] = code
        quotes, answer = await self._calls.get(
            f"{QUOTATIONS}/intstock-multprice",
            "FHKST11300006",
            params,
            lambda body: parse.quotes(body, "Quotes of many instruments"),
        )
        return QuoteAnswer(quotes, answer.server_time)

    # --- flows, holidays, instruments -------------------------------------------------------------

    def flows(self, code: str) -> list[InvestorFlow]:
        """Net buying of the last sessions (about 30), ascending; today's only after the close."""
        return self._http.run(self.flows_async(code))

    def flows_of(
        self, codes: Iterable[str], *, at_once: int = AT_ONCE
    ) -> Iterator[tuple[str, list[InvestorFlow] | SourceError]]:
        """The flows of many instruments as they arrive."""
        return self._http.run_many(codes, self.flows_async, at_once=at_once)

    async def flows_async(self, code: str) -> list[InvestorFlow]:
        params = {"FID_COND_MRKT_DIV_CODE": self._market, "FID_INPUT_ISCD": code}
        flows, _ = await self._calls.get(
            f"{QUOTATIONS}/inquire-investor",
            "FHKST01010900",
            params,
            lambda body: parse.flows(body, code, f"Investor flow of {code}"),
        )
        return sorted(flows, key=lambda flow: flow.session)

    def holidays(self, start: date, *, pages: int = 1) -> list[OpenDay]:
        """Calendar days from `start` on and whether the exchange opens; each of `pages` calls has about 25 days. Store
        them: KIS tolerates about one call a day.
        """
        self._only_real("holidays")
        return self._http.run(self._holidays(start, pages))

    async def _holidays(self, start: date, pages: int) -> list[OpenDay]:
        open_days: dict[date, OpenDay] = {}
        foreign_key = next_key = more = ""
        for _ in range(pages):
            params = {"BASS_DT": f"{start:%Y%m%d}", "CTX_AREA_FK": foreign_key, "CTX_AREA_NK": next_key}
            (days, foreign_key, next_key), answer = await self._calls.get(
                f"{QUOTATIONS}/chk-holiday", "CTCA0903R", params, _holiday_page, tr_cont="N" if more else ""
            )
            more = answer.headers.get("tr_cont", "").strip()
            open_days |= {day.day: day for day in days}
            if more not in MORE:
                break
        return [open_days[day] for day in sorted(open_days)]

    def instruments(self, segment: str) -> list[ListedInstrument]:
        """The master file of KOSPI, KOSDAQ or KONEX."""
        if segment not in master.LAYOUTS:
            segments = ", ".join(master.LAYOUTS)
            raise SourceRefused(
                f"KIS has no master file of {segment!r}: use one of {segments}.{did_you_mean(segment, master.LAYOUTS)}"
            )
        file = master.LAYOUTS[segment].file
        url = f"{self._settings.master_url.rstrip('/')}/{file}.mst.zip"

        def read(answer: Answer) -> list[ListedInstrument]:
            if answer.status != 200:
                raise SourceUnavailable(f"{answer.what} answered status {answer.status}.")
            return master.instruments(master.unzip(answer.body, answer.what), segment, answer.what)

        return self._http.fetch(Call(url, self._file_rate), read).value

    def _only_real(self, what: str) -> None:
        if self._settings.environment != "real":
            raise SourceRefused(f"KIS has {what} in the real environment only, not on paper.")


def _holiday_page(body: dict[str, Any]) -> tuple[list[OpenDay], str, str]:
    keys = (str(body.get(name) or "").strip() for name in ("ctx_area_fk", "ctx_area_nk"))
    foreign_key, next_key = keys
    return parse.holidays(body, "Holidays"), foreign_key, next_key
