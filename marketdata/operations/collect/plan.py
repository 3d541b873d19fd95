"""The plan of a collection of daily bars, and the options it is made with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from marketdata.markets import Market
from marketdata.operations.collect.same_day import ReadingHours
from marketdata.sources.daily import BarRequest

READ_AGAIN = 3
"""Recorded sessions that are read again once their bars no longer change."""


@dataclass(frozen=True, slots=True)
class CollectionOptions:
    """`codes`: these instruments alone, known or not; `since`: every session from this day on; `refetch`: what is
    recorded or was answered is asked for again. Sessions: `overlap` asked for again with each update, `check_every`
    between two such updates, `history` of an instrument where the market has no bars yet."""

    codes: tuple[str, ...] = ()
    since: date | None = None
    overlap: int = 5
    check_every: int = 20
    history: int = 750
    refetch: bool = False

    @classmethod
    def of_settings(
        cls, *, codes: Iterable[str] = (), since: date | None = None, refetch: bool = False
    ) -> CollectionOptions:
        """As this installation is set up."""
        return cls(
            tuple(dict.fromkeys(codes)),
            since,
            settings.COLLECT_OVERLAP,
            settings.COLLECT_CHECK,
            settings.COLLECT_HISTORY,
            refetch,
        )


@dataclass(frozen=True, slots=True)
class CollectionPlan:
    """What will be asked for. `missing` counts (instrument, session) pairs; `quotes` are groups of codes for a quote of
    `last`; `settle` are requests for recorded sessions that were read on the day itself; `unknown` are instruments left
    out since the source said that it has none of them; `seconds` is the time that `calls` take at the source's pace.
    `note` says why a session that has closed is left out, "" where none is."""

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
        """Instruments that miss nothing."""
        asked = {request.code for request in self.requests}.union(*self.quotes)
        return self.instruments - len(asked) - len(self.unknown)

    def calls_of(self, request: BarRequest, bars_a_call: int) -> int:
        """How many calls a request takes."""
        days = np.array([request.start, request.end], dtype="datetime64[D]")
        low = np.searchsorted(self.calendar, days[0])
        high = np.searchsorted(self.calendar, days[1], side="right")
        return max(-(-int(high - low) // bars_a_call), 1)

    def before_last(self, sessions: int) -> date:
        """The session that many before the last one."""
        at = int(np.searchsorted(self.calendar, np.datetime64(self.last)))
        found: date = self.calendar[max(at - sessions, 0)].item()
        return found


def market_zone(market: Market) -> ZoneInfo:
    """The time zone in which the market's days begin."""
    return ZoneInfo(market.timezone)
