"""Rows of yfinance as raw bars: Yahoo's prices and volumes are adjusted for all splits until today, its closes not for
dividends.

    factor of a bar = product of the ratios of all later splits
    raw price = price x factor, raw volume = volume / factor

Prices come in single precision; they are rounded to what it holds. A row without a price, or that contradicts itself,
is no bar, and its day counts as unanswered; so does a row on which two readings of the history disagree. A session
without a row stays without a bar. The base price is the close before, divided by the ratio of a split of that day; None
where the bars contradict a split, or where the close before is unanswered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from marketdata import breaks, codes
from marketdata.sources.base import ListedInstrument
from marketdata.sources.daily import BarAnswer, BarRequest, DailyBar, is_consistent

SEGMENT = "US"
BLANK = (math.nan, math.nan, math.nan, math.nan, math.nan)
COLUMNS = ("Open", "High", "Low", "Close", "Volume", "Stock Splits")


class Row(NamedTuple):
    """A row of the library's table: split-adjusted; `split`: new shares for an old one, 0 without a split."""

    session: date
    open: float
    high: float
    low: float
    close: float
    volume: float
    split: float


def yahoo_symbol(code: str) -> str:
    """BRK.B -> BRK-B: Yahoo writes a class with a hyphen."""
    return code.replace(".", "-")


def rows_of(table: Any) -> list[Row]:
    """The rows of the library's data frame, ascending. KeyError where a column is missing."""
    columns = [table[name].tolist() for name in COLUMNS]
    return [Row(moment.date(), *values) for moment, *values in zip(table.index, *columns, strict=True)]


def agreed_rows(first: Sequence[Row], second: Sequence[Row]) -> list[Row]:
    """The rows of two readings of one history, ascending, without values where the readings differ."""
    one, other = ({row.session: row for row in rows} for rows in (first, second))
    rows = []
    for session in sorted(one.keys() | other.keys()):
        row, twin = one.get(session), other.get(session)
        if row is None or twin is None or not all(map(_is_same, row[1:], twin[1:])):
            splits = [each.split for each in (row, twin) if each is not None and each.split > 0]
            row = Row(session, *BLANK, splits[0] if splits else 0.0)
        rows.append(row)
    return rows


def bar_answer(rows: Sequence[Row], request: BarRequest, read_at: float) -> BarAnswer:
    """The raw bars of the request; `rows` begin before it where there are bars, and end today."""
    factor, raw = 1.0, []
    for row in reversed(rows):
        raw.append((row, _bar(row, request.code, factor)))
        factor *= row.split if row.split > 0 else 1.0
    bars: list[DailyBar] = []
    spoiled: list[tuple[date, date]] = []
    partial: list[date] = []
    before, ratio, is_gap = None, 1.0, False
    for row, bar in reversed(raw):
        ratio *= row.split if row.split > 0 else 1.0
        if bar is None:
            is_gap = True
            if request.start <= row.session <= request.end:
                spoiled.append((row.session, row.session))
            continue
        if before is not None:
            is_doubtful = breaks.contradicts(bar.close / before.close, 1 / ratio, None)
            if is_doubtful or is_gap:
                partial.append(bar.session)
            if not is_doubtful and (not is_gap or ratio != 1.0):
                bar = bar._replace(base_price=round(before.close / ratio, 6))
        before, ratio, is_gap = bar, 1.0, False
        if request.start <= bar.session <= request.end:
            bars.append(bar)
    partial = [day for day in partial if request.start <= day <= request.end]
    return BarAnswer(bars, tuple(spoiled), tuple(partial), read_at)


def listed_instruments(symbols: Iterable[str]) -> list[ListedInstrument]:
    """The instruments of a setting, by code; their kind is not known and taken as common stock."""
    return [
        ListedInstrument(code=code, name=code, segment=SEGMENT)
        for code in sorted({codes.spell_code("us", symbol) for symbol in symbols})
    ]


def _is_same(value: float, other: float) -> bool:
    return value == other or (math.isnan(value) and math.isnan(other))


def _bar(row: Row, code: str, factor: float) -> DailyBar | None:
    values = (row.open, row.high, row.low, row.close, row.volume)
    if not all(math.isfinite(value) for value in values):
        return None
    open_, high, low, close = (_single(price * factor) for price in values[:4])
    volume = round(row.volume / factor)
    if not is_consistent(open_, high, low, close, volume):
        return None
    return DailyBar(code, row.session, open_, high, low, close, volume, segment=SEGMENT)


def _single(price: float) -> float:
    """The price without the noise of single precision, which has seven digits."""
    return round(price, 4 if price < 100 else 3 if price < 1_000 else 2)
