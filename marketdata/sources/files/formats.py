"""The forms of files, by their columns and never by their names.

| form | what it is |
|---|---|
| marcap | the KRX data set of that name, and FinanceDataReader's list of a day |
| tidy | one bar a row: our own names, those of the KRX data portal and pykrx (Korean), FinanceDataReader, yfinance |
| side by side | yfinance's `download`: a column for each field and ticker; becomes tidy |
| events | factor events |
| flows | investor flow |

`spellings` is the one table of column names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata import codes
from marketdata.sources.batches import BarBatch, EventBatch, FlowBatch
from marketdata.sources.files import events, flows, marcap, tidy, wide
from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.notation import Notation
from marketdata.sources.files.price_file import PriceFile
from marketdata.sources.files.spellings import normalise
from marketdata.sources.files.words import Column

Convert = Callable[[pa.Table, NDArray[np.int64], Notation], BarBatch | EventBatch | FlowBatch]
OPTION_COLUMNS = ("code", "date")
"""Columns that options may replace in a file without them."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form of file. `columns` maps canonical names to column names (as `spellings.normalise`); `required` are the
    necessary canonical names; one of `marks`, if there are any, must be among the file's columns; `source` and `market`
    are the defaults of such a file."""

    name: str
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    marks: tuple[str, ...]
    source: str
    market: str
    convert: Convert

    def positions(self, names: Sequence[str]) -> dict[str, int]:
        """Canonical name -> position of the column, for the columns that the file has."""
        own: dict[str, int] = {}
        for place, name in enumerate(names):
            own.setdefault(normalise(name), place)
        return {
            canonical: next(own[alias] for alias in aliases if alias in own)
            for canonical, aliases in self.columns.items()
            if any(alias in own for alias in aliases)
        }

    def missing(self, names: Sequence[str], options: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """The columns that the file lacks to be of this form; `options` replace columns."""
        positions = self.positions(names)
        lacks = tuple(name for name in self.required if name not in positions and name not in options)
        marks = set(map(normalise, self.marks))
        if marks and not marks & set(map(normalise, names)):
            more = f" or {len(self.marks) - 4} others" if len(self.marks) > 4 else ""
            lacks += (" or ".join(self.marks[:4]) + more,)
        return lacks


PRICE_FORMS = (
    Form("marcap", marcap.COLUMNS, marcap.REQUIRED, marcap.MARKS, "marcap", "kr", marcap.convert),
    Form("tidy", tidy.COLUMNS, tidy.REQUIRED, (), "file", "kr", tidy.convert),
    Form("events", events.COLUMNS, events.REQUIRED, (), "file", "kr", events.convert),
)
"""In the order in which they are tried."""

FLOW_FORMS = (Form("flows", flows.COLUMNS, flows.REQUIRED, flows.MARKS, "file", "kr", flows.convert),)


@dataclass(slots=True)
class RecognisedFile:
    """An open file of a known form.

    columns: canonical name -> the file's own name of the column; options: values for columns that it lacks; ignored:
    columns of the file that are not read; market: the default market of such a file. `notes` says how it is read;
    decisions made during reading are added later."""

    file: PriceFile
    form: Form
    columns: dict[str, str]
    ignored: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    adjusted: bool = False

    @property
    def market(self) -> str:
        """The default market of such a file."""
        if self.file.wide is None:
            return self.form.market
        tickers = self.file.wide.tickers
        return "kr" if all(codes.spell_code("kr", ticker) for ticker in tickers) else "us"

    def batches(
        self, *, market: str, rows: int, recorded: Mapping[str, str] | None = None
    ) -> Iterator[BarBatch | EventBatch | FlowBatch]:
        """Its rows as batches of about `rows`; PriceFileError where it is cut short or does not fit the market.
        `recorded`: see `Notation`."""
        notation = Notation.of(market, recorded)
        notation.notes = self.notes
        done = 0
        names, side_by_side = self.file.names, self.file.wide
        columns = (
            [names[place] for place in wide.places(side_by_side)]
            if side_by_side
            else [names[place] for place in self.positions.values()]
        )
        if side_by_side:
            rows = max(rows // len(side_by_side.tickers), 1)
        for raw in self.file.tables(columns, rows):
            whole = np.arange(done + 1, done + raw.num_rows + 1)
            done += raw.num_rows
            broken = np.frombuffer(self.file.broken_rows, dtype=np.int64).copy()
            before = np.searchsorted(broken - np.arange(len(broken)), whole, side="right")
            table, numbers = self._canonical(raw, whole + before)
            if not table.num_rows:
                continue
            try:
                notation.decide(table, self._whole)
                yield self.form.convert(table, numbers, notation)
            except PriceFileError as error:
                raise PriceFileError(f"{self.file.path.name}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _canonical(self, raw: pa.Table, row: NDArray[np.int64]) -> tuple[pa.Table, NDArray[np.int64]]:
        """The rows under canonical names, and their numbers in the file."""
        names = self.file.names
        if self.file.wide:
            return wide.unpivot(raw, row, self.file.wide, names)
        table = raw.select([names[place] for place in self.positions.values()])
        table = table.rename_columns(list(self.positions))
        for name, value in self.options.items():
            table = table.append_column(name, pa.array([value] * table.num_rows, pa.string()))
        return table, row

    def _whole(self, name: str) -> Iterator[Column]:
        """A column of the whole file, in parts, by a second reading."""
        if name in self.options:
            yield pa.chunked_array([[self.options[name]]])
            return
        if self.file.wide and name == "code":
            yield pa.chunked_array([list(self.file.wide.tickers)])
            return
        file = self.file.reopen()
        try:
            place = self.file.wide.date if self.file.wide else self.positions[name]
            own = file.names[place]
            for table in file.tables([own], 1 << 20):
                yield table.column(own)
        finally:
            file.close()
