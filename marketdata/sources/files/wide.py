"""Conversion of instruments side by side to one bar a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from marketdata.sources.files.headers import WideLayout
from marketdata.sources.files.words import is_text

FIELDS = ("open", "high", "low", "close", "volume")


def unpivot(
    table: pa.Table, row: NDArray[np.int64], wide: WideLayout, names: list[str]
) -> tuple[pa.Table, NDArray[np.int64]]:
    """The bars of `table` with the columns date, code and `FIELDS`, and the number of each bar's row. `names` are the
    columns of `table` by their position in the file. A ticker without any value on a day has no bar."""
    blocks: list[pa.Table] = []
    numbers: list[NDArray[np.int64]] = []
    for ticker, places in wide.tickers.items():
        present: Any = pa.array(np.zeros(table.num_rows, dtype=bool))
        columns: dict[str, Any] = {
            "date": table.column(names[wide.date]),
            "code": pa.array([ticker] * table.num_rows, pa.string()),
        }
        for field in FIELDS:
            if field in places:
                column = table.column(names[places[field]])
                columns[field] = column
                present = pc.or_(present, _has_value(column))
            else:
                columns[field] = pa.nulls(table.num_rows)
        rows = np.flatnonzero(present.to_numpy(zero_copy_only=False))
        blocks.append(pa.table(columns).take(rows))
        numbers.append(row[rows])
    return pa.concat_tables(blocks, promote_options="permissive"), np.concatenate(numbers)


def places(wide: WideLayout) -> list[int]:
    """The positions of the columns that `unpivot` needs."""
    positions = {wide.date}
    for columns in wide.tickers.values():
        positions.update(place for field, place in columns.items() if field in FIELDS)
    return sorted(positions)


def _has_value(column: Any) -> Any:
    valid: Any = pc.is_valid(column)
    if is_text(column.type):
        text = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
        filled: Any = pc.invert(pc.is_in(text, pa.array(["", "nan", "NaN", "-"])))
        valid = pc.and_(valid, filled)
    elif pa.types.is_floating(column.type):
        valid = pc.and_(valid, pc.fill_null(pc.invert(pc.is_nan(column)), False))
    return valid.combine_chunks() if isinstance(valid, pa.ChunkedArray) else valid
