"""Which sessions a market's record holds, and the windows that can be read of them.

A session of the calendar between two recorded ones without a bar for any instrument is a *missing session*: no window
may contain one, since every average across it would be wrong. History begins anew after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from marketdata.breaks import RULES, Break
from marketdata.errors import DataProblem, EmptyMarket
from marketdata.lake import digest
from marketdata.lake.footers import Part
from marketdata.markets import Market
from marketdata.session_activity import SessionCounts
from marketdata.session_hours import SessionHours

Days = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Record:
    """A market's recorded sessions.

    hours: when sessions open and close; calendar: all its sessions (S,); sessions (R,): those from the first recorded
    to the last; bars (R,): how many instruments have one; good (R,): how many of those are common stock in good
    standing of the market's segments; counts (R,): these and more of each session; digests: ISO date -> digest of all
    bars of that session; parts: the lake's partitions; closed: ISO date -> why the market was closed on a day that has
    bars, "" where the calendar says so: such a day is in none of the above.
    """

    market: Market
    hours: SessionHours
    calendar: Days
    sessions: Days
    bars: NDArray[np.int64]
    good: NDArray[np.int64]
    digests: Mapping[str, str]
    parts: tuple[Part, ...]
    part_digests: Mapping[str, str]
    stale: tuple[date, ...]
    counts: Sequence[SessionCounts]
    closed: Mapping[str, str]

    def doubt(self, n: int) -> str:
        """Why session n is in doubt (`session_activity`), "" where it is not."""
        return self.counts[n].doubt(self.counts[n - 1]) if n else ""

    def blocks(self) -> list[Days]:
        """The recorded sessions as consecutive runs, none of them missing."""
        have = np.flatnonzero(self.bars > 0)
        return [self.sessions[run] for run in np.split(have, np.flatnonzero(np.diff(have) > 1) + 1) if len(run)]

    def block(self, session: np.datetime64) -> Days:
        """The run of sessions that `session` lies in; DataProblem where it has no bars."""
        for run in self.blocks():
            if run[0] <= session <= run[-1]:
                return run
        raise DataProblem(self._absent(session))

    def between(self, first: date | None, last: date | None) -> Days:
        """The sessions from `first` to `last` (one session where they are equal, which must then be one), all
        recorded; DataProblem says what is wrong."""
        name = self.market.name
        self.refuse_empty()
        low = np.datetime64(first) if first else self.sessions[0]
        high = np.datetime64(last) if last else max(self.sessions[-1], low)
        if low > high:
            raise DataProblem(f"The range begins on {low}, after its end {high}.")
        if low == high and low not in self.calendar:
            self._refuse_closed(low)
            raise DataProblem(f"{low} is not a session of market {name}: {self._nearest(low)}.")
        if high > self.sessions[-1] or low < self.sessions[0]:
            wrong = high if high > self.sessions[-1] else low
            raise DataProblem(
                f"Market {name} has no bars on {wrong}: it has them from {self.sessions[0]} to {self.sessions[-1]}."
            )
        inside = (self.sessions >= low) & (self.sessions <= high)
        if not inside.any():
            raise DataProblem(f"Market {name} has no session from {low} to {high}.")
        self._refuse_missing(inside)
        return self.sessions[inside]

    def refuse_empty(self) -> None:
        """DataProblem where there are no bars at all."""
        if not len(self.sessions):
            raise EmptyMarket(self.market.name)

    def history(self, asked: Days, warm_up: int) -> tuple[Days, int]:
        """The sessions to load for `asked`, which are consecutive: up to `warm_up` before them, where the record has
        them, and the row at which `asked` begins. DataProblem where a session in between is missing."""
        start = int(np.searchsorted(self.sessions, asked[0]))
        end = start + len(asked)
        low = max(start - warm_up, 0)
        have = np.flatnonzero(self.bars[low:end] > 0)
        if not len(have):
            raise DataProblem(self._absent(asked[0]))
        low += int(have[0])
        inside = np.zeros(len(self.sessions), dtype=bool)
        inside[low:end] = True
        self._refuse_missing(inside)
        return self.sessions[low:end], start - low

    def months(self, days: Days) -> tuple[Part, ...]:
        """The partitions that `days` lie in."""
        return within(self.parts, days)

    def chain(self, asked: Days, breaks: Iterable[Break] = ()) -> list[str]:
        """For each of `asked` the digest of everything recorded up to and including that session, and of the `breaks`
        up to it, in hex: what a result may depend on, and nothing that came later."""
        wanted = {str(day) for day in asked}
        broken: dict[str, list[bytes]] = {}
        for one in breaks:
            told = f"{one.kind} {one.code}".encode()
            broken.setdefault(one.session, [RULES.encode()]).append(told)
        found, parts = [], [self.market.name.encode()]
        state = digest.text(parts)
        for day in sorted(self.digests):
            state = digest.text([state.encode(), day.encode(), self.digests[day].encode()])
            if day in broken:
                state = digest.text([state.encode(), *broken[day]])
            if day in wanted:
                found.append(state)
        return found

    def _refuse_missing(self, inside: NDArray[np.bool_]) -> None:
        missing = self.sessions[inside & (self.bars == 0)]
        if len(missing):
            more = f" and {len(missing) - 1} more up to {missing[-1]}" if len(missing) > 1 else ""
            raise DataProblem(
                f"Market {self.market.name} has no bar at all on session {missing[0]}{more}, inside the window that "
                "was asked for or its warm-up: import these sessions, or record in the admin's calendar overrides "
                "that the market was closed."
            )

    def _refuse_closed(self, day: np.datetime64) -> None:
        """DataProblem where the bars of `day` say that the market was closed."""
        if why := self.closed.get(str(day)):
            raise DataProblem(
                f"{day}: {why}; closed? The day is left out of every scan of market {self.market.name}. Confirm it, or "
                "say that the market was open, in the admin's calendar overrides; or collect or import its bars again."
            )

    def _absent(self, session: np.datetime64) -> str:
        return f"Market {self.market.name} has no bars on {session}: {self._nearest(session)}."

    def _nearest(self, session: np.datetime64) -> str:
        at = int(np.searchsorted(self.calendar, session))
        before = self.calendar[at - 1] if at else None
        after = self.calendar[at] if at < len(self.calendar) else None
        return f"the sessions around it are {before} and {after}"


@dataclass(frozen=True, slots=True)
class FlowRecord:
    """A market's recorded investor flow: digests: ISO date -> digest of all flows of that session; parts: the lake's
    files of flow, `stale` the months of them that are behind."""

    digests: Mapping[str, str]
    parts: tuple[Part, ...]
    stale: tuple[date, ...]

    def beside(self, asked: Days, bars: Sequence[str]) -> list[str]:
        """For each of `asked` the digest of the bars up to it (`bars`) and of all flows up to it, in hex; that of the
        bars alone where no flow is recorded up to then."""
        days, state, n = sorted(self.digests), "", 0
        found = []
        for session, seen in zip(asked, bars, strict=True):
            while n < len(days) and days[n] <= str(session):
                state = digest.text([state.encode(), days[n].encode(), self.digests[days[n]].encode()])
                n += 1
            found.append(digest.text([seen.encode(), state.encode()]) if state else seen)
        return found

    def months(self, days: Days) -> tuple[Part, ...]:
        """The files that `days` lie in."""
        return within(self.parts, days)


def within(parts: tuple[Part, ...], days: Days) -> tuple[Part, ...]:
    """Those of `parts` whose month `days` lie in."""
    low, high = days[0].astype("datetime64[M]"), days[-1].astype("datetime64[M]")
    return tuple(part for part in parts if low <= np.datetime64(part.month, "M") <= high)
