"""Opening and closing times of a market's sessions.

A session is closed once its closing time has been reached on the market's clock; until then its bars form. Everything
that depends on whether a session has closed goes through `SessionHours`. A session's hours are, the first that exists:

1. those of a recorded override (`CalendarOverride`);
2. those of the dated table of the repository (`calendar_table`);
3. those of exchange_calendars: late openings, half days and the hours that an exchange had in earlier years;
4. the usual hours of the sessions before it: for a day that only an override opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from marketdata import calendar_table, calendars
from marketdata.market_time import market_zone
from marketdata.markets import Market
from marketdata.session_phases import Phase, SessionPhase, phase_minutes

LATEST_FIRST = 4
"""Sessions before today that may not have closed yet, with room: markets close within a day of their date."""


FIRST_QUOTES = timedelta(minutes=1)


class Minutes(NamedTuple):
    """Opening and closing of a session in minutes after midnight; 1440 is the midnight that ends it."""

    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class SessionHours:
    """The hours of each session of `market`; `cache` is the directory of the calendars, `overrides` the recorded hours
    of single days, None where a day's override leaves one of them to the calendar."""

    market: Market
    cache: Path
    overrides: Mapping[date, tuple[int | None, int | None]] = field(default_factory=dict)

    def opening(self, session: date) -> datetime:
        """The moment at which `session` opens, in the market's time zone."""
        return self._moment(session, self.minutes(session).opens)

    def closing(self, session: date) -> datetime:
        """The moment at which `session` closes, in the market's time zone."""
        return self._moment(session, self.minutes(session).closes)

    def phases(self, session: date) -> list[SessionPhase]:
        """The phases of `session`, from one midnight to the next, in the market's time zone."""
        opens, closes = self.minutes(session)
        begins = phase_minutes(self.market.calendar, session, opens, closes)
        ends = [*(minutes for _, minutes in begins[1:]), 24 * 60]
        return [
            SessionPhase(phase, self._moment(session, first), self._moment(session, last))
            for (phase, first), last in zip(begins, ends, strict=True)
        ]

    def phase(self, session: date, at: datetime) -> Phase:
        """The phase of `session` at a moment: before its day not open yet, after it closed."""
        phases = self.phases(session)
        if at < phases[0].begins:
            return Phase.PRE_OPEN
        return next((phase.phase for phase in phases if phase.begins <= at < phase.ends), Phase.CLOSED)

    def quoted_hours(self, session: date) -> tuple[datetime, datetime]:
        """The hours of `session` in which a last price is that of a trade: from a minute after the opening, when quotes
        no longer repeat the session before, until the closing auction, when they may be expected prices."""
        continuous = next(phase for phase in self.phases(session) if phase.phase is Phase.CONTINUOUS)
        return continuous.begins + FIRST_QUOTES, continuous.ends

    def later_than_usual(self, session: date) -> timedelta:
        """How much later than usual `session` closes; zero where it closes as usual or earlier."""
        return max(self.shift(session), timedelta(0))

    def shift(self, session: date) -> timedelta:
        """How much later than usual `session` closes, negative where it closes earlier."""
        return timedelta(minutes=self.minutes(session).closes - self._usual(session).closes)

    def last_closed(self, calendar: NDArray[np.datetime64], as_of: datetime) -> int:
        """The place in `calendar` (sessions, ascending) of the last one that has closed by `as_of`; -1 where none
        has."""
        today = as_of.astimezone(self._zone).date()
        end = int(np.searchsorted(calendar, np.datetime64(today), side="right")) - 1
        for place in range(end, max(end - LATEST_FIRST, -1), -1):
            session: date = calendar[place].item()
            if self.closing(session) <= as_of:
                return place
        return max(end - LATEST_FIRST, -1)

    def minutes(self, session: date) -> Minutes:
        """Opening and closing on the market's clock; of a day that no calendar opens, the usual ones."""
        opens, closes = self.overrides.get(session, (None, None))
        if opens is not None and closes is not None:
            return Minutes(opens, closes)
        usual = self._calendar_minutes(session)
        return Minutes(usual.opens if opens is None else opens, usual.closes if closes is None else closes)

    def _calendar_minutes(self, session: date) -> Minutes:
        dated = calendar_table.SESSION_HOURS.get(self.market.calendar, {}).get(session)
        if dated is not None:
            return Minutes(*(moment.hour * 60 + moment.minute for moment in (dated.opens, dated.closes)))
        days, hours = calendars.get_calendar_hours(self.market.calendar, cache=self.cache)
        at = int(np.searchsorted(days, np.datetime64(session)))
        if at < len(days) and days[at] == np.datetime64(session):
            return Minutes(*hours[at].tolist())
        return self._usual(session)

    def _usual(self, session: date) -> Minutes:
        """The hours that most of the sessions before `session` have."""
        days, hours = calendars.get_calendar_hours(self.market.calendar, cache=self.cache)
        at = int(np.searchsorted(days, np.datetime64(session)))
        near = hours[max(at - 21, 0) : max(at, 1)]
        pairs, counts = np.unique(near, axis=0, return_counts=True)
        return Minutes(*pairs[counts.argmax()].tolist())

    def _moment(self, session: date, minutes: int) -> datetime:
        midnight = datetime.combine(session, datetime.min.time())
        return (midnight + timedelta(minutes=minutes)).replace(tzinfo=self._zone)

    @property
    def _zone(self) -> ZoneInfo:
        return market_zone(self.market)
