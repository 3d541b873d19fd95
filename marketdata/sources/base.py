"""The contract of all sources of market data: protocols, rows and errors.

A source is one folder (a client that fetches bytes, a parser that makes rows) and one line of the registry. It states
its capabilities (`Capability`) and its missing settings, and implements the protocols below. Sources know nothing of
each other, of the record or of Django; calendar and time zone are theirs (`SourceCalendar`).

Every failure of a source reaches its caller as one of three errors:

- `SourceUnavailable`: it may work later; `retry_after` says when, if the source states it.
- `SourceRefused`: it will not work until a person changes something (credentials, permission, an unknown code).
- `SourceChanged`: the parser does not understand an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from marketdata.normalization import nfc

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


class SourceError(Exception):
    """A failure of a source. The message is one sentence without secrets. `attempts`: calls made before giving up."""

    attempts = 0


class SourceUnavailable(SourceError):
    """It may work later. `retry_after`: seconds to wait, where the source states them."""

    def __init__(self, message: str, *, retry_after: float | None = None, attempts: int = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.attempts = attempts


class SourceGone(SourceUnavailable):
    """It has not answered for longer than the patience of calls: a batch stops here."""


class RateLimited(SourceUnavailable):
    """Too many calls: all calls that share the limit must wait `retry_after` seconds. `adapt` is False where waiting is
    enough (a ban that names its end, a serialised ledger), True where calls should come further apart."""

    def __init__(self, message: str, *, retry_after: float, adapt: bool = True) -> None:
        super().__init__(message, retry_after=retry_after)
        self.adapt = adapt


class SourceRefused(SourceError):
    """A repeated call cannot help. `code`: the source's own error code, "" without one."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class AccessRefused(SourceRefused):
    """No call can succeed before a person changes the credentials or the permission: a batch stops here."""


class UnknownInstrument(SourceRefused):
    """The source has no such instrument, other than an instrument without bars."""


class SourceChanged(SourceError):
    """The answer does not fit the parser: `expected` against `actual` (a shortened excerpt)."""

    def __init__(self, message: str, *, expected: str, actual: str) -> None:
        self.expected = expected
        self.actual = actual if len(actual) <= 120 else actual[:117] + "..."
        super().__init__(f"{message}: expected {expected}, received {self.actual}")


class Capability(StrEnum):
    DAILY_BARS = "daily_bars"
    QUOTES = "quotes"
    FLOWS = "flows"
    HOLIDAYS = "holidays"
    INSTRUMENTS = "instruments"
    CANDLES = "candles"
    SESSIONS = "sessions"
    INDICES = "indices"


