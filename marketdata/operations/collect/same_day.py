"""Rules for bars read on the day of their session, or in the night after it: whether they may be recorded.

A session that has not closed by the clock of the source has no bar yet. Where bars of the day follow trades after hours
(`SameDay`: KRX since 2026-09-14), they are those of the session only in a short time after its close, and again once
they are settled, the next morning. The clock is that of the source in its answer, with a margin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from marketdata.market_time import market_zone
from marketdata.session_hours import SessionHours
from marketdata.sources.daily import BarAnswer, SameDay

MARGIN = timedelta(seconds=5)
"""Clocks of one exchange may differ by so much: bars read this close to the end of the period are not recorded."""


@dataclass(frozen=True, slots=True)
class ReadingHours:
    """The hours at which bars of a session can be read from a source with the rule `same_day`."""

    hours: SessionHours
    same_day: SameDay | None

    def allows(self, session: date, at: datetime) -> bool:
        """Whether the bar of `session`, read at `at`, is the session's own."""
        closed = self.hours.closing(session)
        if self.same_day is None or session < self.same_day.since:
            return at >= closed
        begins, ends = closed + self.same_day.begins, closed + self.same_day.ends
        return begins <= at < ends - MARGIN or at >= self.settles(session)

    def settles(self, session: date) -> datetime:
        """The moment from which the bar of `session` no longer changes."""
        closed = self.hours.closing(session)
        if self.same_day is None or session < self.same_day.since:
            return closed
        return datetime.combine(session + timedelta(days=1), self.same_day.settled_at, self._zone)

    def refusal(self, session: date, at: datetime, title: str) -> str:
        """Why the bar of `session` is not recorded when read at `at`, and when to run again."""
        closed, clock = (self.hours.closing(session), f"{at.astimezone(self._zone):%Y-%m-%d %H:%M:%S}")
        if self.same_day is None or session < self.same_day.since:
            return (
                f"Session {session} closes at {closed:%H:%M} and it is {clock} by the clock of {title}: run this "
                "again after the close."
            )
        begins, ends = closed + self.same_day.begins, closed + self.same_day.ends - timedelta(minutes=1)
        hours = f"from {begins:%H:%M} to {ends:%H:%M}, or " if begins < ends else ""
        return (
            f"Session {session} is not recorded at {clock}, since bars of the day follow trades after hours: run this "
            f"{hours}from {self.settles(session):%H:%M} of the next day on."
        )

    def readable(self, answer: BarAnswer) -> tuple[BarAnswer, date | None]:
        """The answer without bars that may not be recorded, and the first session of these."""
        if answer.read_at is None:
            return answer, None
        refused = self.unreadable((bar.session for bar in answer.bars[-3:]), answer.read_at)
        if refused is None:
            return answer, None
        bars = [bar for bar in answer.bars if bar.session < refused]
        partial = tuple(session for session in answer.partial if session < refused)
        spoiled = tuple((first, last) for first, last in answer.spoiled if first < refused)
        return BarAnswer(bars, spoiled, partial, answer.read_at), refused

    def unreadable(self, sessions: Iterable[date], read_at: float) -> date | None:
        """The first of `sessions`, ascending, whose bar may not be recorded when read at `read_at`."""
        at = datetime.fromtimestamp(read_at, UTC).astimezone(self._zone)
        near = at.date() - timedelta(days=1)
        return next((session for session in sessions if session >= near and not self.allows(session, at)), None)

    @property
    def _zone(self) -> ZoneInfo:
        return market_zone(self.hours.market)
