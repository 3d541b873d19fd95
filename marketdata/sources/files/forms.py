"""The forms of files, and which one a file has: told by its columns, never by its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.sources.batches import BarBatch, EventBatch, FlowBatch
from marketdata.sources.files import events, flows, marcap, tidy
from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.reading import PriceFile, open_file

Convert = Callable[[pa.Table, NDArray[np.int64], str], BarBatch | EventBatch | FlowBatch]


@dataclass(frozen=True, slots=True)
class Form:
    """One form of file. `columns` maps canonical names to the names a file may give them (compared without regard
    to case); `required` are the canonical names it cannot do without; one of `marks`, if there are any, must be
    among the file's columns, and `source` and `market` are what such a file is unless somebody says otherwise."""

    name: str
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    marks: tuple[str, ...]
    source: str
    market: str
    convert: Convert

    def found(self, names: tuple[str, ...]) -> dict[str, str]:
        """Canonical name -> the file's own name, for the columns that are there."""
        own = {name.lower().strip(): name for name in reversed(names)}
        return {
            canonical: own[alias]
            for canonical, aliases in self.columns.items()
            for alias in reversed(aliases)
            if alias in own
        }

    def missing(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """What the file lacks to be of this form."""
        lower = {name.lower().strip() for name in names}
        lacks = tuple(name for name in self.required if name not in self.found(names))
        if self.marks and not lower & set(self.marks):
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


@dataclass(frozen=True, slots=True)
class Recognised:
    """An open file of a known form. `ignored`: columns of the file that are not read."""

    file: PriceFile
    form: Form
    columns: dict[str, str]
    ignored: tuple[str, ...]

    def batches(self, *, market: str, rows: int) -> Iterator[BarBatch | EventBatch | FlowBatch]:
        """Its rows as batches of about `rows`; PriceFileError where it breaks off or does not fit the market."""
        done = 0
        names = list(dict.fromkeys(self.columns.values()))
        for raw in self.file.tables(names, rows):
            table = raw.select([self.columns[name] for name in self.columns]).rename_columns(
                list(self.columns)
            )
            whole = np.arange(done + 1, done + raw.num_rows + 1)
            done += raw.num_rows
            broken = np.array([number for number, _ in self.file.broken], dtype=np.int64)
            before = np.searchsorted(broken - np.arange(len(broken)), whole, side="right")
            numbers = whole + before
            try:
                yield self.form.convert(table, numbers, market)
            except PriceFileError as error:
                raise PriceFileError(f"{self.file.path.name}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def recognise(path: Path, forms: Sequence[Form] = PRICE_FORMS) -> Recognised:
    """Open `path` and tell which of `forms` it has; PriceFileError where that is none of them."""
    file = open_file(path)
    twice = [name for name, count in Counter(file.columns).items() if count > 1]
    if twice:
        file.close()
        raise PriceFileError(f"{path.name} has the column {twice[0]} twice: leave one of them.")
    for form in forms:
        if not form.missing(file.columns):
            columns = form.found(file.columns)
            used = set(columns.values())
            return Recognised(
                file, form, columns, tuple(name for name in file.columns if name not in used)
            )
    file.close()
    nearest = min(forms, key=lambda form: len(form.missing(file.columns)))
    known = "; ".join(f"{form.name} ({', '.join(form.required)})" for form in forms)
    raise PriceFileError(
        f"{path.name} has the columns {', '.join(file.columns[:20]) or '(none)'}: no known form of file; "
        f"{nearest.name} is the nearest and lacks {', '.join(nearest.missing(file.columns))}. Known forms: {known}."
    )
