"""Numbers as text for people: tables, messages, pages, the admin. Machine formats keep the raw number.

1. Grouping by commas, a sign where the direction is the information, a unit behind a space: `+1.23 %`, `7.46 조`.
2. Prices have the decimals of their currency; below its least usual price, significant digits instead.
3. Amounts of money have three significant digits and a unit: Korean (만 억 조) for won, English (K M B T) otherwise.
4. Never scientific notation. What is missing is "-".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Literal

Language = Literal["ko", "en"]

MISSING_TEXT = "-"
UNITS: dict[Language, tuple[tuple[int, str], ...]] = {
    "ko": ((12, "조"), (8, "억"), (4, "만")),
    "en": ((12, "T"), (9, "B"), (6, "M"), (3, "K")),
}
"""Powers of ten and their names, the largest first."""

DECIMALS = {"KRW": 0, "USD": 2}
"""Decimals of a price in each currency."""
SMALL = {"KRW": 100.0, "USD": 1.0}
"""Below this price a currency's decimals say too little: coins, penny stocks."""

MEMO = 8192
"""Numbers whose text is kept: a page shows a price in several places, and in two languages."""
_EXACT = Context(prec=700, rounding=ROUND_HALF_UP)
"""Room for every digit of any float with its decimals."""


def format_count(value: float | None) -> str:
    """A whole number, grouped: 1,000,000,000; of a fractional volume up to eight decimals."""
    return MISSING_TEXT if _is_missing(value) else _grouped(Decimal(repr(float(value or 0))), 8)


def count_of(number: int, noun: str) -> str:
    """`1 session`, `2 sessions`, `1,234 sessions`: a count with its noun, an s behind it unless it is one."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_number(value: float | None, digits: int = 6) -> str:
    """`value` to so many significant digits, at least all of its whole ones: 1,234,567.8 is 1,234,568."""
    return MISSING_TEXT if _is_missing(value) else _significant(float(value or 0), digits)


def format_percent(value: float | None, *, sign: bool = True, decimals: int = 2) -> str:
    """`value` percent: +1.23 %; `sign=False` for shares and rates that have no direction."""
    if _is_missing(value):
        return MISSING_TEXT
    rounded = _fixed(float(value or 0), decimals)
    plus = "+" if sign and rounded > 0 else ""
    return f"{plus}{rounded:,f} %"


def format_price(value: float | None, currency: str) -> str:
    """A price with its currency's decimals: 71,900 in won, 229.98 in dollars; 0.00012345 of a cheap coin."""
    if _is_missing(value):
        return MISSING_TEXT
    price = float(value or 0)
    if abs(price) < SMALL.get(currency, 1.0):
        return _significant(price, 4)
    return f"{_fixed(price, DECIMALS.get(currency, 2)):,f}"


def format_order_price(value: float | None, currency: str) -> str:
    """A price on the tick grid with all its digits: 8,130 or 153.5; in dollars two decimals at least: 7.90, 0.1234."""
    if _is_missing(value):
        return MISSING_TEXT
    whole, _, decimals = format_number(value, 10).partition(".")
    places = f"{decimals:0<2}" if currency == "USD" else decimals
    return f"{whole}.{places}" if places else whole


def format_amount(value: float | None, currency: str, language: Language | None = None) -> str:
    """An amount of money to three significant digits: 7.46 조, 12.3 억 (won), 1.2 B (other currencies).

    `language` says whose units; without it those that the currency's readers use."""
    if _is_missing(value):
        return MISSING_TEXT
    units = UNITS[language or ("ko" if currency == "KRW" else "en")]
    amount = _rounded_amount(float(value or 0), [power for power, _ in units])
    for power, name in units:
        if abs(amount) >= Decimal(10) ** power:
            # Rounded first, named after: 999,999,999,999 is 1 조, not 10,000 억.
            return f"{_grouped(amount.scaleb(-power), 2)} {name}"
    return _grouped(amount, DECIMALS.get(currency, 2))


def format_signed_amount(value: float | None, currency: str, language: Language | None = None) -> str:
    """The same with its sign: +12.3 억, -450 만; 0 has none."""
    return _signed(format_amount(value, currency, language), value)


def format_signed_count(value: float | None) -> str:
    """A count with its sign: +12,345."""
    return _signed(format_count(value), value)


def _signed(text: str, value: float | None) -> str:
    return f"+{text}" if text != MISSING_TEXT and value is not None and value > 0 else text


def _is_missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _round(value: Decimal, place: int) -> Decimal:
    """Rounded half up, as people do, to the power of ten `place`; never a negative zero."""
    rounded = value.quantize(Decimal(1).scaleb(place), context=_EXACT)
    return rounded if rounded else abs(rounded)


@lru_cache(MEMO)
def _fixed(value: float, decimals: int) -> Decimal:
    """`value`, as its shortest text has it, with so many decimals."""
    return _round(Decimal(repr(value)), -decimals)


def _rounded_amount(value: float, powers: Sequence[int]) -> Decimal:
    """Three significant digits, but all whole ones of the unit it is shown in: 1,234 억 stays."""
    exact = Decimal(repr(value))
    if not exact:
        return Decimal(0)
    size = exact.adjusted()
    whole = next((power for power in powers if size >= power), 0)
    return _round(exact, min(size - 2, whole))


@lru_cache(MEMO)
def _significant(value: float, digits: int) -> str:
    exact = Decimal(repr(value))
    decimals = max(digits - 1 - exact.adjusted(), 0) if exact else 0
    return _grouped(exact, decimals)


def _grouped(value: Decimal, decimals: int) -> str:
    """At most `decimals`, without trailing zeros."""
    text = f"{_round(value, -decimals):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
