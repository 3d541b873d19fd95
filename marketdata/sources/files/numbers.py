"""Parser of numbers: the notations of files -> float64.

1. Arrow reads plain numbers, a whole column at once.
2. The rest are numbers with thousands (68,000), also at once.
3. The rest of these are in the notations of `_number`, each distinct text once.

There is no guessing. A comma that does not divide thousands (1,5) is no number, nor is a percentage in a column of
prices; a text for a missing value is missing, never 0.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from marketdata.sources.batches import VALUES
from marketdata.sources.files.words import Column, is_text, words

NOTHING = (
    *("", "-", "--", "–", "—", "nan", "NaN", "NAN", "None", "none", "null", "NULL", "Null"),
    *("N/A", "n/a", "NA", "#N/A", "<NA>", "NaT"),
)
"""Texts for a missing number."""
SCALES = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
"""Suffixes of investing.com."""
CURRENCIES = "$₩￦€"

_PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_GROUPED = r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"
_SCALED = re.compile(r"(.+?)\s*([KMBTkmbt])")


def numbers(column: Column, *, percent: bool = False) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The numbers as float64, NaN where missing; and a mask of cells that are not a finite number. With `percent`, 50%
    is 0.5; without, it is no number."""
    if is_text(column.type):
        return _in_text(column, percent=percent)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        try:
            column = pc.cast(column, pa.float64())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return np.full(len(column), np.nan), np.ones(len(column), dtype=bool)
    values: NDArray[np.float64] = (
        column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    )
    values = values.astype(np.float64, copy=False)
    infinite = np.isinf(values)
    return (np.where(infinite, np.nan, values) if infinite.any() else values), infinite


def _in_text(column: Column, *, percent: bool) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    text: Any = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
    text = pc.if_else(pc.is_in(text, pa.array(NOTHING)), pa.scalar(None, pa.string()), text)
    try:
        return numbers(pc.cast(text, pa.float64()))
    except pa.ArrowInvalid:
        pass
    grouped = pc.match_substring_regex(text, _GROUPED)
    bare = pc.if_else(grouped, pc.replace_substring(text, ",", ""), text)
    is_plain = pc.match_substring_regex(bare, _PLAIN)
    plain = pc.if_else(is_plain, bare, pa.scalar(None, pa.string()))
    values, wrong = numbers(pc.cast(plain, pa.float64()))
    left = pc.if_else(is_plain, pa.scalar(None, pa.string()), text)
    if left.null_count == len(left):
        return values, wrong
    texts, index = words(left, blank=NOTHING)
    read = np.array([*(_number(word, percent=percent) for word in texts.tolist()), np.nan])
    rest = index >= 0
    return np.where(rest, read[index], values), wrong | (rest & np.isnan(read[index]))


def _number(text: str, *, percent: bool) -> float:
    """The number of a text with full-width digits, quotes, blanks, currencies, a scale (980.1K), or accounting's
    parentheses; NaN for any other."""
    plain = unicodedata.normalize("NFKC", text).replace("\N{MINUS SIGN}", "-").strip("'\" ")
    negative = re.fullmatch(r"\((.*)\)", plain)
    plain = (negative[1] if negative else plain).strip(CURRENCIES + " ").removesuffix("원").strip()
    scale = 1.0
    if percent and plain.endswith("%"):
        plain, scale = plain[:-1].strip(), 0.01
    scaled = _SCALED.fullmatch(plain)
    if scaled:
        plain, scale = scaled[1], SCALES[scaled[2].upper()]
    if re.match(r"[+-]?\d{1,3}(?:[ ,]\d{3})+(?:\.|$)", plain):
        plain = plain.replace(",", "").replace(" ", "")
    if not re.match(_PLAIN, plain):
        return np.nan
    number = float(plain) * scale * (-1 if negative else 1)
    return round(number, 6) if scale > 1 and np.isfinite(number) else number


def bar_values(table: pa.Table, names: Sequence[str]) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.bool_]]:
    """The `names` that are columns of `table`, by name, all of `VALUES`, (R,) each, NaN where missing, and a mask of
    rows with an unreadable number. Without a column base_price it is close less change."""
    values = {name: np.full(table.num_rows, np.nan) for name in VALUES}
    unreadable = np.zeros(table.num_rows, dtype=bool)
    for name in names:
        if name in table.column_names:
            values[name], wrong = numbers(table.column(name))
            unreadable |= wrong
    if "change" in table.column_names and "base_price" not in table.column_names:
        change, wrong = numbers(table.column("change"))
        values["base_price"] = values["close"] - change
        unreadable |= wrong
    return values, unreadable
