"""One evening of a market, from its bars to a notification.

1. Session: the one named, else the one that closed since the evening before. Without one nothing is done. The holidays
   of the exchange are synchronized first, where that has not been done today.
2. Lease: one process at a time runs an evening; a process that loses the lease publishes nothing more.
3. Collection: missing bars, where a source is configured, and investor flow, where a version reads it. The report names
   a failure. The evening goes on if the session's bars are complete, and ends if they are not.
4. Scan: each version is run over the sessions since its last published one, at most `MAX_SESSIONS`. Versions with the
   same sessions share one read of the lake; a version that fails does not affect the others.
5. Signals are updated, the response cache is warmed up, and one notification reports the result, also of a failure.

A second call leaves what is published unchanged, and sends a notification only if the result differs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db.models import Max

from marketdata.markets import Market, get_market
from marketdata.operations.collect import missing_data
from marketdata.operations.lease import Lease, LeaseLost
from marketdata.operations.projection import project
from marketdata.queries.market_calendar import get_hours, get_sessions
from marketdata.queries.records import get_record
from marketdata.queries.session_bars import get_session_bars
from marketdata.record import Days, Record
from scans.models import (
    Evening,
    EveningOutcome,
    EveningStatus,
    ScannerVersion,
    ScanRank,
    ScanSession,
    Status,
)
from scans.operations import signals
from scans.operations.evening import notify
from scans.operations.evening.report import EveningReport, VersionReport
from scans.operations.requests.worker import USER_ERRORS
from scans.operations.scan import run as scanning
from scans.operations.scan.answers import Scan
from scans.operations.versions import version_reads_flows
from scans.order_prices import pick_plan
from scans.queries import readiness
from scans.queries import versions as queries
from scans.queries.freshness import markets_freshness

LOGGER = logging.getLogger(__name__)
MAX_SESSIONS = 10
"""Sessions that a version is behind by and that an evening makes up for; a backfill does more."""
STATUS_OF_OUTCOME = {
    EveningOutcome.DONE: EveningStatus.PUBLISHED,
    EveningOutcome.PARTIAL: EveningStatus.PARTIAL,
    EveningOutcome.INCOMPLETE: EveningStatus.INCOMPLETE,
    EveningOutcome.FAILED: EveningStatus.FAILED,
}
PICKS = 5
"""The best of each version, as a notification names them."""

Clock = Callable[[], datetime]
WarmUp = Callable[[str, Iterable[str]], None]


@dataclass(frozen=True, slots=True)
class EveningRequest:
    """Which evening. No versions: every enabled one whose segments the market has. `session`: that of this day, else
    the latest that closed since `since` (None: since the same time of the day before) and up to `until` (None: now)."""

    market: str
    versions: Sequence[str] = ()
    session: date | None = None
    since: datetime | None = None
    until: datetime | None = None
    collects: bool = True
    executor: str = "auto"
    started_by: str = ""


def run_evening(asked: EveningRequest, *, clock: Clock, warm_up: WarmUp) -> EveningReport:
    """What came of the evening. Raises UnknownMarket, UnknownVersion, LeaseTaken where another process is at work on an
    evening of the market, and LeaseLost where one took this evening over; the report says everything else that goes
    wrong."""
    began, as_of, named = perf_counter(), clock(), get_market(asked.market)
    chosen = _versions(asked)
    if asked.collects:
        missing_data.sync_holidays(asked.market, as_of=as_of)
    session, why = _session(named, asked, as_of)
    told = EveningReport(asked.market, session, why)
    if session is None:
        (record,) = markets_freshness([asked.market], as_of)
        if record.is_alarming:
            told.reason += f" {record.sentence}"
        return told
    with Lease(f"evening of market {asked.market}") as lease:
        row = _row(asked, session, as_of)
        status = EveningStatus.FAILED
        try:
            _Work(lease, session, as_of, asked, chosen, told, clock, warm_up).work()
            told.readiness = _readiness(asked.market, session, clock())
            if told.readiness and not asked.versions:
                told.readiness["skipped"] = readiness.lacking_segments(asked.market)
            told.seconds = round(perf_counter() - began, 2)
            lease.check()
            notify.record_report(told, at=clock())
            status = STATUS_OF_OUTCOME[told.outcome]
        finally:
            mine = Evening.objects.filter(pk=row.pk, status=EveningStatus.RUNNING)
            mine.update(status=status, finished_at=clock())
    notify.send_new(told, clock=clock)
    return told


def _readiness(market: str, session: date, as_of: datetime) -> dict[str, Any]:
    """The session's bars and the market's state afterwards, as a notification has them; {} where they are not known."""
    try:
        found = readiness.market_readiness(market, as_of)
        bars = get_session_bars(get_record(market), session)
    except Exception:  # the answers are published: nothing of them depends on this
        LOGGER.exception("The readiness of market %s is not known", market)
        return {}
    return {
        "state": str(found.state),
        "reason": found.reason,
        "last_closed_session": str(found.record.last_closed),
        "sessions_behind": found.record.behind,
        "undecided": [str(day) for day, _ in found.record.undecided],
        "expected": bars.expected,
        "present": bars.present,
        "absent": {one.reason: one.count for one in bars.omissions if one.expected and not one.has_bar},
    }


def _row(asked: EveningRequest, session: date, as_of: datetime) -> Evening:
    """The row of this evening; rows of processes that died end with it."""
    running = Evening.objects.filter(market=asked.market, status=EveningStatus.RUNNING)
    running.update(status=EveningStatus.FAILED, finished_at=as_of)
    return Evening.objects.create(market=asked.market, session=session, started_by=asked.started_by, started_at=as_of)


def _versions(asked: EveningRequest) -> list[ScannerVersion]:
    if asked.versions:
        return queries.get_versions(asked.market, list(asked.versions))
    return readiness.enabled_versions(asked.market)


def _session(market: Market, asked: EveningRequest, as_of: datetime) -> tuple[date | None, str]:
    """The evening's session; without one, why there is nothing to do."""
    local = as_of.astimezone(ZoneInfo(market.timezone))
    calendar, hours = get_sessions(market.name), get_hours(market.name)
    if asked.session is not None:
        if np.datetime64(asked.session) not in calendar:
            return None, f"{asked.session} is no session of market {market.name}: nothing to do."
        if hours.closing(asked.session) > as_of:
            return None, f"{asked.session} has not closed on market {market.name} yet: run it then."
        return asked.session, ""
    since = asked.since or local - timedelta(days=1)  # by the clock on the wall, whatever its hours
    at = int(np.searchsorted(calendar, np.datetime64(local.date()), side="right"))
    for day in calendar[max(at - 3, 0) : at][::-1].tolist():
        if since < hours.closing(day) <= (asked.until or as_of):
            return day, ""
    return (
        None,
        f"No session of market {market.name} closed since {since:%Y-%m-%d %H:%M %Z}: nothing to do.",
    )


