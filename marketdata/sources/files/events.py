"""Factor-event files: date, code, ratio, where ratio = base price of the session / raw close of the one before."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.sources.batches import EventBatch
from marketdata.sources.files import columns

COLUMNS = {"code": ("code",), "date": ("date",), "ratio": ("ratio",)}
REQUIRED = ("code", "date", "ratio")


def convert(table: pa.Table, row: NDArray[np.int64], market: str) -> EventBatch:
    """Rows with canonical column names as a batch; `row` (R,) their numbers in the file. Any market has events."""
    del market
    codes, code = columns.codes(table.column("code"), "code")
    ratio, wrong = columns.numbers(table.column("ratio"))
    return EventBatch(
        row=row,
        codes=codes,
        code=code,
        date=columns.days(table.column("date")),
        ratio=np.where(wrong, np.nan, ratio),
        raw=table,
    )
