"""Filters of pages: numbers by `marketdata.number_format` with a typographic minus and dash, and days."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import get_language

from marketdata.number_format import MISSING_TEXT, format_number, format_order_price, format_percent, format_price

register = template.Library()
MINUS = "\u2212"
DASH = "\u2013"
DIGITS = 10
"""Significant digits of an exact price."""


def to_number(value: Any) -> float | None:
    """The number of a value of a template; None where it is missing or empty."""
    return None if value is None or value == "" else float(value)


def typeset(text: str) -> str:
    """A number with a typographic minus, or a dash for a missing one."""
    return DASH if text == MISSING_TEXT else text.replace("-", MINUS)


def _with_sign(text: str, value: float | None) -> str:
    return f"+{text}" if value is not None and value > 0 else text


@register.filter
def price(value: Any, currency: str = "KRW") -> str:
    """59,400 in won, 1,234.50 in dollars; a dash where it is missing."""
    return typeset(format_price(to_number(value), currency))


@register.filter
def order_price(value: Any, currency: str = "") -> str:
    """A price on the tick grid (`format_order_price`); a dash where it is missing."""
    return typeset(format_order_price(to_number(value), currency))


@register.filter
def plain_price(value: Any) -> str:
    """The same as a browser's field and an order form take it: 8130; "" where it is missing."""
    return "" if value is None else format_number(to_number(value), DIGITS).replace(",", "")


@register.filter
def percent(value: Any, decimals: int = 2) -> str:
    """A fraction as a signed percentage: 0.0569 -> +5.69 %."""
    number = to_number(value)
    return points(None if number is None else 100 * number, decimals)


@register.filter
def points(value: Any, decimals: int = 2) -> str:
    """A number of percent, signed: 5.69 -> +5.69 %."""
    return typeset(format_percent(to_number(value), decimals=decimals))


@register.filter
def ratio(value: Any) -> str:
    """1.4; a dash where it is missing."""
    return typeset(format_number(to_number(value), 2))


@register.filter
def direction(value: Any) -> str:
    """up, down or flat: the class that colours a change."""
    number = round(to_number(value) or 0.0, 6)
    return "up" if number > 0 else "down" if number < 0 else "flat"


@register.filter
def measure(value: Any) -> str:
    """The measure of a check to four significant digits; a dash where it is missing."""
    return typeset(format_number(to_number(value), 4))


@register.filter
def signed(value: Any) -> str:
    """+2 or −1; a dash where it is missing."""
    number = to_number(value)
    return typeset(_with_sign(format_number(number), number))


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """The value of a key; None without mapping or key."""
    return (mapping or {}).get(key)


@register.filter
def day(value: Any) -> str:
    """8월 21일 (금) in Korean, Fri 21 Aug 2026 in English."""
    if not value:
        return DASH
    if (get_language() or "").startswith("ko"):
        return f"{value.month}월 {value.day}일 ({'월화수목금토일'[value.weekday()]})"
    return f"{value:%a} {value.day} {value:%b %Y}"


@register.filter
def count(value: Any) -> str:
    """2,761; a dash where it is missing."""
    return DASH if value is None else f"{value:,}"


@register.filter
def share(value: Any) -> str:
    """A fraction as a percentage without a sign: 0.5312 -> 53 %."""
    return typeset(format_percent(to_number(value) and 100 * float(value), decimals=0)).removeprefix("+")
