"""Parser of the marcap data set: the exchange's own daily list of every KRX instrument.

It spells the column of the day's change in percent `ChangesRatio` in new files and `ChagesRatio` in old ones; neither
is read, since there is the change in won: base price = Close - Changes. Numbers may be text ("83000.0").
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.sources import krx_words
from marketdata.sources.batches import BarBatch, missing_zeros
from marketdata.sources.files import spellings
from marketdata.sources.files.dates import days
from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.notation import Notation
from marketdata.sources.files.numbers import bar_values
from marketdata.sources.files.words import no_words, words

MARKS = ("marcap", "changes", "changecode")
COLUMNS = spellings.spellings_of(
    (
        *("code", "date", "open", "high", "low", "close", "volume", "market", "name", "department"),
        *("change", "amount", "market_cap", "shares"),
    ),
    spellings.MARCAP,
)
REQUIRED = ("code", "date", "open", "high", "low", "close", "volume", "market")

_NUMBERS = ("open", "high", "low", "close", "volume", "amount", "market_cap", "shares")


def convert(table: pa.Table, row: NDArray[np.int64], notation: Notation) -> BarBatch:
    """Rows with canonical column names as a batch; `row` (R,) their numbers in the file."""
    market = notation.market
    if market.split("-")[0] != "kr":
        raise PriceFileError(
            f"a marcap file lists the Korean exchange and does not fit market {market}; import it with --market kr."
        )
    values, unreadable = bar_values(table, _NUMBERS)
    names, codes = table.column_names, notation.codes(table.column("code"))
    name = words(table.column("name")) if "name" in names else no_words(table.num_rows)
    segment = words(table.column("market"))
    department = krx_words.Words(*words(table.column("department"))) if "department" in names else None
    statuses, status = krx_words.statuses(
        krx_words.Words(*codes), krx_words.Words(*name), krx_words.Words(*segment), department
    )
    is_segment = np.array([*(word in krx_words.SEGMENTS for word in segment[0].tolist()), False])
    return BarBatch(
        row=row,
        codes=codes[0],
        code=codes[1],
        names=name[0],
        name=name[1],
        date=days(table.column("date"), notation.clock),
        values=missing_zeros(values),
        statuses=statuses,
        status=status,
        unreadable=unreadable,
        foreign=~is_segment[segment[1]],
        raw=table,
    )
