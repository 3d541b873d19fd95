"""The message of a scan before the close."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from marketdata.market_time import market_date
from marketdata.ticks import LEVELS
from scans.models import Notification, Status
from scans.operations.evening import notify
from scans.operations.evening.changes import PICK_FIELDS
from scans.operations.evening.report import EveningReport, VersionReport
from scans.operations.evening.version_scans import PICKS
from scans.operations.preclose.scan import PrecloseReport
from scans.operations.scan.answers import Scan
from scans.queries.order_prices import order_prices
from scans.queries.preclose import hit_shares


def send_message(report: PrecloseReport, *, clock: Callable[[], datetime]) -> EveningReport:
    """Send the best picks of each version through every channel; a session's second scan is sent where it has other
    picks than the first."""
    shares = {share.scanner_version: share for share in hit_shares(report.sweep.market)}
    versions = [_version(scan) for scan in report.scans]
    for version in versions:
        share = shares.get(version.scanner_version)
        version.early = {name: getattr(share, name, None) for name in ("sessions", "picks", "hits")}
        version.early["volume_share"] = report.volume_share
    evening = EveningReport(
        report.sweep.market,
        report.sweep.session,
        versions=versions,
        seconds=report.seconds,
        as_of=report.sweep.read_at,
    )
    notify.record_report(evening, at=clock())
    notify.send_new(evening, clock=clock)
    return evening


def send_refusal(market: str, reason: str, *, clock: Callable[[], datetime]) -> EveningReport:
    """Send why today's session was not scanned before its close, beside the picks of an earlier scan of it. A second
    refusal of the session is no message: the times of a schedule would repeat the first."""
    at = clock()
    session = market_date(at, market)
    rows = Notification.objects.filter(market=market, session=session, kind=Notification.PRECLOSE)
    earlier = rows.only("as_of", "reason").first()
    report = EveningReport(market, session, reason, as_of=earlier.as_of if earlier else at)
    if earlier is None or not earlier.reason:
        notify.record_report(report, at=at)
        notify.send_new(report, clock=clock)
    return report


def _version(scan: Scan) -> VersionReport:
    if scan.error:
        return VersionReport(scan.version.slug, Status.FAILED, scan.error)
    (answer,) = scan.answers
    rule = scan.regime_rule(answer)
    return VersionReport(
        scan.version.slug,
        answer.status,
        answer.reason,
        regime=answer.regime,
        regime_rule=rule.sentence if rule else "",
        regime_parts=asdict(rule) if rule else {},
        matched=answer.matched,
        ranked=len(answer.ranks),
        picks=[_pick(rank, scan.market, answer.date) for rank in answer.ranks[:PICKS]],
        sessions=[answer.date],
    )


def _pick(rank: Mapping[str, Any], market: str, session: str) -> dict[str, Any]:
    day, plan = date.fromisoformat(session), {name: rank[name] for name in LEVELS}
    where = {"market": market, "session": day, "segment": rank["segment"]}
    orders = order_prices(plan, **where, code=rank["code"], close=rank["close"])
    return {**{name: rank[name] for name in PICK_FIELDS}, "plan": {**plan, "order": orders}}
