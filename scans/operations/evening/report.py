"""What came of an evening, as values: told to whoever ran it, and kept as the content of its notification.

A content is what is told to people: `versions`, `collection`, `signals` and `reason`, as JSON types. Its digest leaves
out what differs between two runs that came out the same: counts of the collection, sessions made up for, seconds.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from scans.models import EveningOutcome, Status

if TYPE_CHECKING:  # the admin shows outcomes, and no command should wait for collectors because of that
    from marketdata.operations.collect.missing_data import CollectionSummary

Content = dict[str, Any]


@dataclass(slots=True)
class VersionReport:
    """What became of one version. `sessions`: those it was run over and answered, `quarantined` those whose answer
    waits for a decision, `left_out` how many before them it should have been run over. `matched`, `ranked` and `picks`
    (the best, best first) are those published for the evening's session."""

    version: str
    status: str = Status.FAILED
    reason: str = ""
    regime: str = ""
    regime_rule: str = ""
    """Why the session has its regime, one sentence."""
    matched: int = 0
    ranked: int = 0
    picks: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    left_out: int = 0
    quarantined: list[str] = field(default_factory=list)
    unchanged: bool = False

    @property
    def failed(self) -> bool:
        return self.status == Status.FAILED


@dataclass(slots=True)
class EveningReport:
    """What came of an evening. `session` None: there was nothing to do, `reason` says why, and nobody is notified;
    `incomplete`: the session's bars are not all there; `signals`: opened and moved, or an error; `notification`: its
    number; `news`: whether anybody is notified of this."""

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

    def content(self) -> Content:
        """What is told to people."""
        rows = [asdict(one) for one in self.versions]
        for row in rows:
            del row["unchanged"]
        return {
            "reason": self.reason,
            "incomplete": self.incomplete,
            "versions": rows,
            "collection": asdict(self.collected) if self.collected else {},
            "signals": self.signals,
            "readiness": self.readiness,
        }

    @property
    def outcome(self) -> EveningOutcome:
        """How it went."""
        return outcome(self.content())

    def failures(self) -> list[str]:
        """What went wrong, one sentence each."""
        found = [self.reason] if self.session else []
        found += [self.collected.error if self.collected else "", self.signals.get("error", "")]
        found += [one.reason for one in self.versions if one.failed]
        return [one for one in found if one]


def outcome(content: Content) -> EveningOutcome:
    """How an evening of this content went."""
    failed = [one["status"] == Status.FAILED for one in content["versions"]]
    if content["incomplete"]:
        return EveningOutcome.INCOMPLETE
    if all(failed):
        return EveningOutcome.FAILED
    beside = (
        content["reason"],
        content["collection"].get("error"),
        content["signals"].get("error"),
    )
    quarantined = [one.get("quarantined") for one in content["versions"]]
    is_partial = any(failed) or any(quarantined) or any(beside)
    return EveningOutcome.PARTIAL if is_partial else EveningOutcome.DONE


def digest(content: Content) -> str:
    """Of what is told, 32 hex digits: the same for two runs that came out the same."""
    told = {
        "reason": "" if content["incomplete"] else content["reason"],  # it counts bars
        "incomplete": content["incomplete"],
        "versions": [_lasting(one) for one in content["versions"]],
        "collected": not content["collection"].get("error"),
        "signals": content["signals"].get("error", ""),
    }
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def merge(before: Content, now: Content) -> Content:
    """The content of an evening that was run again: what was not done this time stays as it was told, and so does the
    answer of a version that came out the same."""
    kept = {one["version"]: one for one in before["versions"]}
    for one in now["versions"]:
        known = kept.get(one["version"])
        if known is None or _lasting(known) != _lasting(one):
            kept[one["version"]] = one
    return {
        "reason": now["reason"],
        "incomplete": now["incomplete"],
        "versions": sorted(kept.values(), key=lambda one: one["version"]),
        "collection": now["collection"] or before["collection"],
        "signals": now["signals"] or before["signals"],
        "readiness": now.get("readiness") or before.get("readiness", {}),
    }


def _lasting(row: dict[str, Any]) -> dict[str, Any]:
    """A version's row without what differs between two runs that came out the same, or follows from the rest."""
    picks = [{n: value for n, value in one.items() if n != "plan"} for one in row["picks"]]
    kept = {
        name: value for name, value in row.items() if name not in ("sessions", "left_out", "quarantined", "regime_rule")
    }
    return {**kept, "picks": picks}
