"""The changes since the evening before, for a notification: new and dropped picks, and the signals that moved."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from scans.models import ScanRank, Signal, SignalStatus
from scans.operations.evening.report import EveningReport
from scans.queries.evening_summary import EveningSummary, VersionEvening, evening_summary
from scans.queries.order_prices import pick_plan
from scans.queries.preclose import PrecloseHits

LOGGER = logging.getLogger(__name__)
NAMED = 50
"""Most new picks, dropped picks and signals that a notification names; their counts are of all."""
ENTERED = "entered"
ENDS = (
    SignalStatus.TARGET,
    SignalStatus.STOP,
    SignalStatus.EXPIRED,
    SignalStatus.LAPSED,
    SignalStatus.SUSPECT,
    ENTERED,
)
"""The moves of a signal on a session, in the order of a message."""
PICK_FIELDS = ("rank", "code", "name", "score", "label", "strategy", "close", "change_pct")


def pick_row(rank: ScanRank) -> dict[str, Any]:
    """A pick with its plan as JSON types."""
    return {**{name: getattr(rank, name) for name in PICK_FIELDS}, "plan": pick_plan(rank)}


def hits_row(hits: PrecloseHits | None) -> dict[str, Any]:
    """`VersionReport.preclose_hits` as JSON types."""
    return {**asdict(hits), "read_at": hits.read_at.isoformat()} if hits else {}


def add_changes(report: EveningReport) -> None:
    """Add the changes to the report. A failure is logged: the notification then goes without them."""
    try:
        summary = evening_summary(report.market, report.session)
        if summary is not None:
            _add_picks(report, summary)
            _add_signals(report, summary)
    except Exception:
        LOGGER.exception("The changes of market %s since the evening before cannot be read", report.market)


def _add_picks(report: EveningReport, summary: EveningSummary) -> None:
    evenings: dict[str, VersionEvening] = {
        version.version.slug: version for version in summary.versions if version.session
    }
    for version in report.versions:
        evening = evenings.get(version.scanner_version)
        if evening is None or version.failed:
            continue
        groups = {"new": evening.new, "stayed": evening.stayed, "dropped": evening.dropped}
        if evening.before is None:
            del groups["stayed"], groups["dropped"]
        version.counts = {name: len(picks) for name, picks in groups.items()}
        version.preclose_hits = hits_row(evening.preclose_hits)
        version.new = [pick_row(pick.rank) for pick in evening.new[:NAMED]]
        version.dropped = [
            {"code": pick.rank.code, "name": pick.rank.name, "reason": pick.exit_reason}
            for pick in evening.dropped[:NAMED]
        ]


def _add_signals(report: EveningReport, summary: EveningSummary) -> None:
    """Add the signals that ended, targets first, then those that began; those of one instrument and version as one."""
    slugs = {version.scanner_version for version in report.versions}
    moves: dict[tuple[str, str, str], dict[str, Any]] = {}
    for signal in summary.signals:
        if signal.scanner_version.slug in slugs:
            status = signal.status if signal.exit_on == summary.session_date else ENTERED
            key = (status, signal.scanner_version.slug, signal.code)
            move = moves.setdefault(key, {**_move(signal, status), "returns_pct": []})
            move["returns_pct"] += [] if status == ENTERED or signal.return_pct is None else [signal.return_pct]
    ordered = sorted(moves.values(), key=lambda move: ENDS.index(move["status"]))
    report.signals |= {"moves": ordered[:NAMED], "moves_left_out": max(len(ordered) - NAMED, 0)}


def _move(signal: Signal, status: str) -> dict[str, Any]:
    return {
        "code": signal.code,
        "name": signal.rank.name,
        "scanner_version": signal.scanner_version.slug,
        "status": status,
    }
