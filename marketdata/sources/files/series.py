"""Parser of files of index series: one session of an index a row.

date, high, low, close (or h, l, c); optional open (or o), and code, symbol or index, which names the series where a
file has several. Other columns are not read.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.nearest_name import did_you_mean
from marketdata.normalization import excerpt, nfc
from marketdata.sources.files import spellings, wide
from marketdata.sources.files.containers import open_file
from marketdata.sources.files.dates import days, orders
from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.headers import list_names
from marketdata.sources.files.notation import Notation
from marketdata.sources.files.numbers import numbers
from marketdata.sources.files.price_file import PriceFile
from marketdata.sources.files.words import words

LEVELS = ("open", "high", "low", "close")
ALIASES = {**spellings.spellings_of(("date", *LEVELS)), "code": (*spellings.SPELLINGS["code"], "index", "지수명")}
REQUIRED = ("date", "high", "low", "close")
ROWS = 100_000
MOST_ROWS = 2_000_000


@dataclass(frozen=True, slots=True)
class SeriesBatch:
    """The rows of one series, all (R,): row number in the file from 1, date (NaT where it cannot be read), values by
    `LEVELS` (NaN where missing), unreadable: some number of the row is none; raw: the rows as the file has them."""

    row: NDArray[np.int64]
    date: NDArray[np.datetime64]
    values: dict[str, NDArray[np.float64]]
    unreadable: NDArray[np.bool_]
    raw: pa.Table

    def __len__(self) -> int:
        return len(self.row)


def read(path: Path, name: str, market: str) -> SeriesBatch:
    """The rows of the series `name` in the file, its days on the clock of `market`; PriceFileError where it is no file
    of index series or lacks this one. A file without a code column is one series of any name."""
    file = open_file(path)
    try:
        table = _table(file)
        broken = file.broken
    finally:
        file.close()
    if broken:
        raise PriceFileError(
            f"{path.name}, row {broken[0][0]}: a line with too many or too few fields. Nothing was recorded."
        )
    try:
        return _batch(table, path, nfc(name), market)
    except PriceFileError as error:
        message = str(error)
        raise PriceFileError(message if path.name in message else f"{path.name}: {message}") from error


def _table(file: PriceFile) -> pa.Table:
    """The rows under canonical names."""
    names = file.names
    if file.wide is not None:
        columns = [names[place] for place in wide.places(file.wide)]
        raw = pa.concat_tables(file.tables(columns, ROWS), promote_options="permissive")
        return wide.unpivot(raw, np.arange(raw.num_rows), file.wide, names)[0]
    own = [spellings.normalise(column) for column in file.columns]
    positions = {
        canonical: next(own.index(alias) for alias in aliases if alias in own)
        for canonical, aliases in ALIASES.items()
        if any(alias in own for alias in aliases)
    }
    twice = [column for column, count in Counter(own).items() if count > 1]
    doubled = next((place for place in positions.values() if own[place] in twice), None)
    if doubled is not None:
        raise PriceFileError(
            f"{file.path.name} has the column {excerpt(file.columns[doubled], 40)} twice: leave one of them."
        )
    lacks = [column for column in REQUIRED if column not in positions]
    if lacks:
        raise PriceFileError(
            f"{file.path.name} has the columns {list_names(file.columns)}: a file of an index series needs "
            f"{', '.join(REQUIRED)}, and this one lacks {', '.join(lacks)}."
        )
    columns = [names[place] for place in positions.values()]
    tables: list[pa.Table] = []
    for table in file.tables(columns, ROWS):
        tables.append(table)
        if sum(part.num_rows for part in tables) > MOST_ROWS:
            raise PriceFileError(f"{file.path.name} has more than {MOST_ROWS:,} rows: it is no file of index series.")
    if not tables:
        raise PriceFileError(f"{file.path.name} has columns but no rows.")
    return pa.concat_tables(tables).select(columns).rename_columns(list(positions))


def _batch(table: pa.Table, path: Path, name: str, market: str) -> SeriesBatch:
    rows = np.arange(table.num_rows)
    if "code" in table.column_names:
        series, index = words(table.column("code"))
        if name not in series.tolist():
            names = list_names(series.tolist()) if len(series) else "none at all"
            raise PriceFileError(
                f"{path.name} has no series {name!r}: choose one of {names} with --name."
                f"{did_you_mean(name, series.tolist())}"
            )
        rows = np.flatnonzero(index == series.tolist().index(name))
    raw = table.take(rows)
    values, unreadable = {}, np.zeros(len(rows), dtype=bool)
    for level in LEVELS:
        values[level] = np.full(len(rows), np.nan)
        if level in raw.column_names:
            values[level], wrong = numbers(raw.column(level))
            unreadable |= wrong
    if "open" not in raw.column_names:
        values["open"] = values["close"]
    notation = Notation.of(market)
    if orders(raw.column("date")):
        notation.decide_order(lambda _: iter([raw.column("date")]))
    return SeriesBatch(rows + 1, days(raw.column("date"), notation.clock), values, unreadable, raw)
