"""Collection of whole sessions: every instrument of a market on one day, from a source that publishes them later.

1. Planned are the published sessions of which the source has no recorded bar, ascending, as many as the calls that
   are left of the day allow (`source_calls`); a run of another day has the rest.
2. A session is recorded whole or not at all, in one transaction: no segment is empty, each has as many rows as a
   session has, and there are at least `SHARE` of the bars of the session before.
3. An empty answer is never a closed day: the exchange answers the same way before it has published a session.
4. A row that is rejected, lacks a value, or has a volume without prices leaves its instrument's session open
   (`open_rows`): the session is requested again, three times at most. Prices of 0 beside a volume, as of block trades
   alone, are recorded once a second answer has them, too.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Count
from numpy.typing import NDArray

from marketdata.errors import DataProblem
from marketdata.markets import Market, get_market
from marketdata.models import StockPrice
from marketdata.operations.closure_notices import DayFingerprints
from marketdata.operations.collect import open_rows
from marketdata.operations.collect.collection import collection_lease
from marketdata.operations.collect.report import CollectionProgress, CollectionReport
from marketdata.operations.record import bars
from marketdata.operations.record.price_basis import PriceBasis
from marketdata.operations.record.readings import settle_by_session
from marketdata.operations.record.rejects import RejectFile
from marketdata.operations.record.validation import Validator
from marketdata.operations.source_calls import calls_left, count_calls
from marketdata.queries.market_calendar import get_sessions
from marketdata.record import Days
from marketdata.sources.base import AccessRefused, SourceError, SourceGone
from marketdata.sources.sessions import SessionAnswer, SessionSource

LOGGER = logging.getLogger(__name__)
SHARE = 0.95
"""Of the bars of the session before: with fewer, a session is taken to be incomplete."""
NEAR = 10
"""Sessions back in which the session before is sought."""
MOST_REJECTED = 0.05
"""Share of rejected rows of a session above which it is not recorded."""


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """The `days` to request, ascending; `later`: how many the daily limit leaves to another run; `waiting`: the first
    closed session that is not published yet, and from when it is; `seconds`: the time of `calls` at the limit."""

    market: Market
    source: str
    calendar: NDArray[np.datetime64]
    days: tuple[date, ...]
    later: int
    waiting: tuple[date, datetime] | None
    recorded: dict[date, int]
    calls: int
    seconds: float


def plan_sessions(source: SessionSource, *, market: str, since: date | None, as_of: datetime) -> SessionPlan:
    """The sessions that the record lacks from `source`: from `since` on, else from the first recorded session of the
    source on, else the last SEISMO_COLLECT_HISTORY ones. DataProblem where the source has another market."""
    rules = get_market(market)
    calendar = get_sessions(rules.name)
    end = len(published_sessions(source, market, as_of=as_of))
    rows = StockPrice.objects.filter(market=rules.name, source=source.name)
    recorded = dict(rows.values_list("date").annotate(count=Count("id")).order_by("date"))
    begin = since or min(recorded, default=calendar[max(end - settings.COLLECT_HISTORY, 0)].item())
    begin = max(begin, source.first_session)
    first = int(np.searchsorted(calendar, np.datetime64(begin)))
    again = open_rows.open_sessions(rules.name, source.name, calendar)
    missing = [day for day in calendar[first:end].tolist() if day not in recorded or day in again]
    most = calls_left(source, rules, as_of) // source.calls_a_session
    calls = min(len(missing), most) * source.calls_a_session
    waiting = None
    if end < len(calendar) - 1:
        session, following = calendar[end].item(), calendar[end + 1].item()
        waiting = (session, source.published_at(session, following)) if session <= as_of.date() else None
    return SessionPlan(
        rules,
        source.name,
        calendar,
        tuple(missing[:most]),
        max(len(missing) - most, 0),
        waiting,
        recorded,
        calls,
        calls / source.calls_per_second,
    )


def published_sessions(source: SessionSource, market: str, *, as_of: datetime) -> Days:
    """The market's sessions up to the last one that `source` has published, ascending. DataProblem where it has another
    market."""
    rules = get_market(market)
    if source.daily_market not in rules.family:
        raise DataProblem(f"{source.title} has market {source.daily_market}, not {market}: name another --source.")
    calendar = get_sessions(rules.name)
    end = int(np.searchsorted(calendar, np.datetime64(as_of.date()), side="right"))
    while end and source.published_at(calendar[end - 1].item(), calendar[end].item()) > as_of:
        end -= 1
    return calendar[:end]


def run_sessions(
    source: SessionSource,
    market: str,
    *,
    since: date | None = None,
    clock: Callable[[], datetime],
    on_plan: Callable[[SessionPlan], None] = lambda plan: None,
    on_wait: Callable[[str], None] = lambda sentence: None,
    progress: Callable[[CollectionProgress], None] = lambda progress: None,
) -> CollectionReport:
    """Plan and collect, one process at a time (`collection_lease`)."""
    with collection_lease("sessions", market, source.name, on_wait):
        plan = plan_sessions(source, market=market, since=since, as_of=clock())
        on_plan(plan)
        return collect_sessions(source, plan, clock=clock, progress=progress)


def collect_sessions(
    source: SessionSource,
    plan: SessionPlan,
    *,
    clock: Callable[[], datetime],
    progress: Callable[[CollectionProgress], None] = lambda progress: None,
) -> CollectionReport:
    """Request and record the sessions of `plan`; the failures of the report are by day."""
    columns = ("BAS_DD", "ISU_CD", "ISU_NM", "TDD_CLSPRC", "ACC_TRDVOL")
    with RejectFile(Path(settings.REJECT_DIR), f"{plan.source}-{plan.market.name}", clock(), columns) as rejects:
        collection = _SessionCollection(source, plan, clock, rejects)
        collection.run(progress)
        return replace(
            collection.report,
            rejected=dict(rejects.counts.most_common()),
            reject_file=rejects.file,
            notices=(
                *collection.days.closed(plan.market.name),
                *collection.basis.notices(plan.market.name, plan.source),
            ),
        )


class _SessionCollection:
    """One execution of a plan."""

    def __init__(
        self, source: SessionSource, plan: SessionPlan, clock: Callable[[], datetime], rejects: RejectFile
    ) -> None:
        self._source, self._plan, self._clock, self._rejects = source, plan, clock, rejects
        self._recorded = Counter(plan.recorded)
        self.report = CollectionReport()
        self.days = DayFingerprints()
        self.basis = PriceBasis()

    def run(self, progress: Callable[[CollectionProgress], None]) -> None:
        """Request every day; refused credentials and a source that is gone end the run."""
        began, before, failures, stopped = perf_counter(), self._source.calls_made, dict[str, str](), ""
        counted = before
        for number, (day, answer) in enumerate(self._source.sessions_of(self._plan.days), 1):
            made = self._source.calls_made
            count_calls(self._source, self._plan.market, made - counted, self._clock())
            counted = made
            problem = str(answer) if isinstance(answer, SourceError) else self._record(answer)
            if isinstance(answer, AccessRefused | SourceGone):
                stopped = problem
                break
            if problem:
                LOGGER.warning("collect event=failed source=%s session=%s error=%s", self._plan.source, day, problem)
                failures[day.isoformat()] = problem
            counts = self.report.counts
            rows = counts.new + counts.corrected + counts.unchanged
            calls = number * self._source.calls_a_session
            progress(CollectionProgress(calls, self._plan.calls, rows, perf_counter() - began))
        self.report = replace(
            self.report,
            calls=self._source.calls_made - before,
            planned=self._plan.calls,
            seconds=perf_counter() - began,
            failures=dict(sorted(failures.items())),
            stopped=stopped,
        )

    def _record(self, answer: SessionAnswer) -> str:
        """Record a session; returns why it is not recorded, "" where it is."""
        if problem := self._problem(answer):
            return problem
        batch, at = answer.batch, self._clock()
        market, source, session = self._plan.market.name, self._plan.source, answer.session
        reasons = Validator(self._plan.market, self._plan.calendar, at).bars(batch)
        open_before = open_rows.open_codes(market, source, session)
        usable, still_open = open_rows.usable_rows(answer, reasons, open_before)
        self._rejects.add(batch.raw, batch.row, reasons)
        valid = batch.take(np.flatnonzero(usable))
        if len(valid) < (1 - MOST_REJECTED) * len(batch):
            return (
                f"{len(batch) - len(valid):,} of {len(batch):,} rows are rejected: nothing of the session is recorded."
            )
        self.days.add(valid)
        with transaction.atomic():
            counts = bars.record_bars(valid, market=market, source=source, at=at, basis=self.basis)
            open_rows.record_coverage(
                market,
                source,
                session,
                open_before=open_before,
                still_open=still_open,
                calendar=self._plan.calendar,
                at=at,
            )
        settle_by_session(market, source, session, at)
        self._recorded[session] = len(valid)
        self.report = replace(self.report, counts=self.report.counts + counts)
        return ""

    def _problem(self, answer: SessionAnswer) -> str:
        """Why a session is incomplete, "" where it is whole."""
        if answer.empty:
            return (
                f"{' and '.join(answer.empty)} without a row: not published yet, or a closed day that the calendar "
                "does not know: record it in the calendar overrides."
            )
        for segment, least in answer.least.items():
            if answer.rows[segment] < least:
                return f"{segment} has {answer.rows[segment]:,} rows, fewer than the {least:,} of a whole session."
        at = int(np.searchsorted(self._plan.calendar, np.datetime64(answer.session)))
        earlier = (self._recorded[day] for day in self._plan.calendar[max(at - NEAR, 0) : at][::-1].tolist())
        before = next((count for count in earlier if count), 0)
        if len(answer.batch) < SHARE * before:
            return f"{len(answer.batch):,} bars, fewer than {SHARE:.0%} of the {before:,} of the session before."
        return ""
