"""Readiness of a market for its readers: the record against calendar and clock, and what each version made of it.

The state of the record is `marketdata.queries.readiness`; here the versions are added. A market is ready when its last
closed session is recorded and every version that belongs to its evening has published it from what the record has
now. Which versions these are: those its schedule names; without a schedule its active one and those that have published
within the record's last `RECENT_SESSIONS` sessions. Other enabled versions are listed, and decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

import numpy as np
from django.db.models import Max, QuerySet

from marketdata.errors import DataProblem
from marketdata.queries import index_series, instruments
from marketdata.queries.breaks import get_history_digests
from marketdata.queries.instruments import get_segments
from marketdata.queries.readiness import ALARM_STATES, Freshness, ReadinessState
from marketdata.queries.records import get_flow_record, get_record, get_records
from marketdata.record import Record
from scans import digests
from scans.engines import engine_params
from scans.engines.base import reads_flows
from scans.engines.registry import ENGINES
from scans.models import (
    Notification,
    ScannerVersion,
    ScanRun,
    ScanSession,
    Status,
)
from scans.queries import schedules
from scans.queries.freshness import markets_freshness
from scans.queries.versions import NoActiveVersion, active_version

SCOPE_PARAMS = ("segments", "limits", "top")
"""What a run records beside the parameters of its engine."""
RECENT_SESSIONS = 20
"""Sessions without an answer after which a version that no schedule names is no longer waited for."""


class VersionState(StrEnum):
    """What a version made of the last closed session; stale: it is published, from older data than the record has."""

    SCANNED = "scanned"
    STALE = "stale"
    QUARANTINED = "quarantined"
    FAILED = "failed"
    NOT_SCANNED = "not_scanned"


@dataclass(frozen=True, slots=True)
class VersionReadiness:
    """A version's part. `latest` session it has published and the `run` that did, `behind`: closed sessions since
    (None: nothing is published); `belongs`: whether the market waits for it."""

    version: str
    state: VersionState
    reason: str
    latest: date | None
    run: int | None
    behind: int | None
    belongs: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """A market's readiness: `state` with a sentence why, the record's freshness and the enabled versions."""

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
    """The readiness of one market; UnknownMarket."""
    (record,) = markets_freshness([market], as_of)
    return _with_versions(record, as_of, get_record(market))


def markets_readiness(markets: Sequence[str], as_of: datetime) -> list[Readiness]:
    """The readiness of several; those without bars cost nothing more than the question."""
    found = markets_freshness(markets, as_of)
    used = [one.market for one in found if one.state is not ReadinessState.EMPTY]
    held = {one.market.name: one for one in get_records(used)} if used else {}
    return [_with_versions(one, as_of, held.get(one.market)) for one in found]


def recorded_markets_readiness(as_of: datetime) -> list[Readiness]:
    """The readiness of every market that has bars."""
    return [
        one for one in markets_readiness(instruments.get_market_names(), as_of) if one.state is not ReadinessState.EMPTY
    ]


def enabled_versions(market: str) -> list[ScannerVersion]:
    """The enabled versions whose segments the market has: what an evening runs where none is named."""
    segments = set(get_segments(market))
    rows = ScannerVersion.objects.filter(enabled=True).order_by("slug")
    return [version for version in rows if segments.issuperset(version.segments)]


def lacking_segments(market: str) -> dict[str, list[str]]:
    """The other enabled versions, which an evening skips: slug -> the segments that the market does not have."""
    segments = set(get_segments(market))
    rows = ScannerVersion.objects.filter(enabled=True).order_by("slug")
    lacking = {one.slug: [name for name in one.segments if name not in segments] for one in rows}
    return {slug: names for slug, names in lacking.items() if names}


def _with_versions(record: Freshness, as_of: datetime, held: Record | None) -> Readiness:
    if record.latest is None or record.last_closed is None or held is None:
        reason = f"Market {record.market} has no bars yet."
        return Readiness(ReadinessState.EMPTY, reason, record, ())
    versions = _versions(record, held, record.last_closed)
    state, reason = _judged(record, versions, as_of)
    if record.doubts and record.doubts not in reason:
        reason = f"{reason} {record.doubts}"
    return Readiness(state, reason, record, tuple(versions))


def _judged(record: Freshness, versions: Sequence[VersionReadiness], as_of: datetime) -> tuple[ReadinessState, str]:
    if record.state is not ReadinessState.READY:
        return record.state, record.sentence
    mine = [one for one in versions if one.belongs]
    lacking = [one for one in mine if one.state not in (VersionState.SCANNED, VersionState.STALE)]
    stale = [one.version for one in mine if one.state is VersionState.STALE]
    if lacking:
        told = ", ".join(f"{one.version} {one.state.replace('_', ' ')}" for one in lacking)
        late = record.due_at is not None and record.due_at <= as_of
        state = ReadinessState.OVERDUE if late else ReadinessState.NOT_READY
        return state, f"Session {record.last_closed} is recorded on market {record.market}; {told}."
    if stale:
        return ReadinessState.STALE, (
            f"The record of market {record.market} has changed since {', '.join(stale)} published "
            f"{record.last_closed}: scan it again."
        )
    return ReadinessState.READY, record.sentence


def _versions(record: Freshness, held: Record, day: date) -> list[VersionReadiness]:
    chosen = enabled_versions(record.market)
    rows = ScanSession.objects.filter(market=record.market, version__in=chosen)
    latest = _latest(rows.filter(published=True, date__lte=day))
    waiting = {
        row.version_id: row for row in rows.filter(date=day, status=Status.QUARANTINED).select_related("decision")
    }
    failed = _failures(record.market, chosen, day)
    changed = _changed(held, latest.values())
    closed = held.calendar[held.calendar <= np.datetime64(day)]
    ago = {key: int((closed > np.datetime64(row.date)).sum()) for key, row in latest.items()}
    lately = {key for key, n in ago.items() if n - record.behind <= RECENT_SESSIONS}
    belonging = _belonging(record.market, chosen, lately)
    found = []
    for version in chosen:
        row = latest.get(version.pk)
        one = VersionReadiness(
            version.slug,
            VersionState.NOT_SCANNED,
            f"published up to {row.date}" if row else "nothing is published",
            row.date if row else None,
            row.run_id if row else None,
            ago.get(version.pk),
            version.pk in belonging,
        )
        if row and row.date == day:
            stale = changed.get(row.pk, "")
            state = VersionState.STALE if stale else VersionState.SCANNED
            one = replace(one, state=state, reason=stale or row.reason)
        elif version.pk in waiting:
            told = waiting[version.pk]
            decision = getattr(told, "decision", None)
            said = f"{decision.verdict} by {decision.who}: " if decision else ""
            one = replace(one, state=VersionState.QUARANTINED, reason=f"{said}{told.reason}")
        elif version.pk in failed:
            one = replace(one, state=VersionState.FAILED, reason=failed[version.pk])
        found.append(one)
    return found


def _latest(rows: QuerySet[ScanSession]) -> dict[int, ScanSession]:
    """Version -> its latest of these sessions, with its run."""
    newest = rows.order_by().values("version").annotate(last=Max("date"))
    dates = {row["version"]: row["last"] for row in newest}
    found = rows.filter(date__in=set(dates.values())).select_related("run")
    return {row.version_id: row for row in found if row.date == dates[row.version_id]}


def _failures(market: str, versions: Sequence[ScannerVersion], day: date) -> dict[int, str]:
    """Version -> why its last attempt at `day` failed: as a run, else as the evening's notification has it."""
    slugs = {version.slug: version.pk for version in versions}
    told = Notification.objects.filter(market=market, session=day).values_list("versions", flat=True)
    found = {
        slugs[one["version"]]: str(one["reason"])
        for rows in told
        for one in rows
        if one["version"] in slugs and one["status"] == Status.FAILED
    }
    runs = ScanRun.objects.filter(market=market, version__in=versions, first__lte=day, last__gte=day).order_by("pk")
    rows = runs.values_list("version", "status", "reason")
    last = {key: (status, why) for key, status, why in rows}
    return found | {key: why for key, (status, why) in last.items() if status == Status.FAILED}


