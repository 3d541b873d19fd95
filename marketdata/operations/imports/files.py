"""Imports files, whatever they hold: `import_prices` and `import_flows` say which forms, and what to do with rows.

1. Recognise each file's form by its columns (`sources.files`).
2. Read it by batches; check every row (`validation`) and write those that fail to the reject file (`rejects`). With
   `strict`, the whole file is checked before anything is written, and one bad row refuses it.
3. Record each batch in a transaction of its own, while the next one is being read.

An interruption leaves whole batches, and the same import again completes the rest. Each file stands alone: one that
cannot be imported is reported and the others go on. A file of which no row can be recorded, or of which one reason kept
half of the rows out, is reported as doubtful (`FileReport.doubt`): what is good of it is recorded, and the command
ends with 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, TypeVar

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from marketdata import codes
from marketdata.context_threads import ContextThreadPool
from marketdata.errors import DataProblem
from marketdata.markets import MARKETS, Market, get_market
from marketdata.models import InstitutionalFlow, Instrument, StockPrice
from marketdata.normalization import excerpt
from marketdata.operations import analyze_tables
from marketdata.operations.imports.report import Batch, FileReport, ImportProgress, ImportReport, examples
from marketdata.operations.record.corrections import Counts
from marketdata.operations.record.rejects import RejectFile
from marketdata.operations.record.validation import FINE, REASONS, Reason, Validator
from marketdata.queries.market_calendar import get_sessions
from marketdata.sources.files import Form, PriceFileError, RecognisedFile, recognise

BATCH_ROWS = 150_000
SOURCE_LENGTH = 24

Checked = tuple[Batch, NDArray[np.int8]]
Held = TypeVar("Held", contravariant=True)
T = TypeVar("T")


class Recorder(Protocol[Held]):
    """What becomes of rows."""

    def check(self, check: Validator, batch: Held) -> NDArray[np.int8]:
        """Their reasons to be kept out by themselves, (R,); done beside the record, while it is being written to."""
        ...

    def against_record(self, batch: Held, reasons: NDArray[np.int8], *, market: str) -> NDArray[np.int8]:
        """`reasons`, and those that the record gives."""
        ...

    def record(self, batch: Held, fine: NDArray[np.intp], *, market: str, source: str, at: datetime) -> Counts:
        """Record those of the rows (positions) that have no reason."""
        ...


def import_files(
    *,
    files: Sequence[Path],
    forms: Sequence[Form],
    door: Recorder[Any],
    source: str | None,
    market: str | None,
    strict: bool,
    as_of: datetime,
    progress: Callable[[ImportProgress], None] | None,
    code: str | None = None,
    day: date | None = None,
    adjusted: bool = False,
) -> ImportReport:
    """Import `files`, each of one of `forms`, through `door`. `source` and `market` default to what the form of a file
    says; `as_of` becomes the time of record, and no row may be dated after it. `code` and `day` are those of the rows
    of a file without such a column; `adjusted` lets adjusted prices into a market of raw ones. Raises `UnknownMarket`
    and `ValueError`; what is wrong with a file is in its report."""
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone.")
    if market is not None:
        get_market(market)
    if source is not None and not 0 < len(source) <= SOURCE_LENGTH:
        raise ValueError(f"The source's name {source!r} must have 1 to {SOURCE_LENGTH} characters.")
    if code is not None:
        code = _code(code, market or "kr", len(files))
    calendars: dict[str, NDArray[np.datetime64]] = {}
    reports = []
    for path in files:
        started = perf_counter()
        try:
            opened = recognise(path, forms, market=market, code=code, day=day)
        except PriceFileError as error:
            reports.append(FileReport(path, error=str(error)))
            continue
        rules = get_market(market or opened.market)
        if opened.adjusted and not adjusted and "-" not in rules.name:
            opened.close()
            reports.append(FileReport(path, error=_adjusted(path, rules.name)))
            continue
        if rules.name not in calendars:
            calendars[rules.name] = get_sessions(rules.name)
        one = _Import(
            opened,
            door,
            rules,
            source or opened.form.source,
            calendars[rules.name],
            as_of,
            progress or (lambda _: None),
        )
        try:
            report = one.run(strict=strict)
        finally:
            opened.close()
        reports.append(replace(report, seconds=perf_counter() - started))
    written = sum(report.counts.new + report.counts.corrected for report in reports)
    analyze_tables.analyze(written, StockPrice, InstitutionalFlow)
    return ImportReport(tuple(reports))


def _code(text: str, market: str, files: int) -> str:
    """The code that a person gave for a file; ValueError where it is none of the market."""
    if files > 1:
        raise ValueError("--code is the code of one file: import the others by themselves.")
    found = codes.spell_code(market, text)
    if not found:
        raise ValueError(f"{excerpt(text)!r} is not a code of market {market}.")
    return found


def _adjusted(path: Path, market: str) -> str:
    return (
        f"{path.name} is a history of yfinance (Dividends, Stock Splits and no Adj Close), whose prices are adjusted "
        f"for dividends and splits, while market {market} holds prices as they were traded: import it into a market "
        f"of its own (--market {market}-adj), or say --allow-adjusted."
    )


def _spelled_before(market: str) -> dict[str, str]:
    """Codes as the market spells them -> other spellings under which it recorded them before, without a slash."""
    rows = Instrument.objects.filter(market=market)
    if market.partition("-")[0] != "us":
        return {}
    recorded = rows.filter(code__contains="-").values_list("code", flat=True)
    return {codes.spell_code(market, code): code for code in recorded if "/" not in code}


class _Import:
    """One file on its way in."""

    def __init__(
        self,
        opened: RecognisedFile,
        door: Recorder[Any],
        market: Market,
        source: str,
        sessions: NDArray[np.datetime64],
        as_of: datetime,
        tell: Callable[[ImportProgress], None],
    ) -> None:
        self.opened, self.door, self.market, self.source = opened, door, market, source
        self.sessions, self.as_of, self.tell = sessions, as_of, tell
        self.path = opened.file.path
        self.rows = 0
        self.counts = Counts()
        self.examples: dict[str, str] = {}
        self.spelled = _spelled_before(market.name)  # here, since reading ahead has no connection
        self.started = perf_counter()

    def run(self, *, strict: bool) -> FileReport:
        """Import the file."""
        error = ""
        columns = self.opened.columns
        with RejectFile(Path(settings.REJECT_DIR), self.path.name, self.as_of, columns) as rejects:
            try:
                if strict:
                    self._refuse_rejects(rejects)
                self._record(rejects)
                if not self.rows:
                    error = f"{self.path.name} has columns but no rows."
            except PriceFileError as problem:
                error = str(problem)
            except DataProblem as problem:
                error = f"{self.path.name}: {problem}"
        return FileReport(
            path=self.path,
            form=self.opened.form.name,
            source=self.source,
            market=self.market.name,
            rows=self.rows,
            counts=self.counts,
            rejected=dict(rejects.counts.most_common()),
            examples=self.examples,
            reject_file=rejects.file,
            reject_rows=rejects.written,
            notes=tuple(dict.fromkeys([*self.opened.file.notes, *self.opened.notes])),
            ignored=self.opened.ignored,
            error=error,
        )

    def _refuse_rejects(self, rejects: RejectFile) -> None:
        for batch, own in read_ahead(self._checked()):
            self.rows += len(batch)
            reasons = self.door.against_record(batch, own, market=self.market.name)
            self._keep_out(rejects, batch, reasons)
        self._add_broken_lines(rejects)
        bad = sum(rejects.counts.values())
        if bad:
            raise PriceFileError(
                f"{self.path.name} was refused whole, as --strict asks: {bad:,} of its {self.rows:,} rows fail "
                f"validation ({', '.join(rejects.counts)}). Nothing was recorded."
            )
        self.rows = 0

    def _record(self, rejects: RejectFile) -> None:
        for batch, own in read_ahead(self._checked()):
            self.rows += len(batch)
            reasons = self.door.against_record(batch, own, market=self.market.name)
            self._keep_out(rejects, batch, reasons)
            fine = np.flatnonzero(reasons == FINE)
            self.counts += self.door.record(batch, fine, market=self.market.name, source=self.source, at=self.as_of)
            self.tell(ImportProgress(self.path, self.rows, self._share(), perf_counter() - self.started))
        self._add_broken_lines(rejects)

    def _keep_out(self, rejects: RejectFile, batch: Batch, reasons: NDArray[np.int8]) -> None:
        rejects.add(batch.raw, batch.row, reasons)
        self.examples = examples(batch, reasons, self.examples)

    def _add_broken_lines(self, rejects: RejectFile) -> None:
        file = self.opened.file
        rejects.add_lines(file.broken, len(file.broken_rows))
        self.rows += len(file.broken_rows)
        if file.broken:
            number, line = file.broken[0]
            said = f"row {number:,} has another number of fields ({excerpt(line)})"
            self.examples[str(Reason.BROKEN_LINE)] = said

    def _share(self) -> float:
        whole = self.opened.file.rows
        return self.rows / whole if whole else self.opened.file.read_so_far() or 1.0

    def _checked(self) -> Iterator[Checked]:
        check = Validator(self.market, self.sessions, self.as_of)
        first = True
        for batch in self.opened.batches(market=self.market.name, rows=BATCH_ROWS, recorded=self.spelled):
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
        shown = ", ".join(excerpt(code, 24) for code in batch.codes[:3].tolist()) or "no codes"
        short = next((code for code in batch.codes.tolist() if codes.truncated_digits(code)), "")
        if short and self.market.name.partition("-")[0] == "kr":
            raise PriceFileError(
                f"{self.path.name}: {short} has lost its leading zeros ({codes.restore_zeros(short)}?), but not every "
                "code of the file is one of KRX: write codes as text of six characters. Nothing was recorded."
            )
        raise PriceFileError(
            f"{self.path.name} does not look like market {self.market.name}: not one of its first {len(batch):,} rows "
            f"({shown} ...) has a code and a segment of that market. Name its market with --market "
            f"({' or '.join(MARKETS)}). Nothing was recorded."
        )


def read_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, each made in another thread while the one before is being used."""
    with ContextThreadPool(max_workers=1, thread_name_prefix="read-ahead") as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
