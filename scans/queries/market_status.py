"""The status of a market above every page: its readiness with the bars of the session, and the work in progress.

Readiness needs two queries, so it is cached for one minute of the clock and one state of the data; a page that has
queries of its own to evaluate evaluates them in the same statements. The work is read anew each time, in one query.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, cached_property
from typing import Any, cast

from django.db.models import (
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    Expression,
    IntegerField,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.functions import Cast, Coalesce

from caching.cached import cached
from marketdata.joint_queries import evaluate_together
from marketdata.queries.calendar_disagreements import CalendarDisagreement
from marketdata.queries.readiness import GRACE, Freshness, ReadinessState
from marketdata.queries.session_bars import Omission, SessionBars
from marketdata.web.prepared import PreparedStatement, example_codes, pad_codes
from scans.models import Evening, EveningStatus, Mark, RequestStatus, ScanRequest
from scans.queries import marks
from scans.queries.overview import UNFINISHED
from scans.queries.readiness import Readiness, ReadinessWithBarsQueries, VersionReadiness, VersionState


@dataclass(frozen=True, slots=True)
class MarketStatus:
    """`bars` of the session that the readiness is about; None where the market has none. `begins_at`: when its evening
    begins; `quoted_hours`: the hours of today's continuous trading until they end, None where it is closed."""

    readiness: Readiness
    bars: SessionBars | None
    begins_at: datetime | None
    quoted_hours: tuple[datetime, datetime] | None = None

    def versions_in(self, *states: VersionState) -> list[VersionReadiness]:
        """The versions in one of these states on the last closed session."""
        return [version for version in self.readiness.versions if version.state in states]


@dataclass(frozen=True, slots=True)
class Work:
    """A scan request or an evening in progress. `total` 0: unknown; `since`: started, or queued where it waits."""

    is_evening: bool
    number: int
    is_waiting: bool
    done: int
    total: int
    since: datetime


class StatusQueries(ReadinessWithBarsQueries):
    """The queries of a market's status at `as_of`, a minute; `state` changes with the market's data."""

    def __init__(self, market: str, as_of: datetime, state: Sequence[datetime | None]) -> None:
        super().__init__(market, as_of, _shown_session)
        self.state = [*state, as_of]

    @cached_property
    def missing_step(self) -> Callable[[], list[QuerySet[Any, Any]]]:
        """`next_step`, for a page that evaluates the queries with its own; none where the status is cached."""
        return list if market_status.is_stored(self) else self.next_step


@cached(
    "tried",
    what="market-status",
    version=3,
    by=lambda queries: (queries.market, queries.state),
    holds=(MarketStatus, Readiness, VersionReadiness, Freshness, CalendarDisagreement, SessionBars, Omission),
)
def market_status(queries: StatusQueries) -> MarketStatus:
    """The status of a market, from its queries; those that a page did not evaluate are evaluated here."""
    while rest := queries.next_step():
        evaluate_together(*rest)
    readiness = queries.readiness()
    due_at = readiness.record.due_at
    return MarketStatus(
        readiness,
        queries.bars(eligibility=False),
        due_at and due_at - GRACE,
        queries.calendar.quoted_hours(queries.as_of),
    )


def _shown_session(record: Freshness) -> date:
    """The session whose bars are counted: the last closed one while it is collected, else the latest with bars."""
    session = record.last_closed if record.state is ReadinessState.NOT_READY else record.latest
    return cast("date", session)


def current_work(market: str) -> list[Work]:
    """Unfinished scan requests of the market and its running evening, the oldest first (one query)."""
    return make_work(WORK.rows(market))


def work_and_tags(
    user: Any, market: str, codes: Collection[str], day: date | None
) -> tuple[list[Work], dict[str, str]]:
    """`current_work` and `marks.tags`, in one query."""
    if not user.pk or not codes:
        return current_work(market), {}
    filled = pad_codes(codes)
    rows = _statement(len(filled)).rows(market, user.pk, day or date.max, *filled)
    by_day = sorted((row for row in rows if row[0] is None), key=lambda row: str(row[-1] or ""))
    tags = {code: tag for _, _, code, *_, tag, _ in by_day}
    return make_work([row[:-2] for row in rows if row[0] is not None]), tags


