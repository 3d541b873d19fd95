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
EOK, JO = 1e8, 1e12


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
def eok(value: Any) -> str:
    """Won in 억 with one decimal, in 조 from 10,000 억 on, signed."""
    if value is None or value == "":
        return "–"
    number = float(value)
    sign = "+" if number > 0 else MINUS if number < 0 else ""
    if abs(number) >= JO:
        return f"{sign}{abs(number) / JO:,.1f}조"
    return f"{sign}{abs(number) / EOK:,.1f}억"


@register.filter
def eok_plain(value: Any) -> str:
    """The same without a unit, whole from 100 억 on: for columns whose head names the unit."""
    if value is None or value == "":
        return "–"
    number = float(value) / EOK
    sign = "+" if number > 0 else MINUS if number < 0 else ""
    return f"{sign}{abs(number):,.0f}" if abs(number) >= 100 else f"{sign}{abs(number):,.1f}"


@register.filter
def amount(value: Any, currency: str = "KRW") -> str:
    """Turnover: 7.5조, 128억 in won; 1.2 B, 45.1 M in dollars."""
    if value is None or value == "":
        return "–"
    number = float(value)
    if currency == "KRW":
        return f"{number / JO:,.1f}조" if number >= JO else f"{number / EOK:,.0f}억"
    return f"{number / 1e9:,.1f} B" if number >= 1e9 else f"{number / 1e6:,.1f} M"


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
