"""The morning after: bars that were read on the day itself are read again, and answers that they change are replaced.

1. Collection: the published sessions of the exchange where that source is configured, and of the broker the bars that
   were read before they were settled. Differences are corrections.
2. Every enabled version scans the last `SESSIONS` sessions that it has published; an answer whose inputs are the same
   is settled as it is. The former answer of a changed session is kept, unpublished.
3. The report names the picks that left, each with the first condition that it no longer meets, and the new ones.
   Signals follow the new lists.
4. A session whose settled lists differ from those of its evening has one more notification (SEISMO_NOTIFY_SETTLED). It
   is derived from the two recorded answers, so that a process that dies before it is sent by the next morning.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings

from marketdata.operations.collect import missing_data
from marketdata.operations.collect.missing_data import CollectionSummary
from marketdata.operations.lease import Lease
from marketdata.operations.projection import current_lake
from scans.models import Reading, ScannerVersion, ScanSession
from scans.operations import signals
from scans.operations.analysis.split import first_failing_checks
from scans.operations.evening import notify
from scans.operations.evening.changes import NAMED, hits_row, pick_row
from scans.operations.evening.report import VersionReport
from scans.operations.requests.worker import USER_ERRORS
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.queries.enabled_versions import enabled_versions
from scans.queries.order_prices import pick_plan
from scans.queries.preclose import preclose_hits, session_answers
from scans.queries.settling import evening_answers, reading_filter

LOGGER = logging.getLogger(__name__)
SESSIONS = 5
"""Sessions back that are scanned again: the broker's bars of three are read again, and a holiday may lie between."""


@dataclass(frozen=True, slots=True)
class ChangedAnswer:
    """A session whose answer was replaced: the count of its picks before; `left`: code -> the first condition that it
    no longer meets ("" where that is not known); `new`: codes; `row`: both and the picks with other order prices, as
    the notification has them."""

    scanner_version: str
    session: date
    before: int
    left: dict[str, str]
    new: tuple[str, ...]
    row: dict[str, Any]

    @property
    def is_news(self) -> bool:
        """Whether a pick left, is new or has other order prices."""
        return bool(self.left or self.new or self.row["repriced"])

    @property
    def sentence(self) -> str:
        """As `v2 2026-08-20: 2 of 13 picks dropped (005930 volume, 000660), 1 new (035720).`"""
        names = ", ".join(f"{code} {why}".strip() for code, why in self.left.items())
        left = f"{len(self.left)} of {self.before} picks dropped{f' ({names})' if names else ''}"
        new = f", {len(self.new)} new ({', '.join(self.new)})" if self.new else ""
        return f"{self.scanner_version} {self.session}: {left}{new}."


@dataclass(slots=True)
class SettleReport:
    """The outcome of a market's morning: the collection, the replaced answers, and versions that failed with why."""

    market: str
    collected: CollectionSummary
    answers: list[ChangedAnswer] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The report as lines of text."""
        counts = self.collected
        head = f"{self.market}: {counts.new:,} new and {counts.corrected:,} corrected bars"
        head = f"{head} from {counts.source}" if counts.source else f"{self.market}: {counts.note}"
        changed = [answer.sentence for answer in self.answers if answer.is_news]
        lines = [head, *changed] if changed else [head, "No published list changed."]
        lines += [f"{slug} failed: {why}" for slug, why in self.failures.items()]
        return [*lines, counts.error] if counts.error else lines


def settle(
    market: str,
    *,
    clock: Callable[[], datetime],
    executor: str,
    started_by: str,
    warm_up: Callable[[str, Iterable[str]], None],
) -> SettleReport:
    """Settle the last sessions of `market`. UnknownMarket; LeaseTaken where an evening of the market runs."""
    with Lease(f"evening of market {market}") as lease:
        report = SettleReport(market, missing_data.collect_settled(market, clock=clock, beat=lease.check))
        days = current_lake.current_record(market).sessions[-SESSIONS:].tolist()
        for version in enabled_versions(market):
            before = _published_sessions(market, version, days)
            if not before:
                continue
            request = RunRequest(
                market=market,
                as_of=clock(),
                versions=[version.slug],
                first=min(before),
                last=max(before),
                executor=executor,
                started_by=started_by,
            )
            try:
                scans = run_scan(request, permit=lease.check, follow=signals.follow_list)
            except USER_ERRORS as error:
                report.failures[version.slug] = str(error)
                continue
            report.failures |= {scan.version.slug: scan.error for scan in scans if scan.error}
            after = _published_sessions(market, version, days)
            replaced = [day for day in before if day in after and after[day].pk != before[day].pk]
            report.answers += [_change(before[day], after[day]) for day in replaced]
        if report.answers:
            signals.update_signals(
                market=market, versions=[version.slug for version in enabled_versions(market)], as_of=clock()
            )
        numbers = _notifications(market, days, clock()) if settings.NOTIFY_SETTLED else []
    for number in numbers:
        notify.send_waiting(number, clock=clock)
    if report.answers:
        warm_up(market, sorted({answer.scanner_version for answer in report.answers}))
    for line in report.lines():
        LOGGER.info("settle market=%s %s", market, line)
    return report


def send_unsettled(market: str, reason: str, *, clock: Callable[[], datetime]) -> None:
    """Send once why the market's last provisional session is not settled; nothing where it has none."""
    rows = ScanSession.objects.filter(reading_filter(Reading.PROVISIONAL), market=market, published=True)
    session = rows.order_by("-date").values_list("date", flat=True).first()
    if session is None:
        return
    content = {**notify.EMPTY_CONTENT, "reason": reason, "incomplete": True}
    number = notify.record_settled(market, session, content, at=clock())
    if number is not None:
        notify.send_waiting(number, clock=clock)


