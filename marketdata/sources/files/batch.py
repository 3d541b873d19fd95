"""What a price file becomes: columns in one canonical form, whatever the file calls them.

Words are coded: a column of indexes into a table of distinct words, -1 where the file says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.sources.base import SourceRefused

PRICES = ("open", "high", "low", "close", "volume")
OPTIONAL = ("amount", "base_price", "market_cap", "shares")
VALUES = (*PRICES, *OPTIONAL)


class PriceFileError(SourceRefused):
    """A file that cannot be imported; the message says which, why and what to do."""


class Status(NamedTuple):
    """What a row says of its instrument besides prices; None where it does not say."""

    segment: str | None
    department: str | None
    kind: str | None
    managed: bool | None
    caution: bool | None

    @property
    def is_silent(self) -> bool:
        """It says nothing at all."""
        return all(part is None for part in self)

    @property
    def is_full(self) -> bool:
        """It says everything."""
        return all(part is not None for part in self)


@dataclass(frozen=True, slots=True)
class BarBatch:
    """R rows of a file, all columns (R,).

    row         number of the row in the file, from 1
    code        index into `codes` (distinct, ascending); -1 where the code is missing
    name        index into `names`; -1 where there is none
    date        datetime64[D]; NaT where it cannot be read
    values      a float64 array for each of `VALUES`; NaN where the file says nothing
    status      index into `statuses`
    unreadable  some number of the row is not a number
    foreign     the row says that it belongs to another market, or to a segment this one does not have
    raw         the rows as they came, for the reject file
    """

    row: NDArray[np.int64]
    codes: NDArray[np.str_]
    code: NDArray[np.int32]
    names: NDArray[np.str_]
    name: NDArray[np.int32]
    date: NDArray[np.datetime64]
    values: dict[str, NDArray[np.float64]]
    statuses: tuple[Status, ...]
    status: NDArray[np.int32]
    unreadable: NDArray[np.bool_]
    foreign: NDArray[np.bool_]
    raw: pa.Table

    def __len__(self) -> int:
        return len(self.code)

    def take(self, rows: NDArray[np.integer]) -> BarBatch:
        """The rows at these positions, in this order, without what they looked like (`raw` is empty)."""
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
