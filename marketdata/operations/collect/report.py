"""How far a collection has come, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from marketdata.operations.record.corrections import Counts


@dataclass(frozen=True, slots=True)
class CollectionProgress:
    """How far a collection has come: planned calls that were answered, of so many, and rows recorded in `seconds`."""

    calls: int
    of: int
    rows: int
    seconds: float

    @property
    def remaining(self) -> float:
        """Seconds until the end at the pace so far; infinite before the first answer."""
        left = self.of - self.calls
        return self.seconds * left / self.calls if self.calls else float("inf")


@dataclass(frozen=True, slots=True)
class CollectionReport:
    """What became of a plan. `calls` counts those made, retries, refused ones and a token's among them, of `planned`
    ones; `failures`: code -> why; `stopped`: why the rest was not asked for, "" where all was; `refused`: why bars of
    the last session were not recorded, "" where they were; `unknown`: codes that the source has no instrument for;
    `refetched`: codes whose recorded history was asked for again, since it was restated; `settled`: bars that differed
    when they were read again; `absent`: recorded bars (code, session) that the answers to a refetch did not have;
    `rejected`: reason -> rows kept out; `notices`: recorded days on which the market seems to have been closed."""

    counts: Counts = field(default_factory=Counts)
    calls: int = 0
    planned: int = 0
    seconds: float = 0.0
    failures: dict[str, str] = field(default_factory=dict)
    stopped: str = ""
    refused: str = ""
    unknown: tuple[str, ...] = ()
    refetched: tuple[str, ...] = ()
    settled: int = 0
    absent: tuple[tuple[str, date], ...] = ()
    rejected: dict[str, int] = field(default_factory=dict)
    reject_file: Path | None = None
    notices: tuple[str, ...] = ()