def _published_sessions(market: str, version: ScannerVersion, days: list[date]) -> dict[date, ScanSession]:
    """Session -> its published answer, with run and ranks."""
    rows = ScanSession.objects.filter(market=market, scanner_version=version, date__in=days, published=True)
    loaded = rows.order_by("date").select_related("run", "scanner_version")
    return {row.date: row for row in loaded}


def _notifications(market: str, days: Iterable[date], at: datetime) -> list[int]:
    """Record the notification of each session whose settled lists differ from those of its evening; returns the numbers
    of those that are new."""
    numbers = []
    for day in days:
        answers = ScanSession.objects.filter(
            market=market, date=day, published=True, read_at__isnull=True, settled_at__isnull=False
        )
        replacements = list(answers.select_related("run", "scanner_version").order_by("scanner_version__slug"))
        former = evening_answers(market, [row.scanner_version for row in replacements], [day])
        pairs = [(former[row.scanner_version_id], row) for row in replacements if row.scanner_version_id in former]
        changes = [_change(*pair) for pair in pairs]
        rows = [change.row for change in changes if change.is_news]
        if rows:
            number = notify.record_settled(market, day, {**notify.EMPTY_CONTENT, "versions": rows}, at=at)
            numbers += [] if number is None else [number]
    return numbers


def _change(former: ScanSession, answer: ScanSession) -> ChangedAnswer:
    """The changes of an answer by settled bars."""
    slug = answer.scanner_version.slug
    before, now = ({rank.code: rank for rank in row.ranks.order_by("rank")} for row in (former, answer))
    left = [code for code in before if code not in now]
    try:
        failing = first_failing_checks([answer], {slug: left}).get(slug, {})
    except USER_ERRORS:
        failing = {}
    reasons = {code: failing[code].name if code in failing else "" for code in left}
    new, stayed = [code for code in now if code not in before], [code for code in now if code in before]
    repriced = [code for code in stayed if pick_plan(before[code]) != pick_plan(now[code])]
    row = asdict(
        VersionReport(
            scanner_version=slug,
            status=answer.status,
            reason=answer.reason,
            regime=answer.regime,
            matched=answer.matched,
            ranked=answer.ranked,
            sessions=[str(answer.date)],
            counts={"new": len(new), "stayed": len(stayed), "dropped": len(left)},
            new=[pick_row(now[code]) for code in new[:NAMED]],
            dropped=[{"code": code, "name": before[code].name, "reason": reasons[code]} for code in left[:NAMED]],
        )
    )
    hits = preclose_hits(session_answers(answer.market, answer.date), answer.scanner_version_id, now)
    row |= {
        "preclose_hits": hits_row(hits),
        "before": len(before),
        "repriced": [pick_row(now[code]) for code in repriced[:NAMED]],
    }
    row |= {"answer": answer.result_digest, "former": former.result_digest}
    return ChangedAnswer(slug, answer.date, len(before), reasons, tuple(new), row)
