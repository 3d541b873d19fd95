"""Imports files, whatever they hold: `import_prices` and `import_flows` say which forms, and what to do with rows.

1. Tell each file's form by its columns (`sources.files`).
2. Read it by batches; check every row (`validation`) and write those that fail to the reject file (`rejects`). With
   `strict`, the whole file is checked before anything is written, and one bad row refuses it.
3. Record each batch in a transaction of its own, while the next one is being read.

An interruption leaves whole batches, and the same import again completes the rest. Each file stands alone: one that
cannot be imported is reported and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, TypeVar

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from marketdata import queries
from marketdata.markets import Market
from marketdata.markets import market as market_named
from marketdata.models import InstitutionalFlow, StockPrice
from marketdata.operations import statistics
from marketdata.operations.flow_door import WrongUnit
from marketdata.operations.rejects import Rejects
from marketdata.operations.replacing import Counts
from marketdata.operations.validation import CODES, FINE, REASONS, Check, Reason
from marketdata.sources.batches import BarBatch, EventBatch, FlowBatch
from marketdata.sources.files import Form, PriceFileError, Recognised, recognise

BATCH_ROWS = 150_000
SOURCE_LENGTH = 24

Batch = BarBatch | EventBatch | FlowBatch
Checked = tuple[Batch, NDArray[np.int8]]
Held = TypeVar("Held", contravariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file has come: rows read and `share` of the file, 0..1, in `seconds`."""

    path: Path
    rows: int
    share: float
    seconds: float

    @property
    def remaining(self) -> float:
        """Seconds until the end at the pace so far; infinite before anything was read."""
        return self.seconds * (1 - self.share) / self.share if self.share else float("inf")


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file. `rejected`: reason -> rows; `error` says why the file was refused or broke off, in
    which case the counts are those of the batches recorded before."""

    path: Path
    form: str = ""
    source: str = ""
    market: str = ""
    rows: int = 0
    counts: Counts = field(default_factory=Counts)
    rejected: dict[str, int] = field(default_factory=dict)
    reject_file: Path | None = None
    ignored: tuple[str, ...] = ()
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of all files, in the order given."""

    files: tuple[FileReport, ...]

    @property
    def failed(self) -> tuple[FileReport, ...]:
        return tuple(file for file in self.files if file.error)


class Door(Protocol[Held]):
    """What becomes of rows."""

    def check(self, check: Check, batch: Held) -> NDArray[np.int8]:
        """Their reasons to be kept out by themselves, (R,); done beside the record, while it is being written to."""
        ...

    def against_record(
        self, batch: Held, reasons: NDArray[np.int8], *, market: str
    ) -> NDArray[np.int8]:
        """`reasons`, and those that the record gives."""
        ...

    def record(
        self, batch: Held, fine: NDArray[np.intp], *, market: str, source: str, at: datetime
    ) -> Counts:
        """Record those of the rows (positions) that have no reason."""
        ...


def import_files(
    *,
    files: Sequence[Path],
    forms: Sequence[Form],
    door: Door[Any],
    source: str | None,
    market: str | None,
    strict: bool,
    as_of: datetime,
    progress: Callable[[Progress], None] | None,
) -> ImportReport:
    """Import `files`, each of one of `forms`, through `door`. `source` and `market` default to what the form of a file
    says; `as_of` becomes the time of record, and no row may be dated after it. Raises `UnknownMarket`; what is wrong
    with a file is in its report."""
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone.")
    if market is not None:
        market_named(market)
    if source is not None and not 0 < len(source) <= SOURCE_LENGTH:
        raise ValueError(f"The source's name {source!r} must have 1 to {SOURCE_LENGTH} characters.")
    calendars: dict[str, NDArray[np.datetime64]] = {}
    reports = []
    for path in files:
        started = perf_counter()
        try:
            opened = recognise(path, forms)
        except PriceFileError as error:
            reports.append(FileReport(path, error=str(error)))
            continue
        rules = market_named(market or opened.form.market)
        if rules.name not in calendars:
            calendars[rules.name] = queries.sessions(rules.name)
        one = _Import(
            opened,
            door,
            rules,
            source or opened.form.source,
            calendars[rules.name],
            as_of,
            lambda told: progress(told) if progress else None,
        )
        try:
            report = one.run(strict=strict)
        finally:
            opened.close()
        reports.append(replace(report, seconds=perf_counter() - started))
    written = sum(report.counts.new + report.counts.corrected for report in reports)
    statistics.after(written, StockPrice, InstitutionalFlow)
    return ImportReport(tuple(reports))


