"""Rows from the answers of KIS. All values come as strings; blanks, `{}` rows and halted bars are normal.

Functions take the decoded body of a successful answer. A body without the list it should hold is `SourceChanged`; a
row that is empty or has no date or no close is dropped (and still counts as received: paging depends on it).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from statistics import median
from typing import Any, NamedTuple

from marketdata.number_format import format_number
from marketdata.sources.base import (
    InvestorFlow,
    OpenDay,
    SourceChanged,
    UnknownInstrument,
)
from marketdata.sources.daily import DailyBar, Quote

# Net values of `inquire-investor` come in million won, as public clients describe it; `_check_unit` would show it.
NET_VALUE_UNIT = 1_000_000
UNIT_FACTOR = 100.0
MARKET_CAP_UNIT = 100_000_000
DOWN = ("4", "5")
UP = ("1", "2")
OPEN = ("Y", "N")

Body = Mapping[str, Any]


class BarPage(NamedTuple):
    """One page of daily bars, newest first. `received` counts rows as they came, `oldest` is their last date."""

    bars: list[DailyBar]
    received: int
    oldest: date | None


def daily_bars(body: Body, code: str, what: str) -> BarPage:
    """A page of `inquire-daily-itemchartprice`; UnknownInstrument where KIS does not know the code."""
    rows = _rows(body, "output2", what)
    head = body.get("output1") or {}
    if not rows and not _text(head, "hts_kor_isnm") and not _number(head, "stck_prpr"):
        # An unknown code is answered with success, zeros and an empty list: not the same as no bars.
        raise UnknownInstrument(f"KIS knows no instrument {code}.", code="unknown instrument")
    bars = [bar for bar in (_bar(row, code, what) for row in rows) if bar is not None]
    return BarPage(bars, len(rows), min((bar.session for bar in bars), default=None))


def _bar(row: Body, code: str, what: str) -> DailyBar | None:
    day, close = _text(row, "stck_bsop_date"), _number(row, "stck_clpr")
    if not day or not close:
        return None
    change = _change(row)
    return DailyBar(
        code=code,
        session=_date(day, what),
        open=_number(row, "stck_oprc") or 0.0,
        high=_number(row, "stck_hgpr") or 0.0,
        low=_number(row, "stck_lwpr") or 0.0,
        close=close,
        volume=int(_number(row, "acml_vol") or 0),
        amount=_number(row, "acml_tr_pbmn"),
        base_price=None if change is None else close - change,
    )


def _change(row: Body) -> float | None:
    """The signed change: its size from the field, its sign from the sign field, for some feeds
    leave it unsigned.
    """
    size, sign = _number(row, "prdy_vrss"), _text(row, "prdy_vrss_sign")
    if size is None:
        return None
    if sign in DOWN:
        return -abs(size)
    if sign in UP:
        return abs(size)
    return 0.0 if sign == "3" else size


def quotes(body: Body, what: str) -> list[Quote]:
    """Today's bars of `intstock-multprice`."""
    found = []
    for row in _rows(body, "output", what):
        code, price = _text(row, "inter_shrn_iscd"), _number(row, "inter2_prpr")
        if not code or not price:  # nothing is told of it
            continue
        found.append(
            Quote(
                code=code,
                open=_number(row, "inter2_oprc") or 0.0,
                high=_number(row, "inter2_hgpr") or 0.0,
                low=_number(row, "inter2_lwpr") or 0.0,
                price=price,
                volume=int(_number(row, "acml_vol") or 0),
                base_price=_number(row, "inter2_sdpr") or None,
                amount=_number(row, "acml_tr_pbmn"),
            )
        )
    return found


def flows(body: Body, code: str, what: str) -> list[InvestorFlow]:
    """Net buying per session of `inquire-investor`, newest first; a blank is None, never 0."""
    found: list[InvestorFlow] = []
    seen: list[tuple[float | None, int | None, int | None]] = []
    for row in _rows(body, "output", what):
        day = _text(row, "stck_bsop_date")
        if not day:
            continue
        volumes = [_whole(row, f"{who}_ntby_qty") for who in ("prsn", "frgn", "orgn")]
        values = [_value(row, f"{who}_ntby_tr_pbmn") for who in ("prsn", "frgn", "orgn")]
        found.append(InvestorFlow(code, _date(day, what), *volumes, *values))
        close = _number(row, "stck_clpr")
        seen.extend((close, qty, won) for qty, won in zip(volumes, values, strict=True))
    _check_unit(seen, what)
    return found


def _check_unit(seen: Iterable[tuple[float | None, int | None, int | None]], what: str) -> None:
    """Net value against close x net quantity. They are near each other unless the unit is not what it was."""
    ratios = [
        abs(won) / (close * abs(quantity))
        for close, quantity, won in seen
        # Small nets say nothing: bought dear and sold cheap, they can have any ratio.
        if close and quantity and won is not None and close * abs(quantity) >= 10 * NET_VALUE_UNIT
    ]
    if ratios and not 1 / UNIT_FACTOR < median(ratios) < UNIT_FACTOR:
        raise SourceChanged(
            f"{what}: the unit of net values changed",
            expected=f"values in {NET_VALUE_UNIT} won, near close x quantity",
            came=f"{format_number(median(ratios), 3)} times that",
        )


def holidays(body: Body, what: str) -> list[OpenDay]:
    """Days of `chk-holiday` and whether the exchange opens (`opnd_yn`); a day without Y or N is left out."""
    said = (
        (_text(row, "bass_dt"), _text(row, "opnd_yn").upper())
        for row in _rows(body, "output", what)
    )
    return [
        OpenDay(_date(day, what), is_open == "Y")
        for day, is_open in said
        if day and is_open in OPEN
    ]


def _rows(body: Body, name: str, what: str) -> list[Body]:
    rows = body.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise SourceChanged(f"{what} changed", expected=f"a list {name}", came=f"{sorted(body)}")
    return rows


def _text(row: Body, name: str) -> str:
    return str(row.get(name) or "").strip()


def _number(row: Body, name: str) -> float | None:
    text = _text(row, name)
    if not text or text == "-":
        return None
    try:
        return float(text)
    except ValueError:
        raise SourceChanged("KIS changed", expected=f"a number in {name}", came=text) from None


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
        raise SourceChanged(f"{what} changed", expected="a date YYYYMMDD", came=text) from None
