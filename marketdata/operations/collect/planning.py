"""What a collection of daily bars has to ask for, worked out from the record before any call is made.

1. The sessions an instrument should have: from the last recorded one on; with `since`, all from that day on; for an
   instrument without bars, from the market's first recorded session on. Up to the last session that has closed, and
   only while it was listed.
2. Less those with a bar of any source, and those this source has already answered for (`BarCoverage`).
3. What is left becomes requests: neighbours that fit into one answer share it, and each request that continues a series
   begins a few recorded sessions earlier, so that a restatement shows.
4. Where today's session is all that is missing, it has closed and the source quotes many instruments in one call, a
   quote does; but each instrument in turn, once every `check_every` sessions, is asked for its bars all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from marketdata import queries
from marketdata.errors import DataProblem
from marketdata.markets import Market
from marketdata.markets import market as market_named
from marketdata.models import StockPrice
from marketdata.operations.collect import coverage
from marketdata.operations.collect.series import Series, recorded
from marketdata.sources.base import Capability
from marketdata.sources.daily import BarRequest, DailyBarSource, QuoteSource


@dataclass(frozen=True, slots=True)
class Options:
    """`codes`: these instruments alone, known or not; `since`: every session from this day on. Sessions: `overlap`
    asked for again with each update, `check_every` between two such updates, `history` of an instrument where the
    market has no bars yet."""

    codes: tuple[str, ...] = ()
    since: date | None = None
    overlap: int = 5
    check_every: int = 20
    history: int = 750

    @classmethod
    def of_settings(cls, *, codes: Iterable[str] = (), since: date | None = None) -> Options:
        """As this installation is set up."""
        return cls(
            tuple(dict.fromkeys(codes)),
            since,
            settings.COLLECT_OVERLAP,
            settings.COLLECT_CHECK,
            settings.COLLECT_HISTORY,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be asked for. `missing` counts (instrument, session) pairs; `quotes` are groups of codes for a quote of
    `last`; `unknown` are instruments left out since the source said that it has none of them; `seconds` is the time
    that `calls` take at the source's pace."""

    market: Market
    source: str
    calendar: NDArray[np.datetime64]
    last: date
    instruments: int
    missing: int
    requests: tuple[BarRequest, ...]
    quotes: tuple[tuple[str, ...], ...]
    unknown: tuple[str, ...]
    calls: int
    seconds: float
    options: Options

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


def plan(source: DailyBarSource, *, market: str, options: Options, as_of: datetime) -> Plan:
    """The plan as of a moment. DataProblem where the source has no bars of the market, or no instrument is known."""
    named = market_named(market)
    if source.daily_market not in named.family:
        raise DataProblem(
            f"{source.title} has daily bars of market {source.daily_market}, not of {market}: "
            "name another --source."
        )
    calendar = queries.sessions(named.name)
    end = queries.hours(named.name).last_closed(calendar, as_of)
    series = recorded(named.name, options.codes, calendar[end].item())
    answered = coverage.answered(named.name, source.name, options.codes)
    began = min((one.first for one in series if one.first), default=None)
    work = _Work(source, calendar, end, options, began)
    today = as_of.astimezone(zone(named)).date()
    quotable = (
        isinstance(source, QuoteSource)
        and Capability.QUOTES in source.capabilities
        and calendar[end].item() == today
    )
    unknown = []
    for one in series:
        spans = answered.get(one.code, coverage.Answered())
        if spans.unknown and not options.codes:
            unknown.append(one.code)
        else:
            work.add(named.name, one, spans, quotable=quotable)
    return work.plan(named, len(series), tuple(unknown))


def zone(market: Market) -> ZoneInfo:
    """The time zone in which the market's days begin."""
    return ZoneInfo(market.timezone)


