"""Readiness of a market's record: its latest session against the calendar and a clock.

`get_freshness` is cheap (one query for all markets) and decides the state; `session_bars` counts
which instruments have a bar on one session and why the others are left out. What the scanner versions made of the
record is added in `scans.queries.readiness`; every face takes the state from these two.

1. The last closed session is that of the calendar, with overrides, by the closing times of the market.
2. The record is behind by the closed sessions after its latest complete one (`Record.is_doubtful`).
3. Sessions in doubt before the latest complete one are *undecided* until their bars are replaced, or an operator says
   in the calendar overrides that the market was closed, or that it was open: later sessions are computed from them.
4. What is missing becomes overdue `GRACE` after the evening of the session should have begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
from django.db.models import Max, QuerySet, Subquery

from marketdata.joint_queries import evaluate_together
from marketdata.market_time import market_zone
from marketdata.models import Instrument, LakePartition, StockPrice
from marketdata.number_format import count_of
from marketdata.queries.calendar_disagreements import CalendarDisagreement, calendar_changes, make_disagreements
from marketdata.queries.market_calendar import MarketCalendar, get_calendar
from marketdata.queries.readings import get_provisional_readings
from marketdata.queries.records import RecordQueries
from marketdata.record import DOUBT_SESSIONS, Days, Record
from marketdata.session_activity import SessionCounts
from marketdata.session_hours import SessionHours

GRACE = timedelta(hours=3)
"""From the time of a session's evening until its bars and scans are overdue: as long as a schedule tries again."""
DEMO = "demo"
"""The source of a generated market, which ends on the day it was generated."""
MAX_NAMED = 3
"""Undecided sessions that a sentence names: the latest."""
DISPUTED_BACK = timedelta(days=14)
"""How far back disagreements about the calendar are named."""
RECENT = timedelta(days=45)
"""How far back the counts of bars are read: two sessions at least, whatever the holidays."""


class ReadinessState(StrEnum):
    """How ready a market is: nothing recorded; generated; a session has closed and its evening is not done yet;
    complete; published from older data than the record has now; the evening is overdue."""

    EMPTY = "empty"
    DEMO = "demo"
    NOT_READY = "not_ready"
    READY = "ready"
    STALE = "stale"
    OVERDUE = "overdue"


ALARM_STATES = (ReadinessState.STALE, ReadinessState.OVERDUE)
"""States that need an operator."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """A market's record against its calendar. `last_closed` session of the calendar; `latest` with any bar and
    `complete` with enough of them, both up to it; `missing`: closed sessions after `latest`, which have no bar at all;
    `behind`: closed sessions after `complete`; `due_at`: when the evening of the oldest of these is overdue, or of
    the last closed session where there is none; `undecided`: recent sessions before `complete` whose bars are in doubt,
    each with the reason: later sessions are computed from them. `read_at`: when the bars of `complete` were read, None
    where they no longer change. `disagreements`: days of which a source's answer differs from the calendar."""

    market: str
    state: ReadinessState
    last_closed: date | None
    latest: date | None
    complete: date | None
    missing: tuple[date, ...]
    behind: int
    due_at: datetime | None
    undecided: tuple[tuple[date, str], ...] = ()
    read_at: datetime | None = None
    disagreements: tuple[CalendarDisagreement, ...] = ()

    @property
    def is_alarming(self) -> bool:
        return self.state in ALARM_STATES

    @property
    def sentence(self) -> str:
        """The state in one sentence, and one more where sessions are undecided or a source disputes the calendar; ""
        where the record is empty."""
        return " ".join(sentence for sentence in (self._state_sentence(), self.doubts) if sentence)

    @property
    def doubts(self) -> str:
        """The undecided sessions that later ones build on and the disagreements about the calendar that no person has
        decided, and how they are decided; "" where there is none."""
        open_ones = [one.sentence for one in self.disagreements if not one.is_decided]
        more = len(open_ones) - MAX_NAMED
        rest = [f"{count_of(more, 'more day')} of the calendar in question."] if more > 0 else []
        return " ".join(filter(None, [self._undecided_sentence(), *open_ones[:MAX_NAMED], *rest]))

    def _undecided_sentence(self) -> str:
        if not self.undecided:
            return ""
        shown = "; ".join(f"{day}: {why}" for day, why in self.undecided[-MAX_NAMED:])
        more = len(self.undecided) - MAX_NAMED
        return (
            f"Later sessions build on bars in doubt, which no operator has decided about ({shown}"
            f"{f'; and {more} earlier' if more > 0 else ''}): collect or import them again, or say in the admin's "
            "calendar overrides that the market was closed, or that it was open."
        )

    def _state_sentence(self) -> str:
        if self.latest is None:
            return ""
        if self.state is ReadinessState.DEMO:
            return f"Market {self.market} is a generated one (source demo); it ends on {self.latest}."
        if not self.behind:
            return f"The record of market {self.market} has its last closed session, {self.last_closed}."
        ago = f"{count_of(self.behind, 'session')} ago"
        if self.complete == self.latest:
            return (
                f"The record of market {self.market} ends {ago}, on {self.latest}: "
                f"the last closed session is {self.last_closed}."
            )
        whole = f"the last complete session, {self.complete}, was {ago}" if self.complete else ""
        return (
            f"Session {self.latest} of market {self.market} lacks bars"
            f"{f': {whole}' if whole else ''}; the last closed session is {self.last_closed}."
        )