class _Work:
    """One evening at work; what comes of it is written into `told`."""

    def __init__(
        self,
        lease: Lease,
        session: date,
        as_of: datetime,
        asked: EveningRequest,
        chosen: list[ScannerVersion],
        told: EveningReport,
        clock: Clock,
        warm_up: WarmUp,
    ) -> None:
        self._lease, self._asked, self._chosen = lease, asked, chosen
        self._told, self._clock, self._warm_up = told, clock, warm_up
        self._session, self._as_of = session, as_of

    def work(self) -> None:
        """Steps 3 to 5, except the notification. LeaseLost where another process took the evening over."""
        try:
            if self._asked.collects:
                market = self._asked.market
                self._told.collected = missing_data.collect_missing(
                    market,
                    flows=any(version_reads_flows(one, market) for one in self._chosen),
                    clock=self._clock,
                    beat=self._lease.check,
                )
            held = project.current_record(self._asked.market)
            if not self._is_complete(held):
                return
            if not self._chosen:
                self._told.reason = f"No scanner version of market {self._asked.market} is enabled: enable one."
                return
            for days, left_out, versions in self._owed(held):
                self._scan([one.slug for one in versions], days, left_out)
            self._told.versions.sort(key=lambda one: one.version)
            self._follow()
        except USER_ERRORS as error:
            self._told.reason = str(error)
        except LeaseLost:
            raise
        except Exception as error:
            LOGGER.exception("The evening of market %s failed", self._asked.market)
            self._told.reason = f"It was ended by {type(error).__name__}: the log has more."

    def _is_complete(self, held: Record) -> bool:
        """Whether the session's bars are all there; `told` says it where they are not."""
        day = np.datetime64(self._session)
        n = int(np.searchsorted(held.sessions, day))
        there = int(held.bars[n]) if n < len(held.sessions) and held.sessions[n] == day else 0
        if there and not held.is_doubtful(n):
            return True
        have = "no instrument has a bar"
        if there:
            have = held.doubt(n)
        elif why := held.closed.get(str(day)):
            have = f"{why}; closed? Then confirm it in the admin's calendar overrides"
        self._told.incomplete = True
        self._told.reason = (
            f"Session {day} of market {self._asked.market} is not complete, {have}: nothing was scanned. Once "
            "its bars are there, `manage.py run_evening` does the rest."
        )
        if self._told.collected is not None and self._told.collected.left_out:
            self._told.reason += f" {self._told.collected.left_out}"
        return False

    def _owed(self, held: Record) -> Iterator[tuple[Days, int, list[ScannerVersion]]]:
        """The sessions to run, how many before them are left out, and the versions that owe just these."""
        upto = held.sessions[held.sessions <= np.datetime64(self._session)]
        last = dict(
            ScanSession.objects.filter(
                market=self._asked.market,
                version__in=self._chosen,
                published=True,
                date__lte=self._session,
            )
            .values_list("version")
            .annotate(Max("date"))
        )
        groups: dict[int, list[ScannerVersion]] = {}
        for version in self._chosen:
            since = last.get(version.pk)
            behind = 1 if since is None else int((upto > np.datetime64(since)).sum())
            groups.setdefault(max(behind, 1), []).append(version)
        for behind, versions in groups.items():
            yield upto[-min(behind, MAX_SESSIONS) :], max(behind - MAX_SESSIONS, 0), versions

    def _scan(self, slugs: list[str], days: Days, left_out: int) -> None:
        """Run versions over the same sessions together, and each by itself where that cannot be."""
        self._lease.check()
        request = scanning.RunRequest(
            market=self._asked.market,
            as_of=self._as_of,
            versions=slugs,
            first=days[0].item(),
            last=days[-1].item(),
            executor=self._asked.executor,
            started_by=self._asked.started_by,
        )
        try:
            scans = scanning.run_scan(request, permit=self._lease.check)
        except LeaseLost:
            raise
        except Exception as error:  # of one version, or of what all of them read
            if len(slugs) > 1:
                for slug in slugs:
                    self._scan([slug], days, left_out)
                return
            why = str(error)
            if not isinstance(error, USER_ERRORS):
                LOGGER.exception("%s failed on market %s", slugs[0], self._asked.market)
                why = f"{slugs[0]} was ended by {type(error).__name__}: the log has more."
            self._told.versions.append(VersionReport(slugs[0], reason=why, left_out=left_out))
        else:
            self._told.versions += [self._ran(scan, days, left_out) for scan in scans]

    def _ran(self, scan: Scan, days: Days, left_out: int) -> VersionReport:
        """What became of a version, read from what is published."""
        found = VersionReport(scan.version.slug, reason=scan.error, left_out=left_out)
        if scan.error:
            return found
        found.quarantined = [one.date for one in scan.answers if one.status == Status.QUARANTINED]
        row = ScanSession.objects.filter(
            market=scan.market, version=scan.version, date=self._session, published=True
        ).first()
        if row is None:  # bars of the session went missing since it was found complete
            found.status, found.reason = Status.QUARANTINED, scan.answers[-1].reason
            return found
        picks = ScanRank.objects.filter(session=row).order_by("rank")[:PICKS]
        found.status, found.reason, found.regime = row.status, row.reason, row.regime
        rule = next((scan.regime_rule(one) for one in scan.answers if one.date == str(row.date)), None)
        found.regime_rule = rule.sentence if rule else ""
        found.matched, found.ranked = row.matched, row.ranked
        found.picks = [
            {
                name: getattr(pick, name)
                for name in (
                    "rank",
                    "code",
                    "name",
                    "score",
                    "label",
                    "strategy",
                    "close",
                    "change_pct",
                )
            }
            | {"plan": pick_plan(pick)}
            for pick in picks
        ]
        found.sessions = [str(day) for day in days if str(day) not in found.quarantined]
        found.unchanged = scan.unchanged
        return found

    def _follow(self) -> None:
        """Move the signals, and keep answers ready; what goes wrong with either is told or logged."""
        market = self._asked.market
        done = [one.version for one in self._told.versions if not one.failed]
        try:
            moved = signals.update_signals(
                market=market, versions=[one.slug for one in self._chosen], as_of=self._as_of
            )
            self._told.signals = {
                "opened": sum(one.opened for one in moved),
                "moved": sum(one.moved for one in moved),
            }
        except Exception as error:
            LOGGER.exception("The signals of market %s were not moved", market)
            self._told.signals = {"error": f"The signals were not moved: {type(error).__name__}."}
        try:
            self._warm_up(market, done)
        except Exception:
            LOGGER.exception("Answers of market %s are not kept ready", market)