def _belonging(market: str, chosen: Sequence[ScannerVersion], lately: set[int]) -> set[int]:
    """The versions that the market's evening is waited for, by key."""
    for one in schedules.evening_schedules():
        if one.market == market:
            named = one.versions or [version.slug for version in chosen]
            return {version.pk for version in chosen if version.slug in named}
    try:
        return lately | {active_version(market).pk}
    except NoActiveVersion:
        return lately


def _changed(held: Record, rows: Iterable[ScanSession]) -> dict[int, str]:
    """Session (its key) -> what says that the record has changed since it was published; those of which nothing does
    are left out."""
    rows = list(rows)
    days = np.unique(np.array([row.date for row in rows], dtype="datetime64[D]"))
    if not len(days):
        return {}
    chain = dict(zip(map(str, days), get_history_digests(held, days), strict=False))
    found = {}
    for row in rows:
        month = row.date.replace(day=1)
        if any(behind <= month for behind in held.stale):
            found[row.pk] = "the record was written to since, and the lake is behind it"
        elif row.input_digest != _digest_now(held, row, chain.get(str(row.date), "")):
            found[row.pk] = "published from older data than the record has now"
    return found


def _digest_now(held: Record, row: ScanSession, data: str) -> str:
    """What the input digest of a published session is with the data of now and the parameters that it was run with."""
    run, asked = row.run, np.array([row.date], dtype="datetime64[D]")
    parameters = dict(run.params)
    try:
        if run.index:
            data = index_series.get_index(held, asked, run.index).digests([data])[0]
        if engine := ENGINES.get(run.engine):
            own = {name: parameters[name] for name in SCOPE_PARAMS if name in parameters}
            given = {name: value for name, value in parameters.items() if name not in SCOPE_PARAMS}
            params = engine_params.read(engine.Params, given, run.market)
            parameters = {**engine_params.dump(params), **own}  # numbers as the engine has them
            if reads_flows(engine, params):
                data = get_flow_record(run.market).digests_with_bars(asked, [data])[0]
    except (DataProblem, engine_params.ParamError):
        return ""
    return digests.input_digest(data, parameters, run.engine, run.revision)
