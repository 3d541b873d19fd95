"""Parser of the head of a table of text: its delimiter, its header rows, and its columns.

A table has one row of names, or two or three where it comes from yfinance: with several instruments side by side, one
row names the field of each column and one the ticker, in either order, and a third may name the index.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from marketdata.normalization import excerpt
from marketdata.sources.files import dates
from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.spellings import SPELLINGS, YAHOO, canonical_names, normalise

DELIMITERS = (",", "\t", ";", "|")
MOST_COLUMNS = 50_000
PREAMBLE = 6
"""Rows among which the row of names is: some exports begin with a title."""

_PAIR = re.compile(r"\(\s*'(.*)',\s*'(.*)'\s*\)")


@dataclass(frozen=True, slots=True)
class WideLayout:
    """Instruments side by side: the position of the column of days, and ticker -> canonical field -> position."""

    date: int
    tickers: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Header:
    """`names` of all columns; `lines`: the number of lines before the first row of data; `wide`: the layout of a table
    with several instruments side by side."""

    names: tuple[str, ...]
    lines: int
    delimiter: str
    wide: WideLayout | None = None


def header(text: str) -> Header:
    """The header of a table that begins with `text`; PriceFileError, without the file's name, where there is none."""
    delimiter = _delimiter(text)
    rows, ends = _rows(text, delimiter)
    if not rows:
        raise PriceFileError("has no rows.")
    widest = max(map(len, rows))
    if widest > MOST_COLUMNS:
        raise PriceFileError(f"has {widest:,} columns, and {MOST_COLUMNS:,} are read: it is no table of prices.")
    first = _names_row(rows)
    heads = rows[first:]
    count, wide = _side_by_side(heads)
    if wide is not None:
        return Header(tuple(heads[0]), ends[first + count - 1], delimiter, wide)
    names = _with_index(heads)
    return Header(tuple(names), ends[first], delimiter)


def wide_of_names(names: Sequence[str]) -> WideLayout | None:
    """The wide layout of a Parquet file, in which pandas writes both names of a column as one: ('Close', 'AAPL')."""
    pairs = [_PAIR.fullmatch(name) for name in names]
    if sum(pair is not None for pair in pairs) < 4:
        return None
    upper = [pair[1] if pair else name for pair, name in zip(pairs, names, strict=True)]
    lower = [pair[2] if pair else "" for pair in pairs]
    return _wide(upper, lower) or _wide(lower, upper)


def _delimiter(text: str) -> str:
    line = next((line for line in text.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", line)
    return max(DELIMITERS, key=bare.count)


def _rows(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """The first rows that are not empty, and the number of the last line of each."""
    rows: list[list[str]] = []
    ends: list[int] = []
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                ends.append(reader.line_num)
            if len(rows) > PREAMBLE + 4:
                break
    except csv.Error as error:
        raise PriceFileError(f"does not begin with a table ({error}).") from None
    return rows, ends


def _names_row(rows: list[list[str]]) -> int:
    """The number of the row of names: the first row, unless a later one is the first with names of `spellings`."""
    for number, row in enumerate(rows[:PREAMBLE]):
        if len(canonical_names(row)) >= 3 or (number + 1 < len(rows) and _side_by_side(rows[number:])[1]):
            return number
    return 0


def _side_by_side(rows: list[list[str]]) -> tuple[int, WideLayout | None]:
    """The number of rows of names, and the layout where instruments are side by side."""
    if len(rows) < 2 or len(rows[0]) != len(rows[1]):
        return 1, None
    first, second = _filled(rows[0]), rows[1]
    if dates.is_day(second[0]):
        return 1, None
    wide = _wide(first, second) or _wide(second, first)
    if wide is None:
        return 1, None
    third = rows[2] if len(rows) > 2 else []
    is_index = len(third) > 0 and not any(third[1:]) and normalise(third[0]) in ("", *SPELLINGS["date"])
    return (3 if is_index else 2), wide


def _wide(fields: Sequence[str], tickers: Sequence[str]) -> WideLayout | None:
    """The layout of columns with these fields and tickers; None where they are no such names."""
    columns: dict[str, dict[str, int]] = {}
    day = None
    for place, (field, ticker) in enumerate(zip(fields, tickers, strict=True)):
        name = normalise(field)
        alone = name or normalise(ticker)
        if alone in SPELLINGS["date"] and (place == 0 or not (field and ticker)):
            day = place if day is None else day
        elif not (field and ticker) or (place == 0 and name not in YAHOO):
            continue  # an index, or the names of the rows of names
        elif name not in YAHOO or _is_number(ticker):
            return None
        elif name in SPELLINGS:
            columns.setdefault(ticker, {})[name] = place
    if not columns or not all("close" in places for places in columns.values()):
        return None
    if any(normalise(ticker) in YAHOO for ticker in columns):
        return None
    return WideLayout(day or 0, columns)


def _with_index(rows: list[list[str]]) -> list[str]:
    """The names, with `date` for an unnamed first column of days, which is pandas' index."""
    names = list(rows[0])
    nameless = names[0] in ("", "Unnamed: 0", "index")
    if nameless and "date" not in canonical_names(names) and len(rows) > 1 and dates.is_day(rows[1][0]):
        names[0] = "date"
    return names


def _filled(cells: list[str]) -> list[str]:
    """The cells of merged columns filled from the left, except the first column."""
    filled = list(cells)
    for place in range(2, len(filled)):
        filled[place] = filled[place] or filled[place - 1]
    return filled


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?[\d,]*\.?\d+([eE][+-]?\d+)?", text))


def list_names(names: Sequence[str], most: int = 20) -> str:
    """Up to `most` names for a message, each cut."""
    text = ", ".join(excerpt(name, 40) for name in names[:most]) or "(none)"
    return f"{text} and {len(names) - most:,} more" if len(names) > most else text
