"""Readiness of a market: the freshness of its record, and the state of each version.

`marketdata.queries.readiness` has the state of the record; this module adds the versions. A market is ready if its last
closed session is recorded and every version of its evening has published it from the present data. The versions of an
evening are those that its schedule names; without a schedule the active one and those that have published within the
record's last `RECENT_SESSIONS` sessions. Other enabled versions are listed and do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from caching.cached import leave_unstored
from marketdata.errors import DataProblem, LakeError
from marketdata.joint_queries import evaluate_together, reuse_queries
from marketdata.markets import get_market
from marketdata.queries import index_series, instruments
from marketdata.queries.breaks import get_history_digests
from marketdata.queries.instruments import stated_segments
from marketdata.queries.market_calendar import MarketCalendar
from marketdata.queries.readiness import ALARM_STATES, Freshness, ReadinessState
from marketdata.queries.records import get_flow_record
from marketdata.queries.session_bars import SessionBars, SessionBarsQueries, make_session_bars
from marketdata.record import Record
from scans import digests
from scans.engines import engine_params
from scans.engines.base import caps_reach, reads_flows
from scans.engines.registry import ENGINES
from scans.models import Notification, Reading, ScannerVersion, ScanRun, ScanSession, Status
from scans.queries.enabled_versions import enabled_rows, fitting_versions
from scans.queries.freshness import ScheduledFreshnessQueries
from scans.queries.versions import active_versions, choose_active

SCOPE_PARAMS = ("segments", "limits", "top")
"""The parameters of a run beside those of its engine."""
LAKE_BEHIND = "the record was written to since, and the lake is behind it"
RECENT_SESSIONS = 20
"""Sessions without an answer after which a version that no schedule names no longer counts."""


class VersionState(StrEnum):
    """The state of a version on the last closed session; stale: published from older data than the record has."""

    SCANNED = "scanned"
    STALE = "stale"
    QUARANTINED = "quarantined"
    FAILED = "failed"
    NOT_SCANNED = "not_scanned"


@dataclass(frozen=True, slots=True)
class VersionReadiness:
    """A version's readiness. `latest`: its last published session, of run `run`, which ended at `ready_at`. `behind`:
    closed sessions since (None: nothing is published). `belongs`: whether the market's readiness depends on it.
    `read_at`: when the provisional bars of that session were read, None where the answer is settled."""

    version: str
    state: VersionState
    reason: str
    latest: date | None
    run: int | None
    behind: int | None
    belongs: bool
    ready_at: datetime | None = None
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """A market's readiness: `state`, its reason in one sentence, the record's freshness and the enabled versions."""

    state: ReadinessState
    reason: str
    record: Freshness
    versions: tuple[VersionReadiness, ...]

    @property
    def market(self) -> str:
        return self.record.market

    @property
    def is_alarming(self) -> bool:
        return self.state in ALARM_STATES


def market_readiness(market: str, as_of: datetime) -> Readiness:
    """The readiness of one market; raises UnknownMarket."""
    (readiness,) = markets_readiness([market], as_of)
    return readiness


def markets_readiness(markets: Sequence[str], as_of: datetime) -> list[Readiness]:
    """The readiness of several markets, in one query and one more for each that has bars."""
    queries = ReadinessQueries(markets)
    evaluate_together(*queries.query_sets)
    result = []
    for freshness in queries.scheduled_freshness(as_of):
        answers = queries.answers(freshness)
        if answers:
            evaluate_together(*answers.query_sets)
        result.append(queries.readiness(freshness, as_of, answers))
    return result


def readiness_with_bars(
    market: str, as_of: datetime, session: Callable[[Freshness], date], *, eligibility: bool
) -> tuple[Readiness, SessionBars | None]:
    """The readiness of one market, and the bars (`get_session_bars`) of the session that `session` names for the
    freshness of its record; None where the market has none."""
    queries = ReadinessWithBarsQueries(market, as_of, session)
    while rest := queries.next_step():
        evaluate_together(*rest)
    return queries.readiness(), queries.bars(eligibility=eligibility)


def recorded_markets_readiness(as_of: datetime) -> list[Readiness]:
    """The readiness of every market that has bars."""
    return [
        market
        for market in markets_readiness(instruments.get_market_names(), as_of)
        if market.state is not ReadinessState.EMPTY
    ]


class ReadinessQueries(ScheduledFreshnessQueries):
    """The queries of the readiness of `markets` that depend on no session."""

    def __init__(self, markets: Sequence[str]) -> None:
        super().__init__(markets)
        self.segments = stated_segments(markets)
        self.versions, self.active = enabled_rows(), active_versions()

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        return [*super().query_sets, self.segments, self.versions, self.active]

    def answers(self, freshness: Freshness) -> SessionQueries | None:
        """The queries of the answers of a market's versions, for its readiness; None where it has no bars."""
        name, day = freshness.market, freshness.last_closed
        if freshness.latest is None or day is None:
            return None
        stated = [segment for market, segment in self.segments if market == name]
        versions = fitting_versions([*get_market(name).segments, *stated], self.versions)
        key = ("session", name, tuple(version.pk for version in versions), day)
        answers = reuse_queries(key, lambda: SessionQueries(name, versions, day))
        answers.versions = versions
        return answers

    def readiness(self, freshness: Freshness, as_of: datetime, answers: SessionQueries | None) -> Readiness:
        """The readiness of a market by the freshness of its record and the answers of its versions."""
        if answers is None:
            reason = f"Market {freshness.market} has no bars yet."
            return Readiness(ReadinessState.EMPTY, reason, freshness, ())
        required = self._required(freshness.market, answers.versions)
        versions = _versions(freshness, self.record(freshness.market), answers, required)
        state, reason = _state_and_reason(freshness, versions, as_of)
        if freshness.doubts and freshness.doubts not in reason:
            reason = f"{reason} {freshness.doubts}"
        return Readiness(state, reason, freshness, tuple(versions))

    def _required(self, market: str, versions: Sequence[ScannerVersion]) -> tuple[set[int], bool]:
        """The keys of the versions that the market's readiness depends on, and whether recent ones are too."""
        for schedule in self.evenings:
            if schedule.market == market:
                slugs = schedule.versions or [version.slug for version in versions]
                return {version.pk for version in versions if version.slug in slugs}, False
        active = choose_active(market, self.active)
        return ({active.pk} if active else set()), True


