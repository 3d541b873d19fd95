"""Quotes of a few instruments while their session trades: read in calls of many codes, kept for half a minute for all.

1. Quotes are read on the day of a session alone, from a minute after its opening on, when they no longer repeat the
   session before, and never in an auction, when a last price may be an expected one. Each has the time of its answer by
   the source's clock and the phase of the session at that time.
2. Each code's quote is kept for `live` seconds (`caching.policies`) on its own: a request reads those alone that are
   not kept, and of callers at the same time one reads for all. A failure is kept too, for every code of the market.
3. Without a source, with one that fails or whose answer is old there are none: no earlier price stands in for them.
   Nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from caching.cached_items import CachedItems, StoredFailure
from marketdata.errors import DataProblem
from marketdata.market_time import market_zone
from marketdata.operations import sources
from marketdata.operations.forming import MAX_AGE, QuotesUnavailable
from marketdata.queries.market_calendar import MarketCalendar, get_calendar
from marketdata.session_hours import FIRST_QUOTES
from marketdata.session_phases import Phase
from marketdata.sources.base import SourceError
from marketdata.sources.daily import Quote

MOST_CODES = 90
UNQUOTED = (Phase.PRE_OPEN, Phase.OPENING_AUCTION, Phase.PRE_MARKET, Phase.CLOSING_AUCTION)


@dataclass(frozen=True, slots=True)
class LiveQuote:
    """An instrument's day so far, prices raw, volume in shares; `price` is the last one. `read_at`: the source's clock;
    `phase`: of the session at that time. open, high and low are None where it has not traded, `price` then being that
    of an earlier session."""

    code: str
    price: float
    open: float | None
    high: float | None
    low: float | None
    volume: float
    base_price: float | None
    read_at: datetime
    phase: str

    @property
    def change_pct(self) -> float | None:
        """The change from the base price, percent."""
        return 100 * (self.price / self.base_price - 1) if self.base_price else None


@dataclass(frozen=True, slots=True)
class LiveQuotes:
    """The quotes of `session` by code; `missing`: codes without a whole quote."""

    market: str
    session: date
    quotes: tuple[LiveQuote, ...] = ()
    missing: tuple[str, ...] = ()


QUOTES: CachedItems[LiveQuote | None] = CachedItems(
    "live", what="live-quotes", failures=(SourceError, DataProblem), holds=(LiveQuote,)
)


def live_quotes(market: str, codes: Sequence[str], *, clock: Callable[[], datetime]) -> LiveQuotes:
    """The quotes of at most `MOST_CODES` codes. DataProblem where the market has none at this hour; QuotesUnavailable
    where no source has them, or it fails."""
    calendar = get_calendar(market)
    session = _quoted_session(calendar, clock())
    codes = sorted(set(codes))
    try:
        quotes = QUOTES((market, session), codes, lambda missing: _read_quotes(market, session, missing, clock))
    except StoredFailure as failure:
        raise QuotesUnavailable(str(failure)) from failure
    rows = tuple(quote for quote in quotes.values() if quote is not None)
    return LiveQuotes(market, session, rows, tuple(code for code in codes if quotes[code] is None))


def quoted_hours(market: str, *, as_of: datetime) -> tuple[datetime, datetime] | None:
    """The hours of today's continuous trading in which the market has live quotes, until they end; None where the
    market is closed or no source has them."""
    hours = get_calendar(market).quoted_hours(as_of)
    return hours if hours and has_quotes(market) else None


def has_quotes(market: str) -> bool:
    """Whether a configured source has live quotes of the market."""
    try:
        sources.get_quote_source(market).close()
    except SourceError:
        return False
    return True


def _read_quotes(
    market: str, session: date, codes: Sequence[str], clock: Callable[[], datetime]
) -> dict[str, LiveQuote | None]:
    """Code -> its quote, None where the source has no whole one."""
    calendar = get_calendar(market)
    quotes: dict[str, LiveQuote | None] = dict.fromkeys(codes)
    with closing(sources.get_quote_source(market)) as source:
        size = source.quotes_a_call
        groups = [codes[at : at + size] for at in range(0, len(codes), size)]
        for _, answer in source.quotes_of(groups):
            if isinstance(answer, SourceError):
                raise answer
            now = clock()
            read_at = now if answer.read_at is None else datetime.fromtimestamp(answer.read_at, UTC)
            if now - read_at > MAX_AGE or _quoted_session(calendar, read_at) != session:
                raise QuotesUnavailable(f"{source.title} answered with quotes of {read_at:%Y-%m-%d %H:%M:%S} UTC.")
            phase = str(calendar.hours.phase(session, read_at))
            whole = (quote for quote in answer.quotes if quote.is_whole and quote.code in quotes)
            quotes |= {quote.code: _live(quote, read_at, phase) for quote in whole}
    return quotes


def _quoted_session(calendar: MarketCalendar, at: datetime) -> date:
    """The session that quotes of `at` belong to; DataProblem says why there is none."""
    market, local = calendar.market, at.astimezone(market_zone(calendar.market))
    if np.datetime64(local.date()) not in calendar.sessions:
        raise DataProblem(f"Market {market.name} is closed on {local.date()}: there are no live quotes.")
    opening = calendar.hours.opening(local.date()) + FIRST_QUOTES
    phase = calendar.hours.phase(local.date(), at)
    if at < opening:
        raise DataProblem(f"Market {market.name} has live quotes from {opening:%H:%M} on; it is {local:%H:%M:%S}.")
    if phase in UNQUOTED:
        raise DataProblem(
            f"Market {market.name} is in its closing auction at {local:%H:%M:%S}, when a last price may be an expected "
            f"one: there are live quotes again from {calendar.hours.closing(local.date()):%H:%M} on."
        )
    return local.date()


def _live(quote: Quote, read_at: datetime, phase: str) -> LiveQuote:
    traded = bool(quote.volume)
    o, h, low = (value if traded else None for value in (quote.open, quote.high, quote.low))
    return LiveQuote(quote.code, quote.price or 0.0, o, h, low, quote.volume or 0.0, quote.base_price, read_at, phase)
