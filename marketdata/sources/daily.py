"""Daily bars: their rows, the contract of a source of them, and what a plan must know to count its calls beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
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
    """Today's bar of one instrument as of the call; zero prices mean that it has not traded."""

    code: str
    open: float
    high: float
    low: float
    price: float
    volume: float
    base_price: float | None = None
    amount: float | None = None


class BarRequest(NamedTuple):
    """Daily bars of one instrument, both days included."""

    code: str
    start: date
    end: date


@runtime_checkable
class DailyBarSource(Source, Protocol):
    """A source of raw daily bars of one market.

    `daily_market` is the market of the record that its bars belong to, `bars_a_call` the most rows an answer holds,
    `calls_per_second` the pace that is kept with all other processes.
    """

    @property
    def daily_market(self) -> str: ...
    @property
    def bars_a_call(self) -> int: ...
    @property
    def calls_per_second(self) -> float: ...

    def daily_bars_of(
        self, requests: Iterable[BarRequest]
    ) -> Iterator[tuple[BarRequest, list[DailyBar] | SourceError]]:
        """The finished bars of each request, ascending, as they arrive; an error stands for its request alone
        (`UnknownInstrument` where there is no such code). Requests are drawn as they are needed."""

    def close(self) -> None: ...


@runtime_checkable
class QuoteSource(DailyBarSource, Protocol):
    """One that also tells today's bars of many instruments at once."""

    @property
    def quotes_a_call(self) -> int: ...

    def quotes_of(
        self, groups: Iterable[Sequence[str]]
    ) -> Iterator[tuple[Sequence[str], list[Quote] | SourceError]]:
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

    def flows_of(
        self, codes: Iterable[str]
    ) -> Iterator[tuple[str, list[InvestorFlow] | SourceError]]:
        """Net buying in the last `flow_sessions` sessions of each instrument, ascending, as they arrive."""


@runtime_checkable
class HolidaySource(Source, Protocol):
    """One that tells on which days its exchange opens."""

    @property
    def daily_market(self) -> str: ...

    def holidays(self, start: date) -> list[OpenDay]:
        """Calendar days from `start` on; SourceRefused where it cannot tell."""
