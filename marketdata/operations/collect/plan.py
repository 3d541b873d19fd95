"""The plan of a collection of daily bars, and its options."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from zlib import crc32

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from marketdata.markets import Market
from marketdata.operations.collect.same_day import ReadingHours
from marketdata.sources.daily import BarRequest, DailyBarSource

READ_AGAIN = 3
"""Recorded sessions that are read again once their bars no longer change."""


@dataclass(frozen=True, slots=True)
class CollectionOptions:
    """`codes`: these instruments alone, recorded or not; `since`: every session from this day on; `refetch`: recorded
    and answered sessions are requested again. Counts of sessions: `overlap` requested again with each update,
    `check_every` between two such updates, `history` of an instrument where the market has no bars yet. `parts`: how
    many tasks a collection that runs in a task is split into (`group`); `part`: the number of the part that is planned,
    None for all."""

    codes: tuple[str, ...] = ()
    since: date | None = None
    overlap: int = 5
    check_every: int = 20
    history: int = 750
    refetch: bool = False
    parts: int = 1
    part: int | None = None

    def has(self, code: str) -> bool:
        """Whether the instrument is in the part that is planned."""
        return self.part is None or crc32(code.encode()) % self.parts == self.part

    @classmethod
    def of_settings(
        cls, *, codes: Iterable[str] = (), since: date | None = None, refetch: bool = False
    ) -> CollectionOptions:
        """The options with the settings of this installation."""
        return cls(
            tuple(dict.fromkeys(codes)),
            since,
            settings.COLLECT_OVERLAP,
            settings.COLLECT_CHECK,
            settings.COLLECT_HISTORY,
            refetch,
            settings.COLLECT_PARTS,
        )


@dataclass(frozen=True, slots=True)
class CollectionPlan:
    """The requests of a collection. `missing` counts (instrument, session) pairs; `quotes` are groups of codes for a
    quote of `last`; `settle` are requests for recorded sessions that were read on the day itself; `unknown` are
    instruments left out because the source does not have them; `seconds` is the time that `calls` take at the source's
    rate limit. `note` is the reason why a closed session is left out, "" where none is."""

    market: Market
    reading: ReadingHours
    source: str
    calendar: NDArray[np.datetime64]
    last: date
    instruments: int
    missing: int
    requests: tuple[BarRequest, ...]
    quotes: tuple[tuple[str, ...], ...]
    settle: tuple[BarRequest, ...]
    unknown: tuple[str, ...]
    calls: int
    seconds: float
    options: CollectionOptions
    note: str = ""

    @property
    def complete(self) -> int:
        """Count of instruments without a missing session."""
        requested_codes = {request.code for request in self.requests}.union(*self.quotes)
        return self.instruments - len(requested_codes) - len(self.unknown)

    def calls_of(self, request: BarRequest, source: DailyBarSource) -> int:
        """Count of calls that a request takes."""
        days = np.array([request.start, request.end], dtype="datetime64[D]")
        low = np.searchsorted(self.calendar, days[0])
        high = np.searchsorted(self.calendar, days[1], side="right")
        return max(-(-int(high - low) // source.bars_a_call), 1) * source.readings

    def before_last(self, sessions: int) -> date:
        """The session that many before the last one."""
        at = int(np.searchsorted(self.calendar, np.datetime64(self.last)))
        session: date = self.calendar[max(at - sessions, 0)].item()
        return session
