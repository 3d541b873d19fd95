"""Tidy files: one bar a row, with columns named after what they hold.

date, code, open, high, low, close (or o, h, l, c), volume (or v); optional name, amount, base_price, market_cap,
shares, department, segment, and market, which may name the market (kr) or the segment (KOSPI). Anything else, such as
adj_close, is not read.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.markets import market as market_named
from marketdata.sources.batches import PRICES, VALUES, BarBatch, Status
from marketdata.sources.files import columns, krx

COLUMNS = {
    "code": ("code",),
    "date": ("date",),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "v"),
    "name": ("name",),
    "market": ("market",),
    "segment": ("segment",),
    "department": ("department",),
    "amount": ("amount",),
    "base_price": ("base_price",),
    "market_cap": ("market_cap",),
    "shares": ("shares",),
}
REQUIRED = ("code", "date", *PRICES)

Coded = tuple[NDArray[np.str_], NDArray[np.int32]]


def convert(table: pa.Table, row: NDArray[np.int64], market: str) -> BarBatch:
    """Rows with canonical column names as a batch; `row` (R,) their numbers in the file."""
    size = table.num_rows
    values = {name: np.full(size, np.nan) for name in VALUES}
    unreadable = np.zeros(size, dtype=bool)
    for field in VALUES:
        if field in table.column_names:
            values[field], wrong = columns.numbers(table.column(field))
            unreadable |= wrong
    base = values["base_price"]
    values["base_price"] = np.where(base == 0, np.nan, base)
    codes = columns.codes(table.column("code"), "code")
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
        date=columns.days(table.column("date")),
        values=values,
        statuses=statuses,
        status=status,
        unreadable=unreadable,
        foreign=foreign,
        raw=table,
    )


def _segments(table: pa.Table, market: str) -> tuple[Coded, NDArray[np.bool_]]:
    """Each row's segment, and the rows that name another market or a segment unknown to this one."""
    rules = market_named(market)
    base = market.split("-")[0]
    known = set(krx.SEGMENTS if base == "kr" else rules.segments)
    foreign = np.zeros(table.num_rows, dtype=bool)
    found: Coded = columns.nothing(table.num_rows)
    for column in ("market", "segment"):
        words, index = _words(table, column)
        upper = np.char.upper(words) if len(words) else words
        own = np.array(
            [word in (base.upper(), market.upper()) for word in upper.tolist()] + [False]
        )
        right = np.array([word in known for word in upper.tolist()] + [False])
        said = index >= 0
        allowed = right | own if column == "market" else right
        foreign |= said & ~allowed[index]
        usable = np.where(right[index], index, -1)
        if (usable >= 0).any():
            found = upper, usable.astype(np.int32)
    if len(rules.segments) == 1:  # a market of one segment need not name it
        words, index = found
        words = np.append(words, rules.segments[0])
        found = words, np.where(index < 0, len(words) - 1, index).astype(np.int32)
    return found, foreign


def _statuses(
    market: str, codes: Coded, name: Coded, segment: Coded, department: Coded | None
) -> tuple[tuple[Status, ...], NDArray[np.int32]]:
    if market.split("-")[0] == "kr":
        return krx.statuses(
            krx.Words(*codes),
            krx.Words(*name),
            krx.Words(*segment),
            krx.Words(*department) if department else None,
        )
    words, index = segment
    said = [*words.tolist(), None]
    found = tuple(Status(word, None, "common", None, None) for word in said)
    return found, np.where(index < 0, len(words), index).astype(np.int32)


def _words(table: pa.Table, name: str) -> Coded:
    if name not in table.column_names:
        return columns.nothing(table.num_rows)
    return columns.words(table.column(name))
