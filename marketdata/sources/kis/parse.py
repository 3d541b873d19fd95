"""Rows from the answers of KIS. All values come as strings; blanks, `{}` rows and halted bars are normal.

Functions take the decoded body of a successful answer. A body without the list it should hold is `SourceChanged`. A
blank is a missing value, never 0: a row of daily bars without a price or the volume, or whose prices and volume
contradict each other, makes no bar, and its day counts as unanswered. The row still counts as received: paging depends
on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from statistics import median
from typing import Any, NamedTuple

from marketdata.number_format import format_number
from marketdata.sources.base import (
    InvestorFlow,
    OpenDay,
    SourceChanged,
    UnknownInstrument,
)
from marketdata.sources.daily import DailyBar, Quote, is_consistent

# Net values of `inquire-investor` are in million won, as public clients describe it; `_check_unit` tests that.
NET_VALUE_UNIT = 1_000_000
UNIT_FACTOR = 100.0
MARKET_CAP_UNIT = 100_000_000
DOWN = ("4", "5")
UP = ("1", "2")
OPEN = ("Y", "N")
BLANK = frozenset({"", "-", "--", ".", "N/A", "NA", "NULL", "NONE", "NAN"})
"""Spellings of a missing value, in capitals."""
DAY = timedelta(days=1)

Body = Mapping[str, Any]


class BarPage(NamedTuple):
    """One page of daily bars, newest first. `received` counts all rows, `oldest` is the earliest date among them.
    `spoiled`: spans of days, both included, that a row without whole values may belong to, None for an end that the
    page does not show; `partial`: the sessions of bars without amount or base price."""

    bars: list[DailyBar]
    received: int
    oldest: date | None
    spoiled: list[tuple[date | None, date | None]]
    partial: list[date]


def daily_bars(body: Body, code: str, what: str) -> BarPage:
    """A page of `inquire-daily-itemchartprice`; UnknownInstrument where KIS does not know the code."""
    rows = _rows(body, "output2", what)
    head = body.get("output1") or {}
    if not rows and not _text(head, "hts_kor_isnm"):
        if _number(head, "stck_prpr") is None:  # the answer does not show whether KIS has the code
            return BarPage([], 0, None, [(None, None)], [])
        if not _number(head, "stck_prpr"):
            # KIS answers an unknown code with success, zeros and an empty list.
            raise UnknownInstrument(f"KIS knows no instrument {code}.", code="unknown instrument")
    days = [_day(row, what) for row in rows]
    bars, partial = [], []
    spoiled: list[tuple[date | None, date | None]] = []
    for place, (row, day) in enumerate(zip(rows, days, strict=True)):
        bar = None if day is None else _bar(row, code, day)
        if bar is None:
            spoiled.append(_span(days, place))
            continue
        bars.append(bar)
        if bar.base_price is None or (bar.amount is None and bar.volume > 0):
            partial.append(bar.session)
    oldest = min((day for day in days if day is not None), default=None)
    return BarPage(bars, len(rows), oldest, spoiled, partial)


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


def _day(row: Body, what: str) -> date | None:
    text = _text(row, "stck_bsop_date")
    return _date(text, what) if text else None


def _bar(row: Body, code: str, day: date) -> DailyBar | None:
    """The bar of a row, None where a price or the volume is missing or contradicts the others."""
    names = ("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_clpr", "acml_vol")
    open_, high, low, close, volume = (_number(row, name) for name in names)
    if open_ is None or high is None or low is None or close is None or volume is None:
        return None
    if not is_consistent(open_, high, low, close, volume):
        return None
    return DailyBar(
        code=code,
        session=day,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=int(volume),
        amount=_amount(row, volume),
        base_price=_base(close, _change(row)),
    )


def _amount(row: Body, volume: float | None) -> float | None:
    """The traded value; 0 beside a volume is missing, since shares are not traded for nothing."""
    amount = _number(row, "acml_tr_pbmn")
    return None if amount == 0 and volume else amount


def _base(close: float, change: float | None) -> float | None:
    base = None if change is None else close - change
    return base if base is not None and base > 0 else None


def _change(row: Body) -> float | None:
    """The signed change: its size from the field, its sign from the sign field, for some feeds leave it unsigned; None
    where either is missing."""
    size, sign = _number(row, "prdy_vrss"), _text(row, "prdy_vrss_sign")
    if size is None:
        return None
    if sign in DOWN:
        return -abs(size)
    if sign in UP:
        return abs(size)
    if sign == "3" or size == 0:
        return 0.0
    return size if size < 0 else None


def quotes(body: Body, what: str) -> list[Quote]:
    """Today's bars of `intstock-multprice`; rows without a code are left out."""
    rows = []
    for row in _rows(body, "output", what):
        code, volume = _text(row, "inter_shrn_iscd"), _number(row, "acml_vol")
        if not code:
            continue
        rows.append(
            Quote(
                code=code,
                open=_number(row, "inter2_oprc"),
                high=_number(row, "inter2_hgpr"),
                low=_number(row, "inter2_lwpr"),
                price=_number(row, "inter2_prpr") or None,
                volume=volume,
                base_price=_number(row, "inter2_sdpr") or None,
                amount=_amount(row, volume),
            )
        )
    return rows


