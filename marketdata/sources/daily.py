"""Daily bars: their rows, and the protocols of their sources with the figures by which a plan counts its calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol, runtime_checkable

from marketdata.sources.base import InvestorFlow, ListedInstrument, OpenDay, Source, SourceError

AMOUNT_SLACK = 2.0


class DailyBar(NamedTuple):
    """A raw (unadjusted) daily bar in won and shares. Halted: open = high = low = 0, volume 0.

    `base_price` is the price from which the exchange computes the day's change (close - change); None where it is
    missing. `segment` and `kind` (as in `ListedInstrument`) are set by sources whose instruments never change theirs
    and are always in good standing (a coin's quote currency, US shares); None where the source's lists have the
    segment.
    """

    code: str
    session: date
    open: float
    high: float
    low: float
    close: float
    volume: float
    amount: float | None = None
    base_price: float | None = None
    segment: str | None = None
    kind: str = "stock"


class Quote(NamedTuple):
    """Today's bar of one instrument as of the call; None where the answer lacks a value. Prices of 0 beside a volume of
    0 mean that it has not traded."""

    code: str
    open: float | None
    high: float | None
    low: float | None
    price: float | None
    volume: float | None
    base_price: float | None = None
    amount: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether no value is missing and none contradicts another."""
        prices = (self.open, self.high, self.low, self.price)
        if None in prices or self.volume is None or self.base_price is None or self.amount is None:
            return False
        if not is_consistent(self.open, self.high, self.low, self.price, self.volume):  # type: ignore[arg-type]
            return False
        return is_price_of(self.amount, self.volume, self.low, self.high)  # type: ignore[arg-type]


def is_consistent(open_: float, high: float, low: float, close: float, volume: float) -> bool:
    """Whether the prices and the volume of a bar are those of a day: traded with four prices, the open among them, or
    untraded with the last price alone (open = high = low = 0, or all the same)."""
    if close <= 0 or volume < 0 or min(open_, high, low) < 0:
        return False
    if volume > 0:
        return min(open_, high, low) > 0 and (low > high or low <= open_ <= high)  # validation counts the former
    return high == low == open_ and (high == 0 or high == close)


def is_price_of(amount: float, volume: float, low: float, high: float) -> bool:
    """Whether amount / volume is a price near the traded range of raw prices, as on all but a few days with block
    trades, which stay within half of it (KRX 2021, 2024 and 2026: 250,000 bars, none beyond 1.5 times)."""
    return not volume > 0 or low > high or low / AMOUNT_SLACK <= amount / volume <= high * AMOUNT_SLACK


class Valuation(NamedTuple):
    """A source's valuation of a share at the moment of its answer: price / earnings, earnings a share, price /
    book value; None where it says nothing."""

    per: float | None
    eps: float | None
    pbr: float | None


class SameDay(NamedTuple):
    """The times at which the bars of a day can be read, for a source whose bars later follow trades after hours: on the
    day itself from `begins` to before `ends`, counted from the close, and again from `settled_at` on the market's clock
    of the next day. It applies to sessions from `since` on."""

    since: date
    begins: timedelta
    ends: timedelta
    settled_at: time


@dataclass(frozen=True, slots=True)
class BarAnswer:
    """The finished `bars` of a request, ascending. `spoiled`: spans of days, both included, in which a bar may be
    missing since a row lacked a price or the volume or contradicted itself; `partial`: sessions of bars that lack the
    amount or the base price, which the source otherwise has. `read_at`: the source's clock at the answer with the
    newest bar, seconds since 1970 UTC; None where it does not matter. `valuation`: None where the source has none."""

    bars: list[DailyBar]
    spoiled: tuple[tuple[date, date], ...] = ()
    partial: tuple[date, ...] = ()
    read_at: float | None = None
    valuation: Valuation | None = None


@dataclass(frozen=True, slots=True)
class QuoteAnswer:
    """The quotes of a group of codes; `read_at` as in `BarAnswer`."""

    quotes: list[Quote]
    read_at: float | None = None


class BarRequest(NamedTuple):
    """Daily bars of one instrument, both days included."""

    code: str
    start: date
    end: date


@runtime_checkable
class DailyBarSource(Source, Protocol):
    """A source of raw daily bars of one market.

    `daily_market`: the market of its bars in the record; `bars_a_call`: the largest number of rows in an answer, each
    of which is called for `readings` times;
    `calls_per_second`: the rate limit that all processes share; `calls_made`: the calls so far, retries and refused
    ones included; `same_day`: when bars of the day itself can be read, None where that is from the close on.
    """

    @property
    def daily_market(self) -> str: ...
    @property
    def bars_a_call(self) -> int: ...
    @property
    def readings(self) -> int: ...
    @property
    def calls_per_second(self) -> float: ...
    @property
    def calls_made(self) -> int: ...
    @property
    def same_day(self) -> SameDay | None: ...

    def daily_bars_of(self, requests: Iterable[BarRequest]) -> Iterator[tuple[BarRequest, BarAnswer | SourceError]]:
        """The finished bars of each request, ascending, as they arrive, or the request's error (`UnknownInstrument`
        where there is no such code). Requests are drawn as they are needed."""

    def close(self) -> None: ...


@runtime_checkable
class QuoteSource(DailyBarSource, Protocol):
    """A source that also has today's bars of many instruments in one call."""

    @property
    def quotes_a_call(self) -> int: ...

    def quotes_of(self, groups: Iterable[Sequence[str]]) -> Iterator[tuple[Sequence[str], QuoteAnswer | SourceError]]:
        """Today's bars of each group of at most `quotes_a_call` codes, as they arrive; unknown codes are left out."""


@runtime_checkable
class InstrumentSource(DailyBarSource, Protocol):
    """A source that lists instruments."""

    @property
    def segments(self) -> tuple[str, ...]: ...

    def instruments(self, segment: str) -> list[ListedInstrument]:
        """Every instrument of a segment, as listed today."""


@runtime_checkable
class TickSource(Source, Protocol):
    """A source that may give the ticks of instruments."""

    def tick_sizes(self, codes: Sequence[str]) -> Mapping[str, Decimal]:
        """Code -> the tick at its present price; empty where the exchange gives none."""


@runtime_checkable
class FlowSource(DailyBarSource, Protocol):
    """A source of investor flow."""

    @property
    def flow_sessions(self) -> int: ...

    def flows_of(self, codes: Iterable[str]) -> Iterator[tuple[str, list[InvestorFlow] | SourceError]]:
        """Net buying in the last `flow_sessions` sessions of each instrument, ascending, as they arrive."""


@runtime_checkable
class HolidaySource(Source, Protocol):
    """A source of the days on which its exchange opens."""

    @property
    def daily_market(self) -> str: ...

    def holidays(self, start: date) -> list[OpenDay]:
        """Calendar days from `start` on; SourceRefused where it has none."""
