"""Parser of tidy files: one bar a row, with the columns of `spellings`, in English or Korean.

date, code, open, high, low, close, volume; optional name, amount, base_price or change (close - change is the base
price), market_cap, shares, department, segment, and market, which may name the market (kr) or the segment (KOSPI).
Other columns, such as adj_close, are not read.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.markets import get_market
from marketdata.sources import krx_words
from marketdata.sources.batches import PRICES, VALUES, BarBatch, RowStatus, missing_zeros
from marketdata.sources.files import spellings
from marketdata.sources.files.dates import days
from marketdata.sources.files.notation import Notation
from marketdata.sources.files.numbers import bar_values
from marketdata.sources.files.words import no_words, words

COLUMNS = spellings.spellings_of(
    (
        *("code", "date", *PRICES),
        *("name", "market", "segment", "department"),
        *("amount", "base_price", "change", "market_cap", "shares"),
    )
)
REQUIRED = ("code", "date", *PRICES)

Coded = tuple[NDArray[np.str_], NDArray[np.int32]]


def convert(table: pa.Table, row: NDArray[np.int64], notation: Notation) -> BarBatch:
    """Rows with canonical column names as a batch; `row` (R,) their numbers in the file."""
    market = notation.market
    values, unreadable = bar_values(table, VALUES)
    codes = notation.codes(table.column("code"))
    name = _words(table, "name")
    segment, foreign = _segments(table, market)
    department = _words(table, "department") if "department" in table.column_names else None
    statuses, status = _statuses(market, codes, name, segment, department)
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
        foreign=foreign,
        raw=table,
    )


def _segments(table: pa.Table, market: str) -> tuple[Coded, NDArray[np.bool_]]:
    """Each row's segment, and a mask of rows that name another market or a segment unknown to this one."""
    rules = get_market(market)
    base = market.split("-")[0]
    market_segments = set(krx_words.SEGMENTS if base == "kr" else rules.segments)
    foreign = np.zeros(table.num_rows, dtype=bool)
    segments: Coded = no_words(table.num_rows)
    for column in ("market", "segment"):
        texts, index = _words(table, column)
        upper = np.array([krx_words.segment(word) for word in texts.tolist()], dtype=np.str_)
        is_market = np.array([word in (base.upper(), market.upper()) for word in upper.tolist()] + [False])
        is_segment = np.array([word in market_segments for word in upper.tolist()] + [False])
        allowed = is_segment | is_market if column == "market" else is_segment
        foreign |= (index >= 0) & ~allowed[index]
        usable = np.where(is_segment[index], index, -1)
        if (usable >= 0).any():
            segments = upper, usable.astype(np.int32)
    if len(rules.segments) == 1:  # a market of one segment need not name it
        names, index = segments
        names = np.append(names, rules.segments[0])
        segments = names, np.where(index < 0, len(names) - 1, index).astype(np.int32)
    return segments, foreign


def _statuses(
    market: str, codes: Coded, name: Coded, segment: Coded, department: Coded | None
) -> tuple[tuple[RowStatus, ...], NDArray[np.int32]]:
    if market.split("-")[0] == "kr":
        return krx_words.statuses(
            krx_words.Words(*codes),
            krx_words.Words(*name),
            krx_words.Words(*segment),
            krx_words.Words(*department) if department else None,
        )
    names, index = segment
    statuses = tuple(RowStatus(word, None, "common", None, None) for word in [*names.tolist(), None])
    return statuses, np.where(index < 0, len(names), index).astype(np.int32)


def _words(table: pa.Table, name: str) -> Coded:
    if name not in table.column_names:
        return no_words(table.num_rows)
    return words(table.column(name))
