"""Batches of rows for the record: columns in one canonical form for every file and every exchange.

Words are coded: a column of indexes into a table of distinct words, -1 where a value is missing.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.panel import FLOW_FIELDS

PRICES = ("open", "high", "low", "close", "volume")
OPTIONAL = ("amount", "base_price", "market_cap", "shares")
VALUES = (*PRICES, *OPTIONAL)


def missing_zeros(values: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """The columns of bars with NaN for a 0 that can only mean missing: an amount of 0 beside a volume, since shares are
    not traded for nothing, and a base price, market cap or number of shares of 0."""
    columns = dict(values)
    for name in ("base_price", "market_cap", "shares"):
        column = columns[name]
        if (column == 0).any():
            columns[name] = np.where(column == 0, np.nan, column)
    for_nothing = (columns["amount"] == 0) & (columns["volume"] > 0)
    if for_nothing.any():
        columns["amount"] = np.where(for_nothing, np.nan, columns["amount"])
    return columns


class RowStatus(NamedTuple):
    """The status of an instrument by one row; None for each part that the row lacks."""

    segment: str | None
    department: str | None
    kind: str | None
    managed: bool | None
    caution: bool | None
    halted: bool | None = None
    warning: str | None = None

    @property
    def is_silent(self) -> bool:
        """Whether every part is missing."""
        return all(part is None for part in self)

    @property
    def is_full(self) -> bool:
        """Whether no part that membership depends on is missing."""
        return all(part is not None for part in self[:5])


@dataclass(frozen=True, slots=True)
class BarBatch:
    """R rows of a file, all columns (R,).

    row         number of the row in the file, from 1
    code        index into `codes` (distinct, ascending); -1 where the code is missing
    name        index into `names`; -1 where there is none
    date        datetime64[D]; NaT where it cannot be read
    values      a float64 array for each of `VALUES`; NaN where a value is missing
    status      index into `statuses`
    unreadable  some number of the row is not a number
    foreign     the row names another market, or a segment that this one does not have
    raw         the rows as the file has them, for the reject file
    """

    row: NDArray[np.int64]
    codes: NDArray[np.str_]
    code: NDArray[np.int32]
    names: NDArray[np.str_]
    name: NDArray[np.int32]
    date: NDArray[np.datetime64]
    values: dict[str, NDArray[np.float64]]
    statuses: tuple[RowStatus, ...]
    status: NDArray[np.int32]
    unreadable: NDArray[np.bool_]
    foreign: NDArray[np.bool_]
    raw: pa.Table

    def __len__(self) -> int:
        return len(self.code)

    def without_zeros(self) -> BarBatch:
        """The same rows with NaN for a 0 that means missing (`missing_zeros`)."""
        return replace(self, values=missing_zeros(self.values))

    def take(self, rows: NDArray[np.integer]) -> BarBatch:
        """The rows at these positions, in this order; `raw` is empty."""
        return BarBatch(
            row=self.row[rows],
            codes=self.codes,
            code=self.code[rows],
            names=self.names,
            name=self.name[rows],
            date=self.date[rows],
            values={name: column[rows] for name, column in self.values.items()},
            statuses=self.statuses,
            status=self.status[rows],
            unreadable=self.unreadable[rows],
            foreign=self.foreign[rows],
            raw=self.raw.slice(0, 0),
        )


@dataclass(frozen=True, slots=True)
class EventBatch:
    """R factor events: `ratio` = base price of `date` / raw close of the session before; the rest as in `BarBatch`."""

    row: NDArray[np.int64]
    codes: NDArray[np.str_]
    code: NDArray[np.int32]
    date: NDArray[np.datetime64]
    ratio: NDArray[np.float64]
    raw: pa.Table

    def __len__(self) -> int:
        return len(self.code)


@dataclass(frozen=True, slots=True)
class FlowBatch:
    """R rows of investor flow; the rest as in `BarBatch`.

    values      a float64 array for each of `FLOW_FIELDS`, raw shares or the market's currency, negative where more was
                sold; NaN where a value is missing
    """

    row: NDArray[np.int64]
    codes: NDArray[np.str_]
    code: NDArray[np.int32]
    date: NDArray[np.datetime64]
    values: dict[str, NDArray[np.float64]]
    unreadable: NDArray[np.bool_]
    raw: pa.Table

    def __len__(self) -> int:
        return len(self.code)

    def take(self, rows: NDArray[np.integer]) -> FlowBatch:
        """The rows at these positions, in this order; `raw` is empty."""
        return FlowBatch(
            row=self.row[rows],
            codes=self.codes,
            code=self.code[rows],
            date=self.date[rows],
            values={name: column[rows] for name, column in self.values.items()},
            unreadable=self.unreadable[rows],
            raw=self.raw.slice(0, 0),
        )

    @classmethod
    def of(
        cls, codes: Sequence[str], days: Sequence[datetime.date], values: Mapping[str, Sequence[float | None]]
    ) -> FlowBatch:
        """A batch of columns as Python values; names of `FLOW_FIELDS` that are not among `values` are missing."""
        words, code = np.unique(np.array(codes, dtype=np.str_), return_inverse=True)
        missing = [None] * len(codes)
        columns = {name: np.array(values.get(name, missing), dtype=np.float64) for name in FLOW_FIELDS}
        raw: dict[str, Any] = {"code": list(codes), "date": list(days), **columns}
        return cls(
            row=np.arange(1, len(codes) + 1),
            codes=words,
            code=code.astype(np.int32),
            date=np.array(days, dtype="datetime64[D]"),
            values=columns,
            unreadable=np.any([np.isinf(column) for column in columns.values()], axis=0),
            raw=pa.table(raw),
        )
