"""The morning after: bars that were read on the day itself are read again, and answers that they change are replaced.

1. Collection: the published sessions of the exchange where that source is configured, and of the broker the bars that
   were read before they were settled. Differences are corrections.
2. Every enabled version scans the last `SESSIONS` sessions that it has published; an answer whose inputs are the same
   stays as it is. The former answer of a changed session is kept, unpublished.
3. The report names the picks that left, each with the first condition that it no longer meets, and the new ones.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from marketdata.operations.collect import missing_data
from marketdata.operations.collect.missing_data import CollectionSummary
from marketdata.operations.lease import Lease
from marketdata.operations.projection import project
from scans.models import ScannerVersion, ScanSession
from scans.operations.analysis.split import first_failing_checks
from scans.operations.requests.worker import USER_ERRORS
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.queries.readiness import enabled_versions

LOGGER = logging.getLogger(__name__)
SESSIONS = 5
"""Sessions back that are scanned again: the broker's bars of three are read again, and a holiday may lie between."""


@dataclass(frozen=True, slots=True)
class ChangedAnswer:
    """A session whose answer was replaced: the count of its picks before; `left`: code -> the first condition that it
    no longer meets ("" where that is not known); `new`: codes."""

    scanner_version: str
    session: date
    before: int
    left: dict[str, str]
    new: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """As `v2 2026-08-20: 2 of 13 picks left (005930 volume, 000660), 1 new (035720).`"""
        names = ", ".join(f"{code} {why}".strip() for code, why in self.left.items())
        left = f"{len(self.left)} of {self.before} picks left{f' ({names})' if names else ''}"
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
        lines = [head, *(answer.sentence for answer in self.answers)]
        if not self.answers:
            lines.append("No published answer changed.")
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
        days = project.current_record(market).sessions[-SESSIONS:].tolist()
        for version in enabled_versions(market):
            before = _published(market, version, days)
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
                scans = run_scan(request, permit=lease.check)
            except USER_ERRORS as error:
                report.failures[version.slug] = str(error)
                continue
            report.failures |= {scan.version.slug: scan.error for scan in scans if scan.error}
            report.answers += _changes(before, _published(market, version, days))
    if report.answers:
        warm_up(market, sorted({answer.scanner_version for answer in report.answers}))
    for line in report.lines():
        LOGGER.info("settle market=%s %s", market, line)
    return report


def _published(market: str, version: ScannerVersion, days: list[date]) -> dict[date, ScanSession]:
    """Session -> its published answer, with run and ranks."""
    rows = ScanSession.objects.filter(market=market, scanner_version=version, date__in=days, published=True)
    loaded = rows.order_by("date").select_related("run", "scanner_version").prefetch_related("ranks")
    return {row.date: row for row in loaded}


def _changes(before: dict[date, ScanSession], after: dict[date, ScanSession]) -> Iterator[ChangedAnswer]:
    """The answers that were replaced."""
    for day, former in before.items():
        answer = after.get(day, former)
        if answer.pk == former.pk:
            continue
        slug = answer.scanner_version.slug
        picks, new_picks = ([rank.code for rank in row.ranks.all()] for row in (former, answer))
        left = [code for code in picks if code not in new_picks]
        try:
            failing = first_failing_checks([answer], {slug: left}).get(slug, {})
        except USER_ERRORS:
            failing = {}
        reasons = {code: failing[code].name if code in failing else "" for code in left}
        new = tuple(code for code in new_picks if code not in picks)
        yield ChangedAnswer(slug, day, len(picks), reasons, new)
