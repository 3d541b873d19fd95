"""The recorded sessions of a market, which of them are missing or in doubt, and digests of their history.

A session of the calendar between two recorded ones without a bar for any instrument is a *missing session*: no window
may contain one, since every average across it would be wrong. History begins anew after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from caching.memo import Memo
from marketdata.breaks import RULES_VERSION, Break
from marketdata.errors import DataProblem, EmptyMarket
from marketdata.lake import digest
from marketdata.lake.footers import Part
from marketdata.lake.forming import FormingBars
from marketdata.markets import Market
from marketdata.session_activity import SessionCounts
from marketdata.session_hours import SessionHours

Days = NDArray[np.datetime64]

HISTORY_DIGESTS: Memo[Mapping[str, str]] = Memo(8)
"""Market -> the digest of history up to each session (ISO), for the last digests of sessions and breaks."""
DOUBT_SESSIONS = 60
"""Sessions before a scan's first whose doubts are named with it."""


@dataclass(frozen=True, slots=True)
class Record:
    """A market's recorded sessions.

    hours: when sessions open and close; calendar: all its sessions (S,); sessions (R,): those from the first recorded
    to the last; bars (R,): how many instruments have one; good (R,): how many of those are common stock in good
    standing of the market's segments; counts (R,): these and more of each session; digests: ISO date -> digest of all
    bars of that session but their market caps, cap_digests: of these; parts: the lake's partitions; closed: ISO date ->
    why the market was closed on a day that has bars, "" where the calendar says so: such a day is in none of the above;
    forming: bars of the last session, where it still trades (`with_forming`).
    """

    market: Market
    hours: SessionHours
    calendar: Days
    sessions: Days
    bars: NDArray[np.int64]
    good: NDArray[np.int64]
    digests: Mapping[str, str]
    cap_digests: Mapping[str, str]
    parts: tuple[Part, ...]
    part_digests: Mapping[str, str]
    stale: tuple[date, ...]
    counts: Sequence[SessionCounts]
    closed: Mapping[str, str]
    forming: FormingBars | None = None

    def with_forming(self, bars: FormingBars, counts: SessionCounts, bars_digest: str) -> Record:
        """The record up to the session before that of `bars`, and these bars as its last session; `counts` are theirs.
        DataProblem where the session before is not recorded."""
        at = int(np.searchsorted(self.calendar, bars.session))
        before = self.sessions[(self.sessions < bars.session) & (self.bars > 0)]
        if not len(before) or before[-1] != self.calendar[at - 1]:
            raise DataProblem(
                f"Market {self.market.name} has no bars on {self.calendar[at - 1]}, the session before {bars.session}: "
                "collect or import them first."
            )
        count, day = int(np.searchsorted(self.sessions, bars.session)), str(bars.session)
        return replace(
            self,
            sessions=np.append(self.sessions[:count], bars.session),
            bars=np.append(self.bars[:count], counts.bars),
            good=np.append(self.good[:count], counts.good),
            counts=[*self.counts[:count], counts],
            digests={**{key: text for key, text in self.digests.items() if key < day}, day: bars_digest},
            cap_digests={key: text for key, text in self.cap_digests.items() if key < day},
            forming=bars,
        )

    def doubt(self, n: int) -> str:
        """Why session n is not scanned unless a person says so (`session_activity`), "" where nothing is wrong: too
        many bars are missing, too few instruments traded, or the bars are those of the session before."""
        return self.counts[n].doubt(self.counts[n - 1]) if n else ""

    def is_doubtful(self, n: int) -> bool:
        """Whether session n is in doubt."""
        return bool(self.doubt(n))

    def last_complete_session(self, as_of: datetime) -> date:
        """The latest session that has closed by `as_of` and is not in doubt; DataProblem where there is none."""
        self.refuse_empty()
        for n in range(self.hours.last_closed(self.sessions, as_of), -1, -1):
            if self.bars[n] and not self.is_doubtful(n):
                session: date = self.sessions[n].item()
                return session
        raise DataProblem(
            f"Market {self.market.name} has no complete session yet: its last one had not closed, or has too few bars; "
            "name one with --date."
        )

    def closed_days(self) -> dict[str, str]:
        """The sessions of the calendar that the record leaves out since the market did not trade: ISO date -> a
        sentence. An operator confirms it by a calendar override, or says by one that the market was open."""
        return {day: f"{day}: {why}; closed?" for day, why in sorted(self.closed.items()) if why}

    def notices(self, sessions: Days) -> list[str]:
        """A sentence for each day that makes a scan of `sessions` less certain: days from `DOUBT_SESSIONS` before them
        on that are left out since the market did not trade, and sessions before them in doubt."""
        first = int(np.searchsorted(self.sessions, sessions[0]))
        low = max(first - DOUBT_SESSIONS, 0)
        since = str(self.sessions[low])
        sentences = {day: sentence for day, sentence in self.closed_days().items() if day >= since}
        for n in range(low, first):
            if self.bars[n] and (why := self.doubt(n)):
                sentences[str(self.sessions[n])] = f"{self.sessions[n]}: {why}"
        return [sentences[day] for day in sorted(sentences)]

    def blocks(self) -> list[Days]:
        """The recorded sessions as consecutive runs, none of them missing."""
        with_bars = np.flatnonzero(self.bars > 0)
        runs = np.split(with_bars, np.flatnonzero(np.diff(with_bars) > 1) + 1)
        return [self.sessions[run] for run in runs if len(run)]

    def block(self, session: np.datetime64) -> Days:
        """The run of sessions that `session` lies in; DataProblem where it has no bars."""
        for run in self.blocks():
            if run[0] <= session <= run[-1]:
                return run
        raise DataProblem(self.absence(session))

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
        self.refuse_missing(inside)
        return self.sessions[inside]

    def months(self, days: Days) -> tuple[Part, ...]:
        """The partitions that `days` lie in."""
        return parts_of(self.parts, days)

    def history_digests(self, sessions: Days, breaks: Iterable[Break] = ()) -> list[str]:
        """For each of `sessions` the digest of everything recorded up to and including it but market caps, and of the
        `breaks` up to it, in hex: what every result may depend on, and nothing later."""
        key, state = self.market.name, (self.digests, tuple(breaks))
        by_day = HISTORY_DIGESTS.get(key, state, lambda: self._history_digests(state[1]))
        return [by_day[day] for day in map(str, sessions) if day in by_day]

    def _history_digests(self, breaks: Iterable[Break]) -> dict[str, str]:
        """`history_digests` of every session that has a digest."""
        by_session: dict[str, list[bytes]] = {}
        for one in breaks:
            by_session.setdefault(one.session, [RULES_VERSION.encode()]).append(f"{one.kind} {one.code}".encode())
        digests = {}
        state = digest.text([self.market.name.encode()])
        for day in sorted(self.digests):
            state = digest.text([state.encode(), day.encode(), self.digests[day].encode()])
            if day in by_session:
                state = digest.text([state.encode(), *by_session[day]])
            digests[day] = state
        return digests

    def digests_with_caps(self, sessions: Days, bar_digests: Sequence[str]) -> list[str]:
        """For each of `sessions` the digest of the bars up to it (`bar_digests`) and of all market caps up to it, in
        hex; that of the bars alone where no cap is recorded up to then."""
        return _joined(bar_digests, _chained(sessions, self.cap_digests))

    def refuse_empty(self) -> None:
        """DataProblem where there are no bars at all."""
        if not len(self.sessions):
            raise EmptyMarket(self.market.name)

    def refuse_missing(self, inside: NDArray[np.bool_]) -> None:
        """DataProblem where one of the sessions `inside` (R,) is missing."""
        missing = self.sessions[inside & (self.bars == 0)]
        if len(missing):
            more = f" and {len(missing) - 1} more up to {missing[-1]}" if len(missing) > 1 else ""
            raise DataProblem(
                f"Market {self.market.name} has no bar at all on session {missing[0]}{more}, inside the requested "
                "window or its warm-up: import these sessions, or record in the admin's calendar overrides that the "
                "market was closed."
            )

    def absence(self, session: np.datetime64) -> str:
        """The message of a session without bars."""
        return f"Market {self.market.name} has no bars on {session}: {self._nearest(session)}."

    def _refuse_closed(self, day: np.datetime64) -> None:
        """DataProblem where the bars of `day` say that the market was closed."""
        if why := self.closed.get(str(day)):
            raise DataProblem(
                f"{day}: {why}; closed? The day is left out of every scan of market {self.market.name}. Confirm it, or "
                "say that the market was open, in the admin's calendar overrides; or collect or import its bars again."
            )

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

    def digests_with_bars(self, sessions: Days, bar_digests: Sequence[str]) -> list[str]:
        """For each of `sessions` the digest of the bars up to it (`bar_digests`) and of all flows up to it, in hex;
        that of the bars alone where no flow is recorded up to then."""
        return _joined(bar_digests, _chained(sessions, self.digests))

    def months(self, days: Days) -> tuple[Part, ...]:
        """The files that `days` lie in."""
        return parts_of(self.parts, days)


def _chained(sessions: Days, digests: Mapping[str, str]) -> list[str]:
    """For each of `sessions`, ascending, the digest of those of `digests` (ISO date -> digest) up to it, "" where there
    is none."""
    days, state, n = sorted(day for day, text in digests.items() if text), "", 0
    chain = []
    for session in sessions:
        while n < len(days) and days[n] <= str(session):
            state = digest.text([state.encode(), days[n].encode(), digests[days[n]].encode()])
            n += 1
        chain.append(state)
    return chain


def _joined(digests: Sequence[str], others: Sequence[str]) -> list[str]:
    """Each of `digests` with the one of `others` beside it, where that is not blank."""
    return [
        digest.text([one.encode(), other.encode()]) if other else one
        for one, other in zip(digests, others, strict=True)
    ]


def parts_of(parts: tuple[Part, ...], days: Days) -> tuple[Part, ...]:
    """Those of `parts` whose month `days` lie in."""
    low, high = days[0].astype("datetime64[M]"), days[-1].astype("datetime64[M]")
    return tuple(part for part in parts if low <= np.datetime64(part.month, "M") <= high)