class SessionQueries:
    """The queries of the answers of versions up to a session: their latest published ones, those of the session in
    quarantine, its runs and its evening's notification."""

    def __init__(self, market: str, versions: Sequence[ScannerVersion], day: date) -> None:
        self.versions, self.day = versions, day
        rows = ScanSession.objects.filter(market=market, scanner_version__in=versions)
        order = Window(RowNumber(), partition_by=F("scanner_version"), order_by=F("date").desc())
        newest = rows.filter(published=True, date__lte=day).annotate(place=order).filter(place=1).values("pk")
        self.latest = ScanSession.objects.filter(pk__in=newest).select_related("run")
        self.quarantined = rows.filter(date=day, status=Status.QUARANTINED).select_related("decision")
        self.notified = Notification.objects.filter(market=market, session=day, kind=Notification.EVENING).values_list(
            "versions", flat=True
        )
        runs = ScanRun.objects.filter(market=market, scanner_version__in=versions, first__lte=day, last__gte=day)
        self.runs = runs.order_by("pk").values_list("scanner_version", "status", "reason")

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        """All of them."""
        return [self.latest, self.quarantined, self.notified, self.runs]


class ReadinessWithBarsQueries:
    """The queries of the readiness of a market, and of the bars of the session that `session` names for the freshness
    of its record, in two steps, the second by the answers to the first: `next_step` returns those of a step, for
    `evaluate_together`."""

    def __init__(self, market: str, as_of: datetime, session: Callable[[Freshness], date]) -> None:
        self.market, self.as_of, self._session = market, as_of, session
        self._steps = iter((self._first, self._second))
        self._bars: SessionBarsQueries | None = None

    @cached_property
    def _queries(self) -> ReadinessQueries:
        return reuse_queries(("readiness", self.market), lambda: ReadinessQueries([self.market]))

    def next_step(self) -> list[QuerySet[Any, Any]]:
        """The queries of the step after the one that was evaluated last; none after the last step."""
        step = next(self._steps, None)
        return step() if step else []

    def _first(self) -> list[QuerySet[Any, Any]]:
        return self._queries.query_sets

    def _second(self) -> list[QuerySet[Any, Any]]:
        if self._answers is None:
            return []
        session = self._session(self.freshness)
        key = ("session bars", self.market, session)
        self._bars = reuse_queries(key, lambda: SessionBarsQueries(self.market, session))
        return [*self._answers.query_sets, *self._bars.query_sets]

    @cached_property
    def freshness(self) -> Freshness:
        """Of the record, after the first step."""
        (freshness,) = self._queries.scheduled_freshness(self.as_of)
        return freshness

    @cached_property
    def _answers(self) -> SessionQueries | None:
        return self._queries.answers(self.freshness)

    @property
    def calendar(self) -> MarketCalendar:
        """The market's calendar, after the first step."""
        return self._queries.calendars[self.market]

    def readiness(self) -> Readiness:
        """The readiness, after both steps."""
        return self._queries.readiness(self.freshness, self.as_of, self._answers)

    def bars(self, *, eligibility: bool) -> SessionBars | None:
        """The bars of the session, after both steps; None where the market has none."""
        if self._bars is None:
            return None
        return make_session_bars(self._queries.record(self.market), self._bars, eligibility=eligibility)


