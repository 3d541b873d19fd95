"""Daily bars: their rows, the contract of a source of them, and what a plan must know to count its calls beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import NamedTuple, Protocol, runtime_checkable

from marketdata.sources.base import (
    InvestorFlow,
    ListedInstrument,
    OpenDay,
    Source,
    SourceError,
)


class DailyBar(NamedTuple):
    """A raw (unadjusted) daily bar in won and shares. Halted: open = high = low = 0, volume 0.

    `base_price` is the price the exchange computes the day's change from (close - change); None
    where not told. `segment` is told by a source whose instruments never change theirs and are always in good standing
    (a coin's quote currency); None where its lists tell it.
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
        return is_consistent(self.open, self.high, self.low, self.price, self.volume)  # type: ignore[arg-type]


def is_consistent(open_: float, high: float, low: float, close: float, volume: float) -> bool:
    """Whether the prices and the volume of a bar are those of a day: traded with four prices, or untraded with the last
    price alone (open = high = low = 0, or all the same)."""
    if close <= 0 or volume < 0 or min(open_, high, low) < 0:
        return False
    if volume > 0:
        return min(open_, high, low) > 0
    return high == low == open_ and (high == 0 or high == close)


class SameDay(NamedTuple):
    """When bars of a day can be read on the day itself, of a source whose bars then follow trades after hours: from
    `begins` to before `ends`, counted from the close, and again from `settled_at` on the market's clock of the next
    day. It holds for sessions from `since` on."""

    since: date
    begins: timedelta
    ends: timedelta
    settled_at: time


@dataclass(frozen=True, slots=True)
class BarAnswer:
    """The finished `bars` of a request, ascending. `spoiled`: spans of days, both included, in which a bar may be
    missing since a row lacked a price or the volume or contradicted itself; `partial`: sessions of bars that lack the
    amount or the base price, which the source otherwise has. `read_at`: the clock of the source when it gave the newest
    of the bars, seconds since 1970 UTC; None where that does not matter."""

    bars: list[DailyBar]
    spoiled: tuple[tuple[date, date], ...] = ()
    partial: tuple[date, ...] = ()
    read_at: float | None = None


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

    `daily_market` is the market of the record that its bars belong to, `bars_a_call` the most rows an answer holds,
    `calls_per_second` the pace that is kept with all other processes, `calls_made` the calls so far, retries and
    refused ones included, `same_day` when bars of the day itself can be read, None where that is from the close on.
    """

    @property
    def daily_market(self) -> str: ...
    @property
    def bars_a_call(self) -> int: ...
    @property
    def calls_per_second(self) -> float: ...
    @property
    def calls_made(self) -> int: ...
    @property
    def same_day(self) -> SameDay | None: ...

    def daily_bars_of(self, requests: Iterable[BarRequest]) -> Iterator[tuple[BarRequest, BarAnswer | SourceError]]:
        """The finished bars of each request, ascending, as they arrive; an error stands for its request alone
        (`UnknownInstrument` where there is no such code). Requests are drawn as they are needed."""

    def close(self) -> None: ...


@runtime_checkable
class QuoteSource(DailyBarSource, Protocol):
    """One that also tells today's bars of many instruments at once."""

    @property
    def quotes_a_call(self) -> int: ...

    def quotes_of(self, groups: Iterable[Sequence[str]]) -> Iterator[tuple[Sequence[str], QuoteAnswer | SourceError]]:
        """Today's bars of each group of at most `quotes_a_call` codes, as they arrive; codes that it does not know
        are left out."""


@runtime_checkable
class InstrumentSource(DailyBarSource, Protocol):
    """One that lists what trades."""

    @property
    def segments(self) -> tuple[str, ...]: ...

    def instruments(self, segment: str) -> list[ListedInstrument]:
        """Every instrument of a segment, as listed today."""


@runtime_checkable
class FlowSource(DailyBarSource, Protocol):
    """One that tells who bought."""

    @property
    def flow_sessions(self) -> int: ...

    def flows_of(self, codes: Iterable[str]) -> Iterator[tuple[str, list[InvestorFlow] | SourceError]]:
        """Net buying in the last `flow_sessions` sessions of each instrument, ascending, as they arrive."""


@runtime_checkable
class HolidaySource(Source, Protocol):
    """One that tells on which days its exchange opens."""

    @property
    def daily_market(self) -> str: ...

    def holidays(self, start: date) -> list[OpenDay]:
        """Calendar days from `start` on; SourceRefused where it cannot tell."""