class _Import:
    """One file on its way in."""

    def __init__(
        self,
        opened: Recognised,
        door: Door[Any],
        market: Market,
        source: str,
        sessions: NDArray[np.datetime64],
        as_of: datetime,
        tell: Callable[[Progress], None],
    ) -> None:
        self.opened, self.door, self.market, self.source = opened, door, market, source
        self.sessions, self.as_of, self.tell = sessions, as_of, tell
        self.path = opened.file.path
        self.rows = 0
        self.counts = Counts()
        self.started = perf_counter()

    def run(self, *, strict: bool) -> FileReport:
        """Import the file."""
        error = ""
        columns = self.opened.columns
        with Rejects(Path(settings.REJECT_DIR), self.path.name, self.as_of, columns) as rejects:
            try:
                if strict:
                    self._refuse_rejects(rejects)
                self._record(rejects)
            except (PriceFileError, WrongUnit) as problem:
                error = str(problem)
        return FileReport(
            path=self.path,
            form=self.opened.form.name,
            source=self.source,
            market=self.market.name,
            rows=self.rows,
            counts=self.counts,
            rejected=dict(rejects.counts.most_common()),
            reject_file=rejects.file,
            ignored=self.opened.ignored,
            error=error,
        )

    def _refuse_rejects(self, rejects: Rejects) -> None:
        for batch, own in ahead(self._checked()):
            self.rows += len(batch)
            reasons = self.door.against_record(batch, own, market=self.market.name)
            rejects.add(batch.raw, batch.row, reasons)
        self._add_broken_lines(rejects)
        bad = sum(rejects.counts.values())
        if bad:
            raise PriceFileError(
                f"{self.path.name} was refused whole, as --strict asks: {bad:,} of its {self.rows:,} rows fail "
                f"validation ({', '.join(rejects.counts)}). Nothing was recorded."
            )
        self.rows = 0

    def _record(self, rejects: Rejects) -> None:
        for batch, own in ahead(self._checked()):
            self.rows += len(batch)
            reasons = self.door.against_record(batch, own, market=self.market.name)
            rejects.add(batch.raw, batch.row, reasons)
            fine = np.flatnonzero(reasons == FINE)
            self.counts += self.door.record(
                batch, fine, market=self.market.name, source=self.source, at=self.as_of
            )
            self.tell(Progress(self.path, self.rows, self._share(), perf_counter() - self.started))
        self._add_broken_lines(rejects)

    def _add_broken_lines(self, rejects: Rejects) -> None:
        rejects.add_lines(self.opened.file.broken)
        self.rows += len(self.opened.file.broken)

    def _share(self) -> float:
        whole = self.opened.file.rows
        return self.rows / whole if whole else self.opened.file.read_so_far() or 1.0

    def _checked(self) -> Iterator[Checked]:
        check = Check(self.market, self.sessions, self.as_of)
        self.opened.file.broken.clear()
        first = True
        for batch in self.opened.batches(market=self.market.name, rows=BATCH_ROWS):
            reasons = self.door.check(check, batch)
            if first:
                self._refuse_other_market(batch, reasons)
            first = False
            yield batch, reasons

    def _refuse_other_market(self, batch: Batch, reasons: NDArray[np.int8]) -> None:
        """A file of another market has no row that fits; better one sentence than a million rejects."""
        of_another = [REASONS.index(Reason.NO_CODE), REASONS.index(Reason.OTHER_MARKET)]
        if not len(batch) or not np.isin(reasons, of_another).all():
            return
        shown = ", ".join(batch.codes[:3].tolist()) or "no codes"
        raise PriceFileError(
            f"{self.path.name} does not look like market {self.market.name}: not one of its first {len(batch):,} rows "
            f"({shown} ...) has a code and a segment of that market. Name its market with --market "
            f"({' or '.join(CODES)}). Nothing was recorded."
        )


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, each made in another thread while the one before is being used."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
