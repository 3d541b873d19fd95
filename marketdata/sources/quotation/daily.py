"""A quotation API as a source of the daily bars and the instruments of a market that never closes.

Its days begin at midnight on the exchange's own clock; a day that has not closed by that clock is never returned. Only
markets quoted in won are listed: a market's figures are in one currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from marketdata.sources.base import CandlePage, Candles, Capability, ListedInstrument, SourceError, SourceUnavailable
from marketdata.sources.daily import BarAnswer, BarRequest, DailyBar
from marketdata.sources.http.client import Call
from marketdata.sources.quotation import parse
from marketdata.sources.quotation.client import PAGE, QuotationSource

DAY = 86_400
QUOTE = "KRW"
CODES_A_CALL = 100
AT_ONCE = 4  # requests under way together; the limit of the exchange spaces their calls
CONFIRMATIONS = 3  # repeated calls while answers have duplicate rows
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before each repeated call while answers have no rows
LATE = 300  # seconds after its end in which a day's last trades may still be published


class DailyQuotationSource(QuotationSource):
    """A `CandleSource`, `DailyBarSource` and `InstrumentSource`; its segments are quote currencies."""

    capabilities = QuotationSource.capabilities | {Capability.DAILY_BARS}
    segments = (QUOTE,)
    bars_a_call = PAGE
    readings = 1
    same_day = None

    @property
    def daily_market(self) -> str:
        return self.name

    @property
    def calls_per_second(self) -> float:
        return self._candle_rate.per_second

    @property
    def calls_made(self) -> int:
        return self._http.sent

    def instruments(self, segment: str) -> list[ListedInstrument]:
        """Every market quoted in `segment`."""
        return [
            ListedInstrument(code=code, name=name, segment=segment)
            for code, name in sorted(self.names().items())
            if code.startswith(f"{segment}-")
        ]

    def tick_sizes(self, codes: Sequence[str]) -> dict[str, Decimal]:
        """Code -> the tick at its present price; empty where the exchange gives none."""
        sizes: dict[str, Decimal] = {}
        for first in range(0, len(codes) if self._dialect.has_tick_sizes else 0, CODES_A_CALL):
            params = {"markets": ",".join(codes[first : first + CODES_A_CALL])}
            call = Call(f"{self._base_url}/v1/orderbook/instruments", self._market_rate, params=params)
            read = self._reader(lambda answer: parse.tick_sizes(answer.body, answer.what))
            sizes |= self._http.fetch(call, read).value
        return sizes

    def daily_bars_of(self, requests: Iterable[BarRequest]) -> Iterator[tuple[BarRequest, BarAnswer | SourceError]]:
        """The bars of each request, ascending, as they arrive, or the request's error."""
        return self._http.run_many(requests, self._bars, at_once=AT_ONCE)

    async def _bars(self, request: BarRequest) -> BarAnswer:
        ahead = self.calendar.day_offset
        start, end = _midnight(request.start, ahead), _midnight(request.end, ahead) + DAY
        blocks: list[Candles] = []
        last = end
        while last > start:
            count = min(PAGE, (last - start) // DAY)
            page = await self._credible_page(request.code, last, count)
            if page.answered_at < end + LATE:
                raise SourceUnavailable(
                    f"{request.end} had not ended {LATE} s ago by the clock of {self.title}, so its last trades may be "
                    "missing: try again later."
                )
            blocks.append(page.candles.between(start, last))
            if page.received < count and not await self._has_older(request.code, page):
                break
            last = int(page.candles.opened[0])
        return BarAnswer(_bars_of(request.code, Candles.join(blocks), ahead))

    async def _credible_page(self, code: str, to: int, count: int) -> CandlePage:
        """A page. One with duplicate rows is requested again, one without rows a few times over several seconds, with
        a larger count: an older row shows that the page is right."""
        empty = repeated = 0
        while True:
            page = await self.candles_async(market=code, timeframe="1d", to=to, count=PAGE if empty else count)
            if page.repeated and repeated < CONFIRMATIONS:
                repeated += 1
            elif page.received or empty == len(PAUSES):
                return page
            else:
                await self._pause(PAUSES[empty])
                empty += 1

    async def _has_older(self, code: str, page: CandlePage) -> bool:
        """Whether there are bars before a page with fewer rows than requested: by a page that ends after its oldest
        bar, which a credible answer must contain."""
        if not page.received:
            return False
        first = int(page.candles.opened[0])
        for pause in (0.0, *PAUSES):
            await self._pause(pause)
            overlapping = await self.candles_async(market=code, timeframe="1d", to=first + DAY, count=PAGE)
            if first in overlapping.candles.opened and not overlapping.repeated:
                return int(overlapping.candles.opened[0]) < first
        raise SourceUnavailable(f"{self.title} contradicts itself on the first bar of {code}.")


def _midnight(day: date, ahead: timedelta) -> int:
    """The beginning of a day on a clock that is `ahead` of UTC, in seconds since 1970 UTC."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - ahead
    return int(midnight.timestamp())


def _bars_of(code: str, candles: Candles, ahead: timedelta) -> list[DailyBar]:
    columns = (candles.open, candles.high, candles.low, candles.close, candles.volume, candles.amount)
    rows = zip(candles.opened.tolist(), *(column.tolist() for column in columns), strict=True)
    return [
        DailyBar(
            code,
            (datetime.fromtimestamp(opened, UTC) + ahead).date(),
            open_,
            high,
            low,
            close,
            volume,
            amount,
            segment=QUOTE,
        )
        for opened, open_, high, low, close, volume, amount in rows
    ]