def get_freshness(
    markets: Sequence[str], as_of: datetime, *, evenings: Mapping[str, time] | None = None
) -> list[Freshness]:
    """The freshness of the records of `markets` at `as_of`, in one query. `evenings`: market -> the time on its clock
    at which a session's evening begins, where that is not the market's own."""
    queries = FreshnessQueries(markets)
    evaluate_together(*queries.query_sets)
    return queries.freshness(as_of, evenings or {})


class FreshnessQueries(RecordQueries):
    """The queries of the freshness of the records of `markets`, and of these records."""

    def __init__(self, markets: Sequence[str]) -> None:
        super().__init__(markets)
        bars = Instrument.objects.exclude(last_bar=None).order_by()
        last_bars = {
            market: bars.filter(market=market).values_list("market").annotate(last=Max("last_bar"))
            for market in markets
        }
        self.last_bars = bars.filter(market__in=markets).values_list("market").annotate(last=Max("last_bar"))
        self.collected = [
            StockPrice.objects.filter(market=market, date=Subquery(last.values("last")))
            .exclude(source=DEMO)
            .order_by()
            .values_list("market", flat=True)[:1]
            for market, last in last_bars.items()
        ]
        self.readings = get_provisional_readings(markets)
        self.changes = calendar_changes(markets)

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        return [*super().query_sets, self.last_bars, self.readings, self.changes, *self.collected]

    def freshness(self, as_of: datetime, evenings: Mapping[str, time]) -> list[Freshness]:
        """See `get_freshness`."""
        last, collected = dict(self.last_bars), {market for markets in self.collected for market in markets}
        counts = _counts(last, self.partitions)
        records = [
            _freshness(
                self.calendars[name],
                as_of,
                last.get(name),
                counts.get(name),
                evenings.get(name, self.calendars[name].market.evening_at),
                is_demo=name not in collected,
            )
            for name in self.markets
        ]
        provisional = {(market, day): read_at for market, day, read_at in self.readings}
        since = as_of.date() - DISPUTED_BACK
        return [
            replace(
                record,
                read_at=provisional.get((record.market, record.complete)) if record.complete else None,
                disagreements=make_disagreements(self.calendars[record.market], self.changes, self.overrides, since),
            )
            for record in records
        ]


def get_doubtful_bases(record: Record, sessions: Days) -> dict[str, str]:
    """Of `sessions` (ISO) those that build on bars in doubt, each with a sentence: of the
    `DOUBT_SESSIONS` sessions before it the last one in doubt that no calendar override calls open."""
    first = int(np.searchsorted(record.sessions, sessions[0]))
    last = int(np.searchsorted(record.sessions, sessions[-1]))
    doubts: dict[int, str] = {}
    for n in range(max(first - DOUBT_SESSIONS, 0), last):
        if record.bars[n] and (why := record.doubt(n)):
            doubts[n] = why
    if not doubts:
        return {}
    opened = get_calendar(record.market.name).opened
    left = [n for n in doubts if record.sessions[n].item() not in opened]
    bases = {}
    for at in range(first, last + 1):
        near = [n for n in left if at - DOUBT_SESSIONS <= n < at]
        if near:
            day = record.sessions[near[-1]]
            bases[str(record.sessions[at])] = f"builds on {day}, in doubt: {doubts[near[-1]]}"
    return bases