class _Work:
    """Adds up what is missing."""

    def __init__(
        self,
        source: DailyBarSource,
        calendar: NDArray[np.datetime64],
        end: int,
        options: Options,
        began: date | None,
    ) -> None:
        self._source, self._calendar, self._end = source, calendar, end
        self._options = options
        start = options.since or began
        self._start = self._position(start) if start else end + 1 - options.history
        self._missing = 0
        self._requests: list[BarRequest] = []
        self._quoted: list[str] = []

    def add(self, market: str, one: Series, answered: coverage.Answered, *, quotable: bool) -> None:
        """Plan for one instrument."""
        low, high = self._bounds(one)
        wanted = np.ones(max(high - low + 1, 0), dtype=bool)
        for span in answered.spans:
            first, last = self._position(span[0]), self._position(span[1], side="right")
            wanted[max(first - low, 0) : max(last - low, 0)] = False
        wanted[self._have(market, one, low, high)] = False
        missing = low + np.flatnonzero(wanted)
        if not len(missing):
            return
        self._missing += len(missing)
        alone = len(missing) == 1 and missing[0] == self._end and one.last is not None
        if quotable and alone and not self._is_turn(one.code):
            self._quoted.append(one.code)
        else:
            self._requests += self._windows(one, missing)

    def plan(self, market: Market, instruments: int, unknown: tuple[str, ...]) -> Plan:
        """The sum of it."""
        size = self._source.quotes_a_call if isinstance(self._source, QuoteSource) else 1
        quotes = [tuple(self._quoted[at : at + size]) for at in range(0, len(self._quoted), size)]
        made = Plan(
            market=market,
            source=self._source.name,
            calendar=self._calendar,
            last=self._calendar[self._end].item(),
            instruments=instruments,
            missing=self._missing,
            requests=tuple(self._requests),
            quotes=tuple(quotes),
            unknown=unknown,
            calls=0,
            seconds=0.0,
            options=self._options,
        )
        bars = self._source.bars_a_call
        calls = len(quotes) + sum(made.calls_of(request, bars) for request in self._requests)
        object.__setattr__(made, "calls", calls)
        object.__setattr__(made, "seconds", calls / self._source.calls_per_second)
        return made

    def _bounds(self, one: Series) -> tuple[int, int]:
        """The first and the last session that the instrument should have."""
        low, high = self._start, self._end
        if one.last and not self._options.since:
            low = self._position(one.last) + 1
        if one.listed_on:
            low = max(low, self._position(one.listed_on))
        if one.gone_on:
            high = min(high, self._position(one.gone_on) - 1)
        return max(low, 0), high

    def _have(self, market: str, one: Series, low: int, high: int) -> NDArray[np.intp]:
        """Which of the sessions low..high have a bar, counted from low."""
        if not one.first or not one.last or self._position(one.last) < low:
            return np.empty(0, np.intp)
        first, last = self._position(one.first), self._position(one.last)
        if one.bars == last - first + 1:
            return np.arange(max(first, low), min(last, high) + 1) - low
        days = StockPrice.objects.filter(
            market=market, stock_code=one.code, date__gte=self._calendar[low].item()
        ).values_list("date", flat=True)
        at = np.searchsorted(self._calendar, np.array(list(days), dtype="datetime64[D]"))
        return np.unique(at[at <= high]) - low

    def _windows(self, one: Series, missing: NDArray[np.intp]) -> list[BarRequest]:
        """Requests for the missing sessions, the newest first; what one answer holds is not asked for twice."""
        size, overlap = self._source.bars_a_call, self._options.overlap
        first = self._position(one.first) if one.first else self._end
        runs: list[tuple[int, int]] = []
        for at in missing[::-1].tolist():
            low, high = runs[-1] if runs else (self._end + 3, self._end + 3)
            page = high + 1 - size * -(-(high - low + 1) // size)  # where its last answer begins
            if at == low - 1 or (runs and at >= page):
                runs[-1:] = [(at, high)]
            else:
                runs.append((at, at))
        days = self._calendar
        return [
            BarRequest(
                one.code,
                days[max(low - overlap, first) if low > first else low].item(),
                days[high].item(),
            )
            for low, high in runs
        ]

    def _is_turn(self, code: str) -> bool:
        every = self._options.check_every
        return every > 0 and (self._end + crc32(code.encode())) % every == 0

    def _position(self, day: date, side: str = "left") -> int:
        return int(np.searchsorted(self._calendar, np.datetime64(day), side=side))  # type: ignore[call-overload]
