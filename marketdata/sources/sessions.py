"""Whole sessions: the protocol of sources that answer with every instrument of a market on one day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, TypeAlias, runtime_checkable

from marketdata.sources.base import ListedInstrument, Source, SourceError
from marketdata.sources.batches import BarBatch

IndexLevels: TypeAlias = dict[str, dict[str, float]]
"""Series -> its open, high, low and close."""


@dataclass(frozen=True, slots=True)
class SessionAnswer:
    """The bars of one session. `rows`: segment -> rows of the answer; `empty`: segments without a row, as before the
    session is published, on a closed day and before the archive begins; `least`: segment -> fewest rows of a whole
    session; `unpriced`: the codes of rows without a close, which are no bars. Nothing of a session with an empty
    segment is recorded."""

    session: date
    batch: BarBatch
    rows: dict[str, int]
    least: dict[str, int]
    unpriced: frozenset[str] = frozenset()

    @property
    def empty(self) -> tuple[str, ...]:
        return tuple(segment for segment, count in self.rows.items() if not count)


@runtime_checkable
class SessionSource(Source, Protocol):
    """A source of whole sessions of one market.

    `daily_market`: the market of its bars; `calls_a_session`, `calls_per_second` and `calls_a_day`: its costs and
    limits; `calls_made`: the calls so far, retries included; `first_session`: where its archive begins.
    """

    @property
    def daily_market(self) -> str: ...
    @property
    def calls_a_session(self) -> int: ...
    @property
    def calls_per_second(self) -> float: ...
    @property
    def calls_a_day(self) -> int: ...
    @property
    def calls_made(self) -> int: ...
    @property
    def first_session(self) -> date: ...

    def published_at(self, session: date, following: date) -> datetime:
        """The moment from which `session` is to be had; `following`: the next session of the market."""

    def sessions_of(self, days: Iterable[date]) -> Iterator[tuple[date, SessionAnswer | SourceError]]:
        """The bars of each day, in the order of arrival, or the day's error."""

    def close(self) -> None: ...


@runtime_checkable
class IndexSource(SessionSource, Protocol):
    """A source of whole sessions that has index series, too. `refusals`: service -> why it was refused, while others
    answered."""

    @property
    def refusals(self) -> Mapping[str, str]: ...
    @property
    def index_calls_a_session(self) -> int: ...
    @property
    def indices(self) -> tuple[str, ...]: ...

    def index_levels_of(self, days: Iterable[date]) -> Iterator[tuple[date, IndexLevels | SourceError]]:
        """The levels of each day, in the order of arrival, or the day's error."""


@runtime_checkable
class ListingSource(SessionSource, Protocol):
    """A source of whole sessions that lists the instruments of a published one, too."""

    @property
    def segments(self) -> tuple[str, ...]: ...

    def listed_instruments(self, segment: str, session: date) -> list[ListedInstrument]:
        """Every instrument of a segment, as listed on `session`."""
