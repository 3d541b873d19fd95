"""Files of index series: one session of an index a row.

date, high, low, close (or h, l, c); optional open (or o), and code, symbol or index, which names the series where a
file holds several. Anything else is not read.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.sources.files import columns
from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.reading import open_file

LEVELS = ("open", "high", "low", "close")
ALIASES = {
    "date": ("date",),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "code": ("code", "symbol", "index"),
}
REQUIRED = ("date", "high", "low", "close")
ROWS = 100_000


@dataclass(frozen=True, slots=True)
class SeriesBatch:
    """The rows of one series, all (R,): row number in the file from 1, date (NaT where it cannot be read), values by
    `LEVELS` (NaN where the file says nothing), unreadable: some number of the row is none; raw: as they came."""

    row: NDArray[np.int64]
    date: NDArray[np.datetime64]
    values: dict[str, NDArray[np.float64]]
    unreadable: NDArray[np.bool_]
    raw: pa.Table

    def __len__(self) -> int:
        return len(self.row)


def read(path: Path, name: str) -> SeriesBatch:
    """The rows of the series `name` in the file; PriceFileError where it is no file of index series or has not this
    one. A file without a code column holds one series, whatever its name."""
    file = open_file(path)
    try:
        twice = [column for column, count in Counter(file.columns).items() if count > 1]
        if twice:
            raise PriceFileError(f"{path.name} has the column {twice[0]} twice: leave one of them.")
        own = {column.lower().strip(): column for column in file.columns}
        found = {
            canonical: next(own[alias] for alias in aliases if alias in own)
            for canonical, aliases in ALIASES.items()
            if any(alias in own for alias in aliases)
        }
        lacks = [column for column in REQUIRED if column not in found]
        if lacks:
            raise PriceFileError(
                f"{path.name} has the columns {', '.join(file.columns[:20]) or '(none)'}: a file of an index series "
                f"needs {', '.join(REQUIRED)}, and this one lacks {', '.join(lacks)}."
            )
        tables = list(file.tables(list(found.values()), ROWS))
        broken = file.broken
    finally:
        file.close()
    if broken:
        raise PriceFileError(
            f"{path.name}, row {broken[0][0]}: a line with too many or too few fields. Nothing was recorded."
        )
    table = pa.concat_tables(tables).select(list(found.values())).rename_columns(list(found))
    return _batch(table, path, name)


def _batch(table: pa.Table, path: Path, name: str) -> SeriesBatch:
    mine = np.arange(table.num_rows)
    if "code" in table.column_names:
        words, index = columns.codes(table.column("code"), "code")
        if name not in words.tolist():
            there = ", ".join(words[:20].tolist()) or "none at all"
            raise PriceFileError(
                f"{path.name} holds no series {name!r}: choose one of {there} with --name."
            )
        mine = np.flatnonzero(index == words.tolist().index(name))
    raw = table.take(mine)
    values, unreadable = {}, np.zeros(len(mine), dtype=bool)
    for level in LEVELS:
        values[level] = np.full(len(mine), np.nan)
        if level in raw.column_names:
            values[level], wrong = columns.numbers(raw.column(level))
            unreadable |= wrong
    if "open" not in raw.column_names:
        values["open"] = values["close"]
    return SeriesBatch(mine + 1, columns.days(raw.column("date")), values, unreadable, raw)
