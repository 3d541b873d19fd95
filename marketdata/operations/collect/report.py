"""Progress and report of a collection."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from marketdata.operations.record.corrections import Counts


@dataclass(frozen=True, slots=True)
class CollectionProgress:
    """Progress of a collection: `calls` answered `of` the planned ones, and rows recorded in `seconds`."""

    calls: int
    of: int
    rows: int
    seconds: float

    @property
    def remaining(self) -> float:
        """Seconds until the end at the rate so far; infinite before the first answer."""
        left = self.of - self.calls
        return self.seconds * left / self.calls if self.calls else float("inf")


@dataclass(frozen=True, slots=True)
class CollectionReport:
    """Outcome of a plan. `calls`: calls made, with retries, refused ones and those for a token, against `planned` ones;
    `failures`: code -> reason; `stopped`: why the remaining requests were not made, "" where all were; `refused`: why
    bars of the last session were not recorded, "" where they were; `unknown`: codes that the source does not have;
    `refetched`: codes whose whole history was requested again, since it has changed; `settled`: bars that differed when
    they were read again; `absent`: recorded bars (code, session) that the answers to a refetch lacked; `rejected`:
    reason -> rows; `notices`: a sentence for each recorded day on which the market seems to have been closed, and one
    for instruments on another price basis."""

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
