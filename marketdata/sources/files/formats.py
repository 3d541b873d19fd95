"""The forms of files, and which one a file has, by its columns and never by its name.

| form | what it is |
|---|---|
| marcap | the KRX data set of that name, and FinanceDataReader's list of a day |
| tidy | one bar a row: our own names, those of the KRX data portal and pykrx (Korean), FinanceDataReader, yfinance |
| side by side | yfinance's `download`: a column for each field and ticker; becomes tidy |
| events | factor events |
| flows | investor flow |

`spellings` is the one table of what columns are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata import codes
from marketdata.normalization import excerpt
from marketdata.sources.batches import BarBatch, EventBatch, FlowBatch
from marketdata.sources.files import events, flows, marcap, tidy, wide
from marketdata.sources.files.containers import PriceFile, open_file
from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.headers import shown
from marketdata.sources.files.notation import Notation
from marketdata.sources.files.spellings import normalised
from marketdata.sources.files.words import Column

Convert = Callable[[pa.Table, NDArray[np.int64], Notation], BarBatch | EventBatch | FlowBatch]
GIVEN = ("code", "date")
"""What a person may supply for a file without such a column."""
MOST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Form:
    """One form of file. `columns` maps canonical names to the names a file may give them (as `spellings.normalised`);
    `required` are the canonical names it cannot do without; one of `marks`, if there are any, must be among the
    file's columns, and `source` and `market` are what such a file is unless somebody says otherwise."""

    name: str
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    marks: tuple[str, ...]
    source: str
    market: str
    convert: Convert

    def positions(self, names: Sequence[str]) -> dict[str, int]:
        """Canonical name -> the position of the file's column, for those that are there."""
        own: dict[str, int] = {}
        for place, name in enumerate(names):
            own.setdefault(normalised(name), place)
        return {
            canonical: next(own[alias] for alias in aliases if alias in own)
            for canonical, aliases in self.columns.items()
            if any(alias in own for alias in aliases)
        }

    def missing(self, names: Sequence[str], given: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """What the file lacks to be of this form, `given` being supplied beside it."""
        positions = self.positions(names)
        lacks = tuple(name for name in self.required if name not in positions and name not in given)
        marks = set(map(normalised, self.marks))
        if marks and not marks & set(map(normalised, names)):
            more = f" or {len(self.marks) - 4} others" if len(self.marks) > 4 else ""
            lacks += (" or ".join(self.marks[:4]) + more,)
        return lacks


PRICE_FORMS = (
    Form("marcap", marcap.COLUMNS, marcap.REQUIRED, marcap.MARKS, "marcap", "kr", marcap.convert),
    Form("tidy", tidy.COLUMNS, tidy.REQUIRED, (), "file", "kr", tidy.convert),
    Form("events", events.COLUMNS, events.REQUIRED, (), "file", "kr", events.convert),
)
"""In the order they are tried."""

FLOW_FORMS = (
    Form("flows", flows.COLUMNS, flows.REQUIRED, flows.MARKS, "file", "kr", flows.convert),
)


@dataclass(slots=True)
class Recognised:
    """An open file of a known form.

    columns: canonical name -> the file's own name of the column; given: what is supplied for the columns that it has
    not; ignored: columns of the file that are not read; market: the market that such a file is of unless somebody says
    otherwise. `notes` says how it is read: what is decided while it is read comes in later."""

    file: PriceFile
    form: Form
    columns: dict[str, str]
    ignored: tuple[str, ...]
    given: dict[str, str] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    adjusted: bool = False

    @property
    def market(self) -> str:
        """The market of such a file unless somebody says otherwise."""
        if self.file.wide is None:
            return self.form.market
        tickers = self.file.wide.tickers
        return "kr" if all(codes.spelling("kr", ticker) for ticker in tickers) else "us"

    def batches(
        self, *, market: str, rows: int, recorded: Mapping[str, str] | None = None
    ) -> Iterator[BarBatch | EventBatch | FlowBatch]:
        """Its rows as batches of about `rows`; PriceFileError where it breaks off or does not fit the market.
        `recorded`: see `Notation`."""
        notation = Notation.of(market, recorded)
        notation.notes = self.notes
        done = 0
        names, side_by_side = self.file.names, self.file.wide
        wanted = (
            [names[place] for place in wide.places(side_by_side)]
            if side_by_side
            else [names[place] for place in self.positions.values()]
        )
        if side_by_side:
            rows = max(rows // len(side_by_side.tickers), 1)
        for raw in self.file.tables(wanted, rows):
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

    def _canonical(
        self, raw: pa.Table, row: NDArray[np.int64]
    ) -> tuple[pa.Table, NDArray[np.int64]]:
        """The rows under canonical names, and their numbers in the file."""
        names = self.file.names
        if self.file.wide:
            return wide.unpivoted(raw, row, self.file.wide, names)
        table = raw.select([names[place] for place in self.positions.values()])
        table = table.rename_columns(list(self.positions))
        for name, value in self.given.items():
            table = table.append_column(name, pa.array([value] * table.num_rows, pa.string()))
        return table, row

    def _whole(self, name: str) -> Iterator[Column]:
        """A column of the whole file, in parts, read beside what is being read."""
        if name in self.given:
            yield pa.chunked_array([[self.given[name]]])
            return
        if self.file.wide and name == "code":
            yield pa.chunked_array([list(self.file.wide.tickers)])
            return
        again = self.file.reopened()
        try:
            place = self.file.wide.date if self.file.wide else self.positions[name]
            own = again.names[place]
            for table in again.tables([own], 1 << 20):
                yield table.column(own)
        finally:
            again.close()


def recognise(
    path: Path,
    forms: Sequence[Form] = PRICE_FORMS,
    *,
    market: str | None = None,
    code: str | None = None,
    day: date | None = None,
) -> Recognised:
    """Open `path` and say which of `forms` it has; PriceFileError where that is none of them. `code` and `day` are
    those of all its rows where it has no such column; without `code`, the file's name may be one of `market`."""
    file = open_file(path)
    try:
        return _recognised(file, forms, market, code, day)
    except PriceFileError:
        file.close()
        raise


def _recognised(
    file: PriceFile, forms: Sequence[Form], market: str | None, code: str | None, day: date | None
) -> Recognised:
    name = file.path.name
    by_name = {form.name: form for form in forms}
    if file.wide is not None and "tidy" in by_name:
        if code or day:
            raise PriceFileError(
                f"{name} has tickers and days of its own: leave --code and --date out."
            )
        return _side_by_side(file, by_name["tidy"])
    given = {"code": code or "", "date": day.isoformat() if day else ""}
    for form in forms:
        positions = form.positions(file.columns)
        supplied = {key: value for key, value in given.items() if value}
        lacks = form.missing(file.columns, frozenset(supplied))
        if lacks == ("code",):
            found = codes.in_name(market or form.market, file.path.name.split(".")[0])
            if found:
                supplied["code"], lacks = found, ()
        if lacks:
            continue
        _refuse_doubles(file, form, positions)
        for key in supplied:
            if key in positions:
                own = excerpt(file.columns[positions[key]], 40)
                raise PriceFileError(
                    f"{name} has a column of its own for this ({own}): leave --{key} out."
                )
        return _of_form(file, form, positions, supplied)
    raise PriceFileError(_refusal(file, forms, frozenset(key for key in given if given[key])))


def _of_form(
    file: PriceFile, form: Form, positions: dict[str, int], given: dict[str, str]
) -> Recognised:
    used = set(positions.values())
    ignored = tuple(
        excerpt(name, 40) for place, name in enumerate(file.columns) if place not in used and name
    )
    names = {key: file.columns[place] for key, place in positions.items()}
    found = Recognised(file, form, names, ignored, given, positions)
    found.notes.append(_reading(names, given))
    fields = {normalised(name) for name in file.columns}
    found.adjusted = {"dividends", "stocksplits"} <= fields and "adjclose" not in fields
    if "adjclose" in fields or found.adjusted:
        found.notes.append(YAHOO_NOTE)
    return found


YAHOO_NOTE = (
    "prices of yfinance are adjusted for splits, and for dividends too where there is no Adj Close; Dividends and "
    "Stock Splits are therefore no factor events and are not read"
)


def _side_by_side(file: PriceFile, form: Form) -> Recognised:
    assert file.wide is not None  # noqa: S101
    tickers, fields = (
        list(file.wide.tickers),
        {normalised(part) for name in file.columns for part in name.strip("()'").split("', '")},
    )
    columns = {"date": file.columns[file.wide.date], "code": "the tickers of the header"}
    columns |= {name: name for name in wide.FIELDS}
    found = Recognised(file, form, columns, ())
    found.adjusted = {"dividends", "stocksplits"} <= fields and "adjclose" not in fields
    found.notes.append(
        f"yfinance's columns side by side: {len(tickers):,} tickers ({shown(tickers, 5)}), a bar for each and day"
    )
    found.notes.append(YAHOO_NOTE)
    return found


def _reading(names: Mapping[str, str], given: Mapping[str, str]) -> str:
    said = [
        key if normalised(own) == normalised(key) else f"{excerpt(own, 40)} as {key}"
        for key, own in names.items()
    ]
    said += [f"{value} as {key} of every row" for key, value in given.items()]
    return f"read: {', '.join(said)}"


def _refuse_doubles(file: PriceFile, form: Form, positions: Mapping[str, int]) -> None:
    """PriceFileError where a column that is read comes twice."""
    names = [normalised(name) for name in file.columns]
    for place in positions.values():
        if names.count(names[place]) > 1:
            raise PriceFileError(
                f"{file.path.name} has the column {excerpt(file.columns[place], 40)} twice: leave one of them."
            )


def _refusal(file: PriceFile, forms: Sequence[Form], given: frozenset[str]) -> str:
    """Why a file has none of the forms, and what the nearest lacks: the one of which it has most columns."""
    name = file.path.name
    lacks = {form.name: form.missing(file.columns, given) for form in forms}
    nearest = max(
        forms, key=lambda form: (len(form.positions(file.columns)), -len(lacks[form.name]))
    )
    missing = lacks[nearest.name]
    if missing and set(missing) <= set(GIVEN):
        options = {"code": "--code 005930", "date": "--date 2024-01-31"}
        return (
            f"{name} is a {nearest.name} file without a column for {' and '.join(missing)} (columns: "
            f"{shown(file.columns, MOST_SHOWN)}): say {' and '.join(options[one] for one in missing)}."
        )
    known = "; ".join(f"{form.name} ({', '.join(form.required)})" for form in forms)
    columns = f"{name} has the columns {shown(file.columns)}: no known form of file"
    if not nearest.positions(file.columns):
        return f"{columns}. Known forms: {known}."
    return f"{columns}; {nearest.name} is the nearest and lacks {', '.join(missing)}. Known forms: {known}."