@runtime_checkable
class Source(Protocol):
    """Any source, as the registry uses it."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def capabilities(self) -> frozenset[Capability]: ...

    def missing_settings(self) -> tuple[str, ...]:
        """Names of the settings that it needs and lacks; empty when it is configured."""

    def close(self) -> None:
        """Close its connections."""


@dataclass(frozen=True, slots=True)
class SourceCalendar:
    """The clock of a source's slots, and how far back it answers.

    `day_offset`: how far the clock that opens its days, weeks, months and years is ahead of UTC.
    `intraday_offset`: the same for seconds and minutes (it matters for 240 minutes only).
    `seconds_horizon`: how far back second candles reach.
    """

    day_offset: timedelta = timedelta(0)
    intraday_offset: timedelta = timedelta(0)
    seconds_horizon: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles as columns, all of one length n; prices in the quote currency, `amount` = price x volume traded.

    `opened` is the open time in seconds since 1970 UTC, strictly ascending; `ticked_ms` the time of the last tick in
    milliseconds (0 where the source has none). Slots without trades are not rows.
    """

    opened: Int64
    open: Float64
    high: Float64
    low: Float64
    close: Float64
    volume: Float64
    amount: Float64
    ticked_ms: Int64

    def __len__(self) -> int:
        return len(self.opened)

    @property
    def columns(self) -> tuple[Int64 | Float64, ...]:
        prices = (self.open, self.high, self.low, self.close, self.volume, self.amount)
        return (self.opened, *prices, self.ticked_ms)

    @classmethod
    def empty(cls) -> Self:
        return cls.of_rows(())

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[int, float, float, float, float, float, float, int]]) -> Self:
        """The columns of rows (opened, open, high, low, close, volume, amount, ticked_ms) in any order; the last row of
        an open time counts."""
        rows = list(rows)
        if not rows:
            times, values = np.empty(0, np.int64), np.empty(0)
            return cls(times, values, values, values, values, values, values, times)
        opened, *prices, ticked = zip(*rows, strict=True)
        columns = (
            np.array(opened, np.int64),
            *(np.array(column, np.float64) for column in prices),
            np.array(ticked, np.int64),
        )
        return cls._tidy(columns)

    @classmethod
    def join(cls, blocks: Sequence[Candles]) -> Self:
        """Several blocks as one; where they overlap, the later block of the sequence counts."""
        if not blocks:
            return cls.empty()
        columns = zip(*(block.columns for block in blocks), strict=True)
        return cls._tidy(tuple(np.concatenate(parts) for parts in columns))

    @classmethod
    def _tidy(cls, columns: tuple[npt.NDArray[Any], ...]) -> Self:
        opened = columns[0]
        if len(opened) > 1 and not (np.diff(opened) > 0).all():
            order = np.argsort(opened, kind="stable")
            last = np.append(np.diff(opened[order]) != 0, True)
            columns = tuple(column[order][last] for column in columns)
        return cls(*columns)

    def between(self, start: int, end: int) -> Candles:
        """The candles that open in [start, end), seconds since 1970 UTC; columns are views."""
        first, last = np.searchsorted(self.opened, (start, end))
        if first == 0 and last == len(self):
            return self
        return Candles(*(column[first:last] for column in self.columns))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class CandlePage:
    """One answer of a candle source, and its cost.

    `received` counts all rows of the answer, `repeated` the duplicates among them. `answered_at` is the earlier of the
    source's clock and our own (seconds since 1970 UTC): a candle that had opened but not closed by then is still
    forming.
    """

    candles: Candles
    received: int
    repeated: int
    answered_at: float
    calls: int = 1
    retries: int = 0
    seconds: float = 0.0
    bytes: int = 0


class CandleSource(Source, Protocol):
    """A source of candles, newest page first."""

    @property
    def calendar(self) -> SourceCalendar: ...
    @property
    def page_limit(self) -> int: ...
    @property
    def usual_pace(self) -> float:
        """Calls a second without a setting."""

    @property
    def timeframes(self) -> frozenset[str]: ...

    def markets(self) -> frozenset[str]:
        """The codes of its markets."""

    def candles(self, *, market: str, timeframe: str, to: int | None, count: int) -> CandlePage:
        """The newest `count` candles that open before `to` (exclusive; None: the latest)."""


class InvestorFlow(NamedTuple):
    """Net buying of one session, shares and won; None, never 0, where the source has no figure."""

    code: str
    session: date
    individual_volume: int | None
    foreign_volume: int | None
    institution_volume: int | None
    individual_value: int | None
    foreign_value: int | None
    institution_value: int | None


class OpenDay(NamedTuple):
    """Whether the exchange opens on a calendar day."""

    day: date
    is_open: bool


KINDS = {
    "stock": "common",
    "foreign": "common",
    "spac": "spac",
    "reit": "reit",
    "etf": "etf",
    "etn": "etn",
    "fund": "fund",
    "dr": "dr",
    "preferred": "preferred",
}
"""Kind in a list -> kind as recorded; other ones in a list (ELWs, rights) are skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedInstrument:
    """One instrument of a master file. `kind`: stock, etf, etn, elw, reit, fund, foreign, dr,
    spac, other; `managed`: under administration, `caution`: investment caution; `warning`: the market alert, 01 to 03,
    "" without one. None where the list does not say; the defaults are those of a list of names alone.
    """

    code: str
    name: str
    segment: str
    isin: str = ""
    kind: str = "stock"
    halted: bool | None = False
    managed: bool | None = False
    caution: bool | None = False
    warning: str | None = ""
    preferred: bool = False
    listed_on: date | None = None
    shares: int | None = None
    market_cap: int | None = None
    department: str | None = None
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", nfc(self.name))  # lists have either Unicode form