def work_and_marks(user: Any, market: str, codes: Collection[str]) -> tuple[list[Work], list[Mark]]:
    """`current_work`, and the user's marks of these instruments, the latest session first, then the ones without a
    date; in one query."""
    if not user.pk or not codes:
        return current_work(market), []
    filled = pad_codes(codes)
    rows = _marks_statement(len(filled)).rows(market, user.pk, *filled)
    own = [
        Mark(market=market, code=code, date=_day(day), tag=tag, note=note, seen_at=seen_at and _moment(seen_at))
        for is_evening, _, code, _, _, _, day, tag, note, seen_at in rows
        if is_evening is None
    ]
    own.sort(key=lambda mark: mark.date or date.min, reverse=True)
    return make_work([row[:6] for row in rows if row[0] is not None]), own


def make_work(rows: Iterable[Sequence[Any]]) -> list[Work]:
    """See `current_work`."""
    work = [
        Work(bool(is_evening), number, status == RequestStatus.QUEUED, done, total, _moment(since))
        for is_evening, number, status, done, total, since in rows
    ]
    return sorted(work, key=lambda row: row.since)


def work_rows(market: str, *nothing: Expression) -> QuerySet[Any, Any]:
    """The rows that `make_work` needs, with `nothing` in further columns."""
    requests = ScanRequest.objects.filter(market=market, status__in=UNFINISHED).order_by()
    evenings = Evening.objects.filter(market=market, status=EveningStatus.RUNNING).order_by()
    since = Coalesce("started_at", "queued_at")
    return requests.values_list(
        Value(False, BooleanField()), "pk", "status", "sessions_done", "sessions", since, *nothing
    ).union(
        evenings.values_list(Value(True, BooleanField()), "pk", "status", Value(0), Value(0), "started_at", *nothing),
        all=True,
    )


@cache
def _statement(places: int) -> PreparedStatement:
    """The statement of `work_and_tags` for that many codes."""

    def make(market: str, user: int, day: date, *codes: str) -> QuerySet[Any, Any]:
        empty = [Value(None, field) for field in (BooleanField(), IntegerField())]
        zeros = [Value(None, field) for field in (IntegerField(), IntegerField(), DateTimeField())]
        rows = marks.tag_rows(user, market, day, codes)
        return work_rows(market, Value("", CharField()), Cast(Value(None), DateField())).union(
            rows.values_list(*empty, "code", *zeros, "tag", "date"), all=True
        )

    return PreparedStatement(make, "market", -1, date(1, 1, 1), *example_codes(places))


@cache
def _marks_statement(places: int) -> PreparedStatement:
    """The statement of `work_and_marks` for that many codes."""

    def make(market: str, user: int, *codes: str) -> QuerySet[Any, Any]:
        empty = [Value(None, field) for field in (BooleanField(), IntegerField())]
        zeros = [Value(None, field) for field in (IntegerField(), IntegerField(), DateTimeField())]
        day, moment = (Cast(Value(None), field) for field in (DateField(), DateTimeField()))
        rows = Mark.objects.filter(user=user, market=market, code__in=codes).order_by()
        return work_rows(market, day, Value("", CharField()), Value("", TextField()), moment).union(
            rows.values_list(*empty, "code", *zeros, "date", "tag", "note", "seen_at"), all=True
        )

    return PreparedStatement(make, "market", -1, *example_codes(places))


WORK = PreparedStatement(work_rows, "a market")
"""The statement of `current_work`: every page needs it, and to build it takes longer than to run it."""


def _day(value: date | str | None) -> date | None:
    """A day as the database gives it: SQLite as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def _moment(value: datetime | str) -> datetime:
    """A time as the database gives it: SQLite as text or without a zone, in UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
