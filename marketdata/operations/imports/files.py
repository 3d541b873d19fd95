"""Import of files of any content: `import_prices` and `import_flows` give the forms and the recorder of the rows.

1. Recognise each file's form by its columns (`sources.files`).
2. Read it by batches; check every row (`validation`) and write those that fail to the reject file (`rejects`). With
   `strict`, the whole file is checked before anything is written, and refused for one bad row.
3. Record each batch in a transaction of its own, while the next one is being read.

An interruption leaves whole batches, and the same import again completes the rest. Files are independent: one that
cannot be imported is reported and the others are imported. A file without a valid row, or half of whose rows are
rejected for one reason, is reported as doubtful (`FileReport.doubt`): its valid rows are recorded, and the command ends
with status 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, Required, TypedDict, TypeVar

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

CheckedBatch = tuple[Batch, NDArray[np.int8]]
Rows = TypeVar("Rows", contravariant=True)
T = TypeVar("T")


class Recorder(Protocol[Rows]):
    """Checks and records the rows of one kind of content."""

    def check(self, check: Validator, batch: Rows) -> NDArray[np.int8]:
        """The reasons to reject rows without the record, (R,); called in another thread while a batch is recorded."""
        ...

    def against_record(self, batch: Rows, reasons: NDArray[np.int8], *, market: str) -> NDArray[np.int8]:
        """`reasons` and those by comparison with the record, (R,)."""
        ...

    def record(self, batch: Rows, valid: NDArray[np.intp], *, market: str, source: str, at: datetime) -> Counts:
        """Record the `valid` rows (positions)."""
        ...


class ImportOptions(TypedDict, total=False):
    """The options of an import: `source` and `market` default to those of the file's form; `as_of` becomes the time of
    record, and no row may be dated after it. `code` and `day` are those of the rows of a file without such a column;
    `adjusted` allows adjusted prices in a market of raw ones."""

    files: Required[Sequence[Path]]
    as_of: Required[datetime]
    source: str | None
    market: str | None
    strict: bool
    progress: Callable[[ImportProgress], None] | None
    code: str | None
    day: date | None
    adjusted: bool


def import_files(forms: Sequence[Form], recorder: Recorder[Any], options: ImportOptions) -> ImportReport:
    """Import files, each of one of `forms`, with `recorder`. Raises `UnknownMarket` and `ValueError`; problems of a
    file are in its report."""
    files, as_of = options["files"], options["as_of"]
    source, market, code = options.get("source"), options.get("market"), options.get("code")
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone.")
    if market is not None:
        get_market(market)
    if source is not None and not 0 < len(source) <= SOURCE_LENGTH:
        raise ValueError(f"The source's name {source!r} must have 1 to {SOURCE_LENGTH} characters.")
    if code is not None:
        code = _file_code(code, market or "kr", len(files))
    calendars: dict[str, NDArray[np.datetime64]] = {}
    reports = []
    for path in files:
        started = perf_counter()
        try:
            opened = recognise(path, forms, market=market, code=code, day=options.get("day"))
        except PriceFileError as error:
            reports.append(FileReport(path, error=str(error)))
            continue
        rules = get_market(market or opened.market)
        if opened.adjusted and not options.get("adjusted") and "-" not in rules.name:
            opened.close()
            reports.append(FileReport(path, error=_adjusted_refusal(path, rules.name)))
            continue
        if rules.name not in calendars:
            calendars[rules.name] = get_sessions(rules.name)
        file_import = _FileImport(
            opened,
            recorder,
            rules,
            source or opened.form.source,
            calendars[rules.name],
            as_of,
            options.get("progress") or (lambda _: None),
        )
        try:
            report = file_import.run(strict=options.get("strict", False))
        finally:
            opened.close()
        reports.append(replace(report, seconds=perf_counter() - started))
    written = sum(report.counts.new + report.counts.corrected for report in reports)
    analyze_tables.analyze(written, StockPrice, InstitutionalFlow)
    return ImportReport(tuple(reports))


def _file_code(text: str, market: str, files: int) -> str:
    """The code of the rows of one file; ValueError where it is not a code of the market."""
    if files > 1:
        raise ValueError("--code is the code of one file: import the others by themselves.")
    code = codes.spell_code(market, text)
    if not code:
        raise ValueError(f"{excerpt(text)!r} is not a code of market {market}.")
    return code


def _adjusted_refusal(path: Path, market: str) -> str:
    return (
        f"{path.name} is a history of yfinance (Dividends, Stock Splits and no Adj Close), whose prices are adjusted "
        f"for dividends and splits, while market {market} holds prices as they were traded: import it into a market "
        f"of its own (--market {market}-adj), or say --allow-adjusted."
    )


def _former_spellings(market: str) -> dict[str, str]:
    """Codes as the market spells them -> other spellings under which it recorded them before, without a slash."""
    rows = Instrument.objects.filter(market=market)
    if market.partition("-")[0] != "us":
        return {}
    recorded = rows.filter(code__contains="-").values_list("code", flat=True)
    return {codes.spell_code(market, code): code for code in recorded if "/" not in code}


class _FileImport:
    """The import of one file."""

    def __init__(
        self,
        opened: RecognisedFile,
        recorder: Recorder[Any],
        market: Market,
        source: str,
        sessions: NDArray[np.datetime64],
        as_of: datetime,
        progress: Callable[[ImportProgress], None],
    ) -> None:
        self.opened, self.recorder, self.market, self.source = opened, recorder, market, source
        self.sessions, self.as_of, self.progress = sessions, as_of, progress
        self.path = opened.file.path
        self.rows = 0
        self.counts = Counts()
        self.examples: dict[str, str] = {}
        self.former_spellings = _former_spellings(market.name)  # here, since the reading thread has no connection
        self.started = perf_counter()

    def run(self, *, strict: bool) -> FileReport:
        """Import the file."""
        error = ""
        columns = self.opened.columns
        with RejectFile(Path(settings.REJECT_DIR), self.path.name, self.as_of, columns) as rejects:
            try:
                if strict:
                    self._check_all(rejects)
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

    def _check_all(self, rejects: RejectFile) -> None:
        for batch, batch_reasons in read_ahead(self._validated_batches()):
            self.rows += len(batch)
            reasons = self.recorder.against_record(batch, batch_reasons, market=self.market.name)
            self._reject(rejects, batch, reasons)
        self._add_broken_lines(rejects)
        bad = sum(rejects.counts.values())
        if bad:
            raise PriceFileError(
                f"{self.path.name} was refused whole, as --strict asks: {bad:,} of its {self.rows:,} rows fail "
                f"validation ({', '.join(rejects.counts)}). Nothing was recorded."
            )
        self.rows = 0

    def _record(self, rejects: RejectFile) -> None:
        for batch, batch_reasons in read_ahead(self._validated_batches()):
            self.rows += len(batch)
            reasons = self.recorder.against_record(batch, batch_reasons, market=self.market.name)
            self._reject(rejects, batch, reasons)
            valid = np.flatnonzero(reasons == FINE)
            self.counts += self.recorder.record(
                batch, valid, market=self.market.name, source=self.source, at=self.as_of
            )
            self.progress(ImportProgress(self.path, self.rows, self._share(), perf_counter() - self.started))
        self._add_broken_lines(rejects)

    def _reject(self, rejects: RejectFile, batch: Batch, reasons: NDArray[np.int8]) -> None:
        rejects.add(batch.raw, batch.row, reasons)
        self.examples = examples(batch, reasons, self.examples)

    def _add_broken_lines(self, rejects: RejectFile) -> None:
        file = self.opened.file
        rejects.add_lines(file.broken, len(file.broken_rows))
        self.rows += len(file.broken_rows)
        if file.broken:
            number, line = file.broken[0]
            text = f"row {number:,} has another number of fields ({excerpt(line)})"
            self.examples[str(Reason.BROKEN_LINE)] = text

    def _share(self) -> float:
        whole = self.opened.file.rows
        return self.rows / whole if whole else self.opened.file.read_so_far() or 1.0

    def _validated_batches(self) -> Iterator[CheckedBatch]:
        check = Validator(self.market, self.sessions, self.as_of)
        first = True
        for batch in self.opened.batches(market=self.market.name, rows=BATCH_ROWS, recorded=self.former_spellings):
            reasons = self.recorder.check(check, batch)
            if first:
                self._refuse_other_market(batch, reasons)
            first = False
            yield batch, reasons

    def _refuse_other_market(self, batch: Batch, reasons: NDArray[np.int8]) -> None:
        """PriceFileError where no row of the first batch fits the market: one sentence instead of a million rejects."""
        of_another = [REASONS.index(Reason.NO_CODE), REASONS.index(Reason.OTHER_MARKET)]
        if not len(batch) or not np.isin(reasons, of_another).all():
            return
        shown = ", ".join(excerpt(code, 24) for code in batch.codes[:3].tolist()) or "no codes"
        shortened = next((code for code in batch.codes.tolist() if codes.truncated_digits(code)), "")
        if shortened and self.market.name.partition("-")[0] == "kr":
            raise PriceFileError(
                f"{self.path.name}: {shortened} has lost its leading zeros ({codes.restore_zeros(shortened)}?), but "
                "not every code of the file is one of KRX: write codes as text of six characters. Nothing was recorded."
            )
        raise PriceFileError(
            f"{self.path.name} does not look like market {self.market.name}: not one of its first {len(batch):,} rows "
            f"({shown} ...) has a code and a segment of that market. Name its market with --market "
            f"({' or '.join(MARKETS)}). Nothing was recorded."
        )


def read_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, each made in another thread while the previous one is used."""
    with ContextThreadPool(max_workers=1, thread_name_prefix="read-ahead") as pool:
        next_item = pool.submit(next, items, None)
        while (item := next_item.result()) is not None:
            next_item = pool.submit(next, items, None)
            yield item
