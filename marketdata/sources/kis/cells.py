"""Cells and rows of KIS answers: all values come as strings; a blank is missing, never 0.

A row of daily bars without a price or the volume, or whose prices and volume contradict each other, makes no bar, and
its day counts as unanswered. The row still counts as received: paging depends on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from marketdata.sources.base import SourceChanged
from marketdata.sources.daily import DailyBar, Quote, Valuation, is_consistent, is_price_of

DOWN = ("4", "5")
UP = ("1", "2")
BLANK = frozenset({"", "-", "--", ".", "N/A", "NA", "NULL", "NONE", "NAN"})
"""Spellings of a missing value, in capitals."""
DAY = timedelta(days=1)

Body = Mapping[str, Any]


class BarPage(NamedTuple):
    """One page of daily bars, newest first. `received` counts all rows, `oldest` is the earliest date among them.
    `spoiled`: spans of days, both included, that a row without whole values may belong to, None for an end that the
    page does not show; `partial`: the sessions of bars without amount or base price; `valuation`: that of
    the answer's head."""

    bars: list[DailyBar]
    received: int
    oldest: date | None
    spoiled: list[tuple[date | None, date | None]]
    partial: list[date]
    valuation: Valuation | None = None


def page_of(rows: Sequence[Body], days: list[date | None], bar: Callable[[Body, date], DailyBar | None]) -> BarPage:
    """The page of `rows`, newest first, whose days are `days`; `bar` makes the bar of a row, or None. A row that
    repeats the one before it is left out; two rows that are not newest first make no bar, since the day of either may
    be wrong."""
    repeats = {at for at in range(1, len(rows)) if rows[at] == rows[at - 1] and days[at] is not None}
    received, rows = len(rows), [row for at, row in enumerate(rows) if at not in repeats]
    days = _ordered([day for at, day in enumerate(days) if at not in repeats])
    bars, partial = [], []
    spoiled: list[tuple[date | None, date | None]] = []
    for place, (row, day) in enumerate(zip(rows, days, strict=True)):
        row_bar = None if day is None else bar(row, day)
        if row_bar is None:
            spoiled.append(_span(days, place))
            continue
        bars.append(row_bar)
        if row_bar.base_price is None or (row_bar.amount is None and row_bar.volume > 0):
            partial.append(row_bar.session)
    oldest = min((day for day in days if day is not None), default=None)
    return BarPage(bars, received, oldest, spoiled, partial)


def _ordered(days: list[date | None]) -> list[date | None]:
    """`days` with None in the place of two that do not descend."""
    result, before = list(days), None
    for at, day in enumerate(days):
        if day is None:
            continue
        if before is not None and day >= days[before]:  # type: ignore[operator]
            result[before] = result[at] = None
        before = at
    return result


def _span(days: list[date | None], place: int) -> tuple[date | None, date | None]:
    """The days that the row at `place` may belong to: its own, or those between its neighbours, newest first."""
    day = days[place]
    if day is not None:
        return day, day
    newer = next((other for other in reversed(days[:place]) if other is not None), None)
    older = next((other for other in days[place + 1 :] if other is not None), None)
    if newer is not None and older is not None and newer <= older:
        return None, None  # not in the order of days: it may be any
    return older and older + DAY, newer and newer - DAY


def bar_of(
    row: Body, code: str, day: date, names: Sequence[str], amount: str, change: tuple[str, str]
) -> DailyBar | None:
    """The bar of a row: `names` are those of its open, high, low, close and volume, `change` those of the change and of
    its sign. None where a price or the volume is missing or contradicts the others."""
    open_, high, low, close, volume = (number_of(row, name) for name in names)
    if open_ is None or high is None or low is None or close is None or volume is None:
        return None
    if not is_consistent(open_, high, low, close, volume):
        return None
    value = amount_of(row, amount, volume)
    if value is not None and not is_price_of(value, volume, low, high):
        return None
    signed = change_of(row, *change)
    base = None if signed is None else round(close - signed, 6)
    return DailyBar(
        code=code,
        session=day,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=int(volume),
        amount=value,
        base_price=base if base is not None and base > 0 else None,
    )


def quote_of(row: Body, code: str, names: Sequence[str], amount: str, base: str) -> Quote:
    """Today's bar of a row: `names` are those of its open, high, low, last price and volume. A last or base price of 0
    is missing."""
    open_, high, low, price, volume = (number_of(row, name) for name in names)
    return Quote(
        code=code,
        open=open_,
        high=high,
        low=low,
        price=price or None,
        volume=volume,
        base_price=number_of(row, base) or None,
        amount=amount_of(row, amount, volume),
    )


def amount_of(row: Body, name: str, volume: float | None) -> float | None:
    """The traded value; 0 beside a volume is missing, since shares are not traded for nothing."""
    amount = number_of(row, name)
    return None if amount == 0 and volume else amount


def change_of(row: Body, name: str, sign_name: str) -> float | None:
    """The signed change: its size from the field, its sign from the sign field, for some feeds leave it unsigned; None
    where either is missing."""
    size, sign = number_of(row, name), text_of(row, sign_name)
    if size is None:
        return None
    if sign in DOWN:
        return -abs(size)
    if sign in UP:
        return abs(size)
    if sign == "3" or size == 0:
        return 0.0
    return size if size < 0 else None


def list_of(body: Body, name: str, what: str) -> list[Body]:
    rows = body.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise SourceChanged(f"{what} changed", expected=f"a list {name}", actual=f"{sorted(body)}")
    return rows


def text_of(row: Body, name: str) -> str:
    """The value as text, "" where it is missing or spelled as missing."""
    value = row.get(name)
    text = "" if value is None else str(value).strip()
    return "" if text.upper() in BLANK else text


def number_of(row: Body, name: str) -> float | None:
    text = text_of(row, name)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        raise SourceChanged("KIS changed", expected=f"a number in {name}", actual=text) from None
    return number if math.isfinite(number) else None


def date_of(text: str, what: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SourceChanged(f"{what} changed", expected="a date YYYYMMDD", actual=text) from None
