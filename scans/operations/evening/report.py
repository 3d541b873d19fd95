"""The report of an evening, and the content of its notification.

A content is `versions`, `collection`, `signals`, `readiness` and `reason` as JSON types. Its digest leaves out the
values that differ between two runs with the same result: counts of the collection, sessions scanned, seconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from scans.digests import json_digest
from scans.models import EveningOutcome, Status

if TYPE_CHECKING:  # the admin imports this module, and collectors are slow to import
    from marketdata.operations.collect.missing_data import CollectionSummary

Content = dict[str, Any]
DERIVED = (
    *("sessions", "left_out", "quarantined", "regime_rule", "regime_parts"),
    *("counts", "new", "dropped", "early", "preclose_hits", "signals"),
)
"""Values of a version that differ between runs with the same result, or follow from the others."""


@dataclass(slots=True)
class VersionReport:
    """The result of one version. `sessions` were scanned, `quarantined` of them wait for a decision, `left_out` counts
    the earlier sessions that were due and not scanned. `matched`, `ranked` and `picks` (the best, best first) are of
    the evening's session as it is published."""

    scanner_version: str
    status: str = Status.FAILED
    reason: str = ""
    regime: str = ""
    regime_rule: str = ""
    """The reason for the session's regime, one sentence."""
    regime_parts: dict[str, Any] = field(default_factory=dict)
    """The same in parts (`RegimeRule`), for messages in another language."""
    matched: int = 0
    ranked: int = 0
    picks: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    left_out: int = 0
    quarantined: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    """The counts of new, stayed and dropped picks, of a version's first list of new ones alone; {} where they are not
    known."""
    new: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[dict[str, Any]] = field(default_factory=list)
    """The first `NAMED` of them, a dropped one with its reason: the status of its signal, or ""."""
    early: dict[str, Any] = field(default_factory=dict)
    """Of a scan before the close: `sessions`, `picks`, `hits` of its hit share so far, None where there is none, and
    `volume_share`, by which volumes were divided."""
    preclose_hits: dict[str, Any] = field(default_factory=dict)
    """Of a list at the close (`PrecloseHits`): of the `picks` before it, read at `read_at`, the `hits` are in it; {}
    without such a pick."""
    unchanged: bool = False
    signals: dict[str, int] = field(default_factory=dict)
    """Counts of signals opened and moved as the list was published; {} where none were."""

    @property
    def failed(self) -> bool:
        return self.status == Status.FAILED


@dataclass(slots=True)
class EveningReport:
    """The result of an evening. `session` None: there was nothing to do, `reason` says why, and no notification is
    sent. `incomplete`: bars of the session are missing. `signals`: counts of opened and moved, or an error.
    `notification`: its number. `news`: whether a notification is sent. `overdue`: there was nothing to do, and the
    record should have a later session. `as_of`: when the quotes were read, of a scan before the close."""

    market: str
    session: date | None
    reason: str = ""
    incomplete: bool = False
    versions: list[VersionReport] = field(default_factory=list)
    collected: CollectionSummary | None = None
    signals: dict[str, Any] = field(default_factory=dict)
    readiness: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    notification: int | None = None
    news: bool = False
    overdue: bool = False
    as_of: datetime | None = None

    def content(self) -> Content:
        """The content of the notification."""
        versions = [asdict(version) for version in self.versions]
        for version in versions:
            del version["unchanged"]
        return {
            "reason": self.reason,
            "incomplete": self.incomplete,
            "versions": versions,
            "collection": asdict(self.collected) if self.collected else {},
            "signals": self.signals,
            "readiness": self.readiness,
        }

    @property
    def outcome(self) -> EveningOutcome:
        """The outcome of the evening."""
        return outcome(self.content())

    def failures(self) -> list[str]:
        """Every failure, one sentence each."""
        sentences = [self.reason] if self.session else []
        sentences += [self.collected.error if self.collected else "", self.signals.get("error", "")]
        sentences += [version.reason for version in self.versions if version.failed]
        return [sentence for sentence in sentences if sentence]


def outcome(content: Content) -> EveningOutcome:
    """The outcome of an evening with this content."""
    failed = [version["status"] == Status.FAILED for version in content["versions"]]
    if content["incomplete"]:
        return EveningOutcome.INCOMPLETE
    if all(failed):
        return EveningOutcome.FAILED
    other_problems = (content["reason"], content["collection"].get("error"), content["signals"].get("error"))
    quarantined = [version.get("quarantined") for version in content["versions"]]
    is_partial = any(failed) or any(quarantined) or any(other_problems)
    return EveningOutcome.PARTIAL if is_partial else EveningOutcome.DONE


def digest(content: Content) -> str:
    """A digest of the content, 32 hex digits: equal for two runs with the same result."""
    stable = {
        "reason": "" if content["incomplete"] else content["reason"],  # it counts bars
        "incomplete": content["incomplete"],
        "versions": [_stable_row(version) for version in content["versions"]],
        "collected": not content["collection"].get("error"),
        "signals": content["signals"].get("error", ""),
    }
    return json_digest(stable)


def merge(before: Content, now: Content) -> Content:
    """The content of an evening that was run again: parts that this run did not do are taken from `before`, and so are
    versions with the same result."""
    rows = {version["scanner_version"]: version for version in before["versions"]}
    for version in now["versions"]:
        previous = rows.get(version["scanner_version"])
        if previous is None or _stable_row(previous) != _stable_row(version):
            rows[version["scanner_version"]] = version
    return {
        "reason": now["reason"],
        "incomplete": now["incomplete"],
        "versions": sorted(rows.values(), key=lambda version: version["scanner_version"]),
        "collection": now["collection"] or before["collection"],
        "signals": now["signals"] or before["signals"],
        "readiness": now.get("readiness") or before.get("readiness", {}),
    }


def _stable_row(row: dict[str, Any]) -> dict[str, Any]:
    """A version's row without `DERIVED` values and the plans of its picks, which follow from the picks."""
    picks = [{name: value for name, value in pick.items() if name != "plan"} for pick in row["picks"]]
    return {**{name: value for name, value in row.items() if name not in DERIVED}, "picks": picks}
