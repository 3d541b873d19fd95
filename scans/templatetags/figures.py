"""Figures as a trader reads them: prices of a currency, signed percents, amounts in 억, words of engines."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from scans.pages import glossary

register = template.Library()
MINUS = "\u2212"
EOK = 1e8


@register.filter
def price(value: Any, currency: str = "KRW") -> str:
    """59,400 in won, 1,234.50 in dollars; a dash where it is missing."""
    if value is None or value == "":
        return "–"
    number = float(value)
    if currency == "USD":
        return f"{number:,.2f}" if number >= 1 else f"{number:,.4f}"
    if number == int(number):
        return f"{number:,.0f}"
    return f"{number:,.8f}".rstrip("0").rstrip(".") if number < 100 else f"{number:,.1f}"


@register.filter
def percent(value: Any, digits: int = 2) -> str:
    """A fraction as a signed percent: 0.0569 -> +5.69 %."""
    if value is None or value == "":
        return "–"
    number = round(float(value) * 100, digits)
    sign = "+" if number > 0 else MINUS if number < 0 else ""
    return f"{sign}{abs(number):.{digits}f} %"


@register.filter
def points(value: Any) -> str:
    """A percentage that is percent already, signed."""
    return "–" if value is None or value == "" else percent(float(value) / 100)


@register.filter
def eok_plain(value: Any) -> str:
    """Won in 억, signed and without the unit, which the head of the column names; whole from 100 억 on."""
    if value is None or value == "":
        return "–"
    number = float(value) / EOK
    sign = "+" if number > 0 else MINUS if number < 0 else ""
    return f"{sign}{abs(number):,.0f}" if abs(number) >= 100 else f"{sign}{abs(number):,.1f}"


@register.filter
def ratio(value: Any) -> str:
    """1.4; a dash where it is missing."""
    return "–" if value is None or value == "" else f"{float(value):.1f}"


@register.filter
def direction(value: Any) -> str:
    """up, down or flat: the class that colours a change."""
    if value is None or value == "" or round(float(value), 6) == 0:
        return "flat"
    return "up" if float(value) > 0 else "down"


@register.filter
def get(mapping: Any, key: str) -> Any:
    """The value of a key; None without mapping or key."""
    return (mapping or {}).get(key)


@register.filter
def strategy(key: str) -> Any:
    return glossary.word(glossary.STRATEGIES, key)


@register.filter
def label(key: str) -> Any:
    return glossary.word(glossary.LABELS, key)


@register.filter
def life(key: str) -> Any:
    return glossary.word(glossary.STATUSES, key)


@register.filter
def regime(key: str) -> Any:
    return glossary.word(glossary.REGIMES, key)


@register.filter
def day(value: Any) -> str:
    """8월 21일 (금) in Korean, Fri 21 Aug 2026 in English."""
    if not value:
        return "–"
    if (get_language() or "").startswith("ko"):
        return f"{value.month}월 {value.day}일 ({'월화수목금토일'[value.weekday()]})"
    return f"{value:%a} {value.day} {value:%b %Y}"


@register.simple_tag
def spark(points: str, change: Any = None) -> SafeString:
    """A sparkline of 96 x 24; nothing where there are too few closes."""
    if not points:
        return SafeString("")
    return format_html(
        '<svg class="spark {}" viewBox="0 0 96 24" width="72" height="24" preserveAspectRatio="none" '
        'aria-hidden="true"><polyline points="{}"/></svg>',
        direction(change),
        points,
    )
