"""Bars and flows as columns, on their way into the record (`WriteBatch`) and out of it (`Rows`)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.models import InstitutionalFlow, StockPrice
from marketdata.panel import FLOW_FIELDS

PRICES = ("open", "high", "low", "close", "volume")
OPTIONAL = ("amount", "base_price", "market_cap", "shares")
COLUMNS = (*PRICES, *OPTIONAL)
"""The values of a bar. Those of `PRICES` are never NULL; of the others NaN means NULL."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the record that is read and written by the column: its name in the database, the columns of values
    and those of them that are never NULL."""

    name: str
    columns: tuple[str, ...]
    always: tuple[str, ...] = ()


BAR_TABLE = Table(StockPrice._meta.db_table, COLUMNS, PRICES)
FLOW_TABLE = Table(InstitutionalFlow._meta.db_table, FLOW_FIELDS)


@dataclass(frozen=True, slots=True)
class Rows:
    """R recorded bars or flows in no particular order; all columns (R,).

    `code` indexes `codes` (ascending, unique), `source` indexes `sources` (ascending, unique); `date` is
    datetime64[D]; `values` holds a float64 array for each of its table's columns, NaN where the record has NULL.
    """

    codes: NDArray[np.str_]
    code: NDArray[np.int32]
    date: NDArray[np.datetime64]
    sources: NDArray[np.str_]
    source: NDArray[np.int32]
    values: dict[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.code)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A column by name: code, date, source (spelled out) or one of `values`."""
        if name == "code":
            return self.codes[self.code]
        if name == "source":
            return self.sources[self.source]
        return self.date if name == "date" else self.values[name]

    def preferred(self, orders: Mapping[datetime.date, Sequence[str]]) -> NDArray[np.intp]:
        """Positions of the preferred rows, by (code, date): one for each pair, of the source that is first in the order
        of its session."""
        rank = np.zeros(len(self), dtype=np.int64)
        names = self.sources.tolist()
        for session, sources in orders.items():
            on_session = self.date == np.datetime64(session)
            places = [sources.index(name) if name in sources else 0 for name in names]
            rank[on_session] = np.array(places)[self.source[on_session]]
        order = np.lexsort((rank, self.date, self.code))
        code, day = self.code[order], self.date[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (code[1:] != code[:-1]) | (day[1:] != day[:-1])
        return order[first]

    @classmethod
    def of_arrow(cls, table: pa.Table, columns: tuple[str, ...]) -> Self:
        """From columns code, date (date32), source and the values' `columns`."""
        codes, code = dictionary_index(table.column("code"))
        sources, source = dictionary_index(table.column("source"))
        return cls(
            codes=codes,
            code=code,
            date=table.column("date").to_numpy().astype("datetime64[D]"),
            sources=sources,
            source=source,
            values={
                name: table.column(name).to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
                for name in columns
            },
        )


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """W bars or flows of one source to be written, sorted by (code, date) where the caller can, since that is the order
    the indexes like. `code` (W,) indexes `codes`; `values` as in `Rows`."""

    codes: NDArray[np.str_]
    code: NDArray[np.int32]
    date: NDArray[np.datetime64]
    values: dict[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.code)

    def take(self, rows: NDArray[np.integer]) -> WriteBatch:
        """The rows at these positions, in this order, as copies."""
        return WriteBatch(
            self.codes, self.code[rows], self.date[rows], {name: column[rows] for name, column in self.values.items()}
        )

    def slice(self, start: int, stop: int) -> WriteBatch:
        """Rows start..stop as views."""
        return WriteBatch(
            self.codes,
            self.code[start:stop],
            self.date[start:stop],
            {name: column[start:stop] for name, column in self.values.items()},
        )

    def filled_columns(self, table: Table) -> tuple[str, ...]:
        """The columns of `table` with a value in any row."""
        return tuple(
            name for name in table.columns if name in table.always or not bool(np.isnan(self.values[name]).all())
        )


def dictionary_index(column: pa.ChunkedArray[Any]) -> tuple[NDArray[np.str_], NDArray[np.int32]]:
    """A text column as its distinct values in ascending order and, for each row, the index into them."""
    combined: Any = column.combine_chunks()
    encoded: Any = combined if pa.types.is_dictionary(combined.type) else combined.dictionary_encode()
    names = np.array(encoded.dictionary.to_pylist(), dtype=np.str_)
    order = np.argsort(names)
    rank = np.empty(len(names), dtype=np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    index = encoded.indices.to_numpy()
    return names[order], rank[index] if len(names) else np.empty(0, np.int32)
