"""Parser of factor-event files: date, code, ratio = base price of the session / raw close of the session before."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.sources.batches import EventBatch
from marketdata.sources.files import spellings
from marketdata.sources.files.dates import days
from marketdata.sources.files.notation import Notation
from marketdata.sources.files.numbers import numbers

COLUMNS = spellings.spellings_of(("code", "date", "ratio"))
REQUIRED = ("code", "date", "ratio")


def convert(table: pa.Table, row: NDArray[np.int64], notation: Notation) -> EventBatch:
    """Rows with canonical column names as a batch; `row` (R,) their numbers in the file. Any market has events."""
    codes, code = notation.codes(table.column("code"))
    ratio, wrong = numbers(table.column("ratio"), percent=True)
    return EventBatch(
        row=row,
        codes=codes,
        code=code,
        date=days(table.column("date"), notation.clock),
        ratio=np.where(wrong, np.nan, ratio),
        raw=table,
    )
