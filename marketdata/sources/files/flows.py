"""Parser of files of investor flow: date, code, and net buying of one kind of investor or more, for each a quantity in
shares, a value in the market's currency, or both. An empty field is missing, never 0."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.panel import FLOW_FIELDS
from marketdata.sources.batches import FlowBatch
from marketdata.sources.files import spellings
from marketdata.sources.files.dates import days
from marketdata.sources.files.notation import Notation
from marketdata.sources.files.numbers import numbers

COLUMNS = spellings.spellings_of(("code", "date", *FLOW_FIELDS))
REQUIRED = ("code", "date")
MARKS = tuple(alias for name in FLOW_FIELDS for alias in (name, name.replace("_net_", "_")))


def convert(table: pa.Table, row: NDArray[np.int64], notation: Notation) -> FlowBatch:
    """Rows with canonical column names as a batch; `row` (R,) their numbers in the file. Any market has flows."""
    values = {name: np.full(table.num_rows, np.nan) for name in FLOW_FIELDS}
    unreadable = np.zeros(table.num_rows, dtype=bool)
    for name in FLOW_FIELDS:
        if name in table.column_names:
            values[name], wrong = numbers(table.column(name))
            unreadable |= wrong
    codes, code = notation.codes(table.column("code"))
    return FlowBatch(
        row=row,
        codes=codes,
        code=code,
        date=days(table.column("date"), notation.clock),
        values=values,
        unreadable=unreadable,
        raw=table,
    )