Counts = Mapping[str, Sequence[int | str]]
"""Session (ISO) -> the counts of its bars in the lake."""


def _counts(last: Mapping[str, date], partitions: Iterable[LakePartition]) -> dict[str, Counts | None]:
    """Market -> the counts of its recent sessions; None where the lake is behind them."""
    counts: dict[str, Counts | None] = {}
    for row in partitions:
        if row.market not in last or row.month < (last[row.market] - RECENT).replace(day=1):
            continue
        earlier = counts.setdefault(row.market, {})
        if row.is_stale or earlier is None:
            counts[row.market] = None
        else:
            counts[row.market] = {**earlier, **row.sessions}
    return counts


def _freshness(
    calendar: MarketCalendar,
    as_of: datetime,
    last_bar: date | None,
    counts: Counts | None,
    evening: time,
    *,
    is_demo: bool,
) -> Freshness:
    market, hours = calendar.market, calendar.hours
    after = calendar.sessions[: hours.last_closed(calendar.sessions, as_of) + 1]
    closed = after[-1].item() if len(after) else None
    if last_bar is None or closed is None:
        return Freshness(market.name, ReadinessState.EMPTY, closed, None, None, (), 0, None)
    latest, complete = _latest(after, last_bar, counts)
    missing = tuple(after[after > np.datetime64(latest)].tolist()) if latest else ()
    lacking = after[after > np.datetime64(complete)] if complete else after[-1:]
    due_at = due_time(hours, (lacking if len(lacking) else after[-1:])[0].item(), evening)
    if latest and is_demo:
        state = ReadinessState.DEMO
    elif not len(lacking):
        state = ReadinessState.READY
    else:
        state = ReadinessState.OVERDUE if due_at <= as_of else ReadinessState.NOT_READY
    undecided = _undecided_sessions(after, complete, counts, calendar.opened)
    return Freshness(market.name, state, closed, latest, complete, missing, len(lacking), due_at, undecided)


def _undecided_sessions(
    closed: Days, complete: date | None, counts: Counts | None, opened: frozenset[date]
) -> tuple[tuple[date, str], ...]:
    """The counted sessions in doubt before the latest complete one that no override calls open, and why."""
    if counts is None or complete is None:
        return ()
    days = closed[closed <= np.datetime64(complete)][-40:]
    days = days[days >= np.datetime64(min(counts, default=str(complete)))]
    by_session = [SessionCounts.of(counts.get(str(day))) for day in days]
    recorded = [(day, counted) for day, counted in zip(days.tolist(), by_session, strict=True) if counted.bars]
    return tuple(
        (day, why)
        for (_, before), (day, counted) in pairwise(recorded)
        if day not in opened and (why := counted.doubt(before))
    )


def _latest(closed: Days, last_bar: date, counts: Counts | None) -> tuple[date | None, date | None]:
    """The latest of the `closed` sessions with any bar, and the latest with enough. Where the lake is behind there
    are no counts yet: then the latest recorded day is taken for complete."""
    inside = closed[closed <= np.datetime64(last_bar)]
    if not len(inside):
        return None, None
    if counts is None:
        return inside[-1].item(), inside[-1].item()
    bars = [SessionCounts.of(counts.get(str(day))) for day in inside[-40:]]
    with_bars = [n for n, counted in enumerate(bars) if counted.bars]
    if not with_bars:
        return inside[-1].item(), inside[-1].item()
    days = inside[-40:]
    enough = [n for n in with_bars if n == 0 or not bars[n].doubt(bars[n - 1])]
    return days[with_bars[-1]].item(), days[enough[-1]].item() if enough else None


def due_time(hours: SessionHours, session: date, evening: time) -> datetime:
    """When the evening of `session`, which begins at the next `evening` on the market's clock after the close, is
    overdue."""
    closed, zone = hours.closing(session), market_zone(hours.market)
    begins = datetime.combine(closed.date(), evening, zone) + hours.later_than_usual(session)
    if begins < closed:
        begins = datetime.combine(closed.date() + timedelta(days=1), evening, zone)
    return begins + GRACE
