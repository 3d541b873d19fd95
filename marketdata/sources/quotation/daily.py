"""A quotation API as a source of the daily bars, and of the list, of a market that never closes.

Its days begin at midnight on the exchange's own clock; a day that has not closed by the exchange's clock is never
handed out. Only markets quoted in won are listed: a market's figures are in one currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from marketdata.sources.base import (
    CandlePage,
    Candles,
    Capability,
    ListedInstrument,
    SourceError,
    SourceUnavailable,
)
from marketdata.sources.daily import BarAnswer, BarRequest, DailyBar
from marketdata.sources.quotation.client import PAGE, QuotationSource

DAY = 86_400
QUOTE = "KRW"
AT_ONCE = 4  # requests under way together; the limit of the exchange spaces their calls
CONFIRMATIONS = 3  # further answers with rows twice before one is believed
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before an answer without rows is asked for once more
LATE = 300  # seconds after its end in which a day's last trades may still come in


class DailyQuotationSource(QuotationSource):
    """A `DailyBarSource` and `InstrumentSource`, too; its segments are quote currencies."""

    capabilities = QuotationSource.capabilities | {Capability.DAILY_BARS}
    segments = (QUOTE,)
    bars_a_call = PAGE
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
            ListedInstrument(
                code=code,
                isin="",
                name=name,
                segment=segment,
                kind="stock",
                halted=False,
                managed=False,
                caution=False,
                warning="",
                preferred=False,
                listed_on=None,
                shares=None,
                market_cap=None,
            )
            for code, name in sorted(self.names().items())
            if code.startswith(f"{segment}-")
        ]

    def daily_bars_of(self, requests: Iterable[BarRequest]) -> Iterator[tuple[BarRequest, BarAnswer | SourceError]]:
        """The bars of each request, ascending, as they arrive; an error stands for its request alone."""
        return self._http.run_many(requests, self._bars, at_once=AT_ONCE)

    async def _bars(self, request: BarRequest) -> BarAnswer:
        ahead = self.calendar.day_offset
        start, end = _midnight(request.start, ahead), _midnight(request.end, ahead) + DAY
        blocks: list[Candles] = []
        last = end
        while last > start:
            count = min(PAGE, (last - start) // DAY)
            page = await self._believed(request.code, last, count)
            if page.answered_at < end + LATE:
                raise SourceUnavailable(
                    f"{request.end} had not ended {LATE} s ago by the clock of {self.title}, so its last trades may be "
                    "missing: ask again later."
                )
            blocks.append(page.candles.between(start, last))
            if page.received < count and not await self._has_older(request.code, page):
                break
            last = int(page.candles.opened[0])
        return BarAnswer(_bars_of(request.code, Candles.join(blocks), ahead))

    async def _believed(self, code: str, to: int, count: int) -> CandlePage:
        """A page; one with rows twice is asked for again before it is believed, one without rows a few times over
        several seconds, for more rows than are wanted: an older one shows that the page is right."""
        asked = repeated = 0
        while True:
            page = await self.candles_async(market=code, timeframe="1d", to=to, count=PAGE if asked else count)
            if page.repeated and repeated < CONFIRMATIONS:
                repeated += 1
            elif page.received or asked == len(PAUSES):
                return page
            else:
                await self._pause(PAUSES[asked])
                asked += 1

    async def _has_older(self, code: str, page: CandlePage) -> bool:
        """Whether there is something before a page with fewer rows than asked for, after all: asked for up to behind
        its oldest bar, which an answer that can be believed must have."""
        if not page.received:
            return False
        first = int(page.candles.opened[0])
        for pause in (0.0, *PAUSES):
            await self._pause(pause)
            beside = await self.candles_async(market=code, timeframe="1d", to=first + DAY, count=PAGE)
            if first in beside.candles.opened and not beside.repeated:
                return int(beside.candles.opened[0]) < first
        raise SourceUnavailable(f"{self.title} contradicts itself on the first bar of {code}.")


def _midnight(day: date, ahead: timedelta) -> int:
    """When a day of a clock that is `ahead` of UTC begins, in seconds since 1970 UTC."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - ahead
    return int(midnight.timestamp())


def _bars_of(code: str, found: Candles, ahead: timedelta) -> list[DailyBar]:
    columns = (found.open, found.high, found.low, found.close, found.volume, found.amount)
    rows = zip(found.opened.tolist(), *(column.tolist() for column in columns), strict=True)
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