def _state_and_reason(
    freshness: Freshness, versions: Sequence[VersionReadiness], as_of: datetime
) -> tuple[ReadinessState, str]:
    if freshness.state is not ReadinessState.READY:
        return freshness.state, freshness.sentence
    required = [version for version in versions if version.belongs]
    lacking = [version for version in required if version.state not in (VersionState.SCANNED, VersionState.STALE)]
    stale_slugs = [version.version for version in required if version.state is VersionState.STALE]
    if lacking:
        states = ", ".join(f"{version.version} {version.state.replace('_', ' ')}" for version in lacking)
        late = freshness.due_at is not None and freshness.due_at <= as_of
        state = ReadinessState.OVERDUE if late else ReadinessState.NOT_READY
        return state, f"Session {freshness.last_closed} is recorded on market {freshness.market}; {states}."
    if stale_slugs:
        return ReadinessState.STALE, (
            f"The record of market {freshness.market} has changed since {', '.join(stale_slugs)} published "
            f"{freshness.last_closed}: scan it again."
        )
    return ReadinessState.READY, freshness.sentence


def _versions(
    freshness: Freshness,
    market_record: Record,
    answers: SessionQueries,
    belonging: tuple[set[int], bool],
) -> list[VersionReadiness]:
    day = answers.day
    latest = {row.scanner_version_id: row for row in answers.latest}
    waiting = {row.scanner_version_id: row for row in answers.quarantined}
    failed = _failures(answers)
    changed = _changed(market_record, latest.values())
    closed = market_record.calendar[market_record.calendar <= np.datetime64(day)]
    ago = {key: int((closed > np.datetime64(row.date)).sum()) for key, row in latest.items()}
    recent = {key for key, n in ago.items() if n - freshness.behind <= RECENT_SESSIONS}
    required = belonging[0] | (recent if belonging[1] else set())
    result = []
    for version in answers.versions:
        row = latest.get(version.pk)
        state_of_version = VersionReadiness(
            version.slug,
            VersionState.NOT_SCANNED,
            f"published up to {row.date}" if row else "nothing is published",
            row.date if row else None,
            row.run_id if row else None,
            ago.get(version.pk),
            version.pk in required,
            row.run.finished_at if row else None,
            row.read_at if row and row.reading == Reading.PROVISIONAL else None,
        )
        if row and row.date == day:
            stale = changed.get(row.pk, "")
            state = VersionState.STALE if stale else VersionState.SCANNED
            state_of_version = replace(state_of_version, state=state, reason=stale or row.reason)
        elif version.pk in waiting:
            session = waiting[version.pk]
            decision = getattr(session, "decision", None)
            decision_text = f"{decision.verdict} by {decision.who}: " if decision else ""
            state_of_version = replace(
                state_of_version, state=VersionState.QUARANTINED, reason=f"{decision_text}{session.reason}"
            )
        elif version.pk in failed:
            state_of_version = replace(state_of_version, state=VersionState.FAILED, reason=failed[version.pk])
        result.append(state_of_version)
    return result


def _failures(answers: SessionQueries) -> dict[int, str]:
    """Key of a version -> the error of its last run of the session, else of the evening's notification."""
    slugs = {version.slug: version.pk for version in answers.versions}
    result = {
        slugs[version_row["scanner_version"]]: str(version_row["reason"])
        for rows in answers.notified
        for version_row in rows
        if version_row["scanner_version"] in slugs and version_row["status"] == Status.FAILED
    }
    last = {key: (status, why) for key, status, why in answers.runs}
    return result | {key: why for key, (status, why) in last.items() if status == Status.FAILED}


def _changed(market_record: Record, rows: Iterable[ScanSession]) -> dict[int, str]:
    """Key of each session that was published from older data -> a sentence that says so."""
    rows = list(rows)
    days = np.unique(np.array([row.date for row in rows], dtype="datetime64[D]"))
    if not len(days):
        return {}
    try:
        chain = dict(zip(map(str, days), get_history_digests(market_record, days), strict=False))
    except LakeError:  # a month has just been written, and the breaks follow
        leave_unstored()
        return dict.fromkeys((row.pk for row in rows), LAKE_BEHIND)
    reasons = {}
    for row in rows:
        month = row.date.replace(day=1)
        if any(stale_month <= month for stale_month in market_record.stale):
            reasons[row.pk] = LAKE_BEHIND
        elif row.input_digest != _digest_now(market_record, row, chain.get(str(row.date), "")):
            reasons[row.pk] = "published from older data than the record has now"
    return reasons


def _digest_now(market_record: Record, row: ScanSession, data: str) -> str:
    """The input digest of a published session by the present data and the parameters of its run; "" on an error."""
    run, days = row.run, np.array([row.date], dtype="datetime64[D]")
    parameters = dict(run.params)
    try:
        data = index_series.get_index_digests(market_record, days, run.index, [data])[0]
        if engine := ENGINES.get(run.engine):
            own = {name: parameters[name] for name in SCOPE_PARAMS if name in parameters}
            engine_params_of_run = {name: value for name, value in parameters.items() if name not in SCOPE_PARAMS}
            params = engine_params.read(engine.Params, engine_params_of_run, run.market)
            parameters = {**engine_params.dump(params), **own}  # numbers with the engine's types
            if caps_reach(engine, params) is not None:
                data = market_record.digests_with_caps(days, [data])[0]
            if reads_flows(engine, params):
                data = get_flow_record(run.market).digests_with_bars(days, [data])[0]
    except (DataProblem, engine_params.ParamError):
        return ""
    return digests.input_digest(data, parameters, run.engine, run.revision)