def flows(body: Body, code: str, what: str) -> list[InvestorFlow]:
    """Net buying per session of `inquire-investor`, newest first; a blank is None, never 0."""
    rows: list[InvestorFlow] = []
    nets: list[tuple[float | None, int | None, int | None]] = []
    for row in _rows(body, "output", what):
        day = _text(row, "stck_bsop_date")
        if not day:
            continue
        volumes = [_whole(row, f"{who}_ntby_qty") for who in ("prsn", "frgn", "orgn")]
        values = [_value(row, f"{who}_ntby_tr_pbmn") for who in ("prsn", "frgn", "orgn")]
        rows.append(InvestorFlow(code, _date(day, what), *volumes, *values))
        close = _number(row, "stck_clpr")
        nets.extend((close, qty, won) for qty, won in zip(volumes, values, strict=True))
    _check_unit(nets, what)
    return rows


def _check_unit(nets: Iterable[tuple[float | None, int | None, int | None]], what: str) -> None:
    """SourceChanged where net values are far from close x net quantity, so that the unit must have changed; `nets` are
    (close, net quantity, net value)."""
    ratios = [
        abs(won) / (close * abs(quantity))
        for close, quantity, won in nets
        # Small nets prove nothing: bought dear and sold cheap, they can have any ratio.
        if close and quantity and won is not None and close * abs(quantity) >= 10 * NET_VALUE_UNIT
    ]
    if ratios and not 1 / UNIT_FACTOR < median(ratios) < UNIT_FACTOR:
        raise SourceChanged(
            f"{what}: the unit of net values changed",
            expected=f"values in {NET_VALUE_UNIT} won, near close x quantity",
            actual=f"{format_number(median(ratios), 3)} times that",
        )


def holidays(body: Body, what: str) -> list[OpenDay]:
    """Days of `chk-holiday` and whether the exchange opens (`opnd_yn`); a day without Y or N is left out."""
    rows = ((_text(row, "bass_dt"), _text(row, "opnd_yn").upper()) for row in _rows(body, "output", what))
    return [OpenDay(_date(day, what), is_open == "Y") for day, is_open in rows if day and is_open in OPEN]


def _rows(body: Body, name: str, what: str) -> list[Body]:
    rows = body.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise SourceChanged(f"{what} changed", expected=f"a list {name}", actual=f"{sorted(body)}")
    return rows


def _text(row: Body, name: str) -> str:
    """The value as text, "" where it is missing or spelled as missing."""
    value = row.get(name)
    text = "" if value is None else str(value).strip()
    return "" if text.upper() in BLANK else text


def _number(row: Body, name: str) -> float | None:
    text = _text(row, name)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        raise SourceChanged("KIS changed", expected=f"a number in {name}", actual=text) from None
    return number if math.isfinite(number) else None


def _whole(row: Body, name: str) -> int | None:
    number = _number(row, name)
    return None if number is None else int(number)


def _value(row: Body, name: str) -> int | None:
    number = _number(row, name)
    return None if number is None else round(number * NET_VALUE_UNIT)


def _date(text: str, what: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SourceChanged(f"{what} changed", expected="a date YYYYMMDD", actual=text) from None
