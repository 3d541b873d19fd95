"""Progress and report of an import."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from marketdata.normalization import excerpt
from marketdata.operations.record.corrections import Counts
from marketdata.operations.record.validation import FINE, REASONS, Reason
from marketdata.panel import FLOW_FIELDS
from marketdata.sources.batches import VALUES, BarBatch, EventBatch, FlowBatch
from marketdata.sources.files.numbers import numbers
from marketdata.sources.files.words import is_text

NUMBERS = frozenset((*VALUES, *FLOW_FIELDS, "change"))
CELLS = {
    Reason.NO_CODE: "code",
    Reason.NO_DATE: "date",
    Reason.NON_SESSION: "date",
    Reason.FUTURE: "date",
    Reason.BAD_RATIO: "ratio",
}
"""Reason -> the column that it concerns."""

Batch = BarBatch | EventBatch | FlowBatch


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """Progress of a file: rows read and `share` of the file, 0..1, in `seconds`."""

    path: Path
    rows: int
    share: float
    seconds: float

    @property
    def remaining(self) -> float:
        """Seconds until the end at the rate so far; infinite before anything was read."""
        return self.seconds * (1 - self.share) / self.share if self.share else float("inf")


@dataclass(frozen=True, slots=True)
class FileReport:
    """Outcome of one file.

    rejected    reason -> rows; `examples`: reason -> the first of them in words
    reject_rows how many of them are in the reject file
    notes       how the file was read
    error       why the file was refused, or its import ended early; the counts are those of the batches recorded before
    """

    path: Path
    form: str = ""
    source: str = ""
    market: str = ""
    rows: int = 0
    counts: Counts = field(default_factory=Counts)
    rejected: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    reject_file: Path | None = None
    reject_rows: int = 0
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    error: str = ""

    @property
    def recorded(self) -> int:
        """Rows of the file that are in the record now, new or not."""
        return self.counts.new + self.counts.corrected + self.counts.unchanged

    @property
    def doubt(self) -> str:
        """Why an imported file needs a look: none of its rows is recorded, or half of them were rejected for one reason
        (duplicates of a recorded key aside). "" where it needs none."""
        if self.error or not self.rows:
            return ""
        reasons = {name: count for name, count in self.rejected.items() if name != Reason.DUPLICATE}
        reason = max(reasons, key=lambda name: reasons[name], default="")
        if not reason or (self.recorded and 2 * reasons[reason] < self.rows):
            return ""
        rejected = f"{reasons[reason]:,} of its {self.rows:,} rows were kept out"
        finding = f"{rejected}: {self.examples.get(reason, reason)}"
        done = f"The other {self.recorded:,} are recorded" if self.recorded else "Nothing was recorded"
        return f"{self.path.name}: {finding}. {done}."


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Outcomes of all files, in their order; `notices`: a sentence for each of their days on which the market seems to
    have been closed, and one for instruments on another price basis."""

    files: tuple[FileReport, ...]
    notices: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[FileReport, ...]:
        return tuple(file for file in self.files if file.error)

    @property
    def doubtful(self) -> tuple[FileReport, ...]:
        return tuple(file for file in self.files if file.doubt)


def examples(batch: Batch, reasons: NDArray[np.int8], earlier: dict[str, str]) -> dict[str, str]:
    """`earlier`, and for each other reason of the batch the first row rejected for it, in words: its number, and the
    cell that the reason concerns."""
    result = dict(earlier)
    rejected = np.flatnonzero(reasons != FINE)
    for reason in np.unique(reasons[rejected]).tolist():
        if str(REASONS[reason]) not in result:
            row = int(rejected[reasons[rejected] == reason][0])
            result[str(REASONS[reason])] = _example(batch, row, REASONS[reason])
    return result


def _example(batch: Batch, row: int, reason: Reason) -> str:
    raw, column = batch.raw, CELLS.get(reason, "")
    if reason is Reason.NOT_A_NUMBER:
        texts = [name for name in raw.column_names if name in NUMBERS and is_text(raw.schema.field(name).type)]
        column = next((name for name in texts if numbers(raw.column(name)[row : row + 1])[1][0]), "")
    if column not in raw.column_names:
        return f"{reason} (row {batch.row[row]:,})"
    cell = raw.column(column)[row].as_py()
    shown = "empty" if cell is None or cell == "" else repr(excerpt(str(cell)))
    return f"{reason} (row {batch.row[row]:,}, {column} {shown})"
