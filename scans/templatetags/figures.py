"""Filters of the pages: numbers by `marketdata.number_format` with a typographic minus and dash, words of engines,
days, sparklines."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from marketdata.market_time import market_zone, utc_time
from marketdata.number_format import MISSING_TEXT, format_number, format_percent, format_price
from scans.models import ScanSession
from scans.wording import failures, glossary, reasons, rules

register = template.Library()
MINUS = "\u2212"
DASH = "\u2013"
EOK = 1e8
EOK_IN_JO = 10_000
DIGITS = 10
"""Significant digits of an exact price."""


def _number(value: Any) -> float | None:
    return None if value is None or value == "" else float(value)


def _typeset(text: str) -> str:
    return DASH if text == MISSING_TEXT else text.replace("-", MINUS)


def _with_sign(text: str, value: float | None) -> str:
    return f"+{text}" if value is not None and value > 0 else text


@register.filter
def price(value: Any, currency: str = "KRW") -> str:
    """59,400 in won, 1,234.50 in dollars; a dash where it is missing."""
    return _typeset(format_price(_number(value), currency))


@register.filter
def order_price(value: Any) -> str:
    """A price on the tick grid with all its digits: 8,130 or 153.5; a dash where it is missing."""
    return _typeset(format_number(_number(value), DIGITS))


@register.filter
def plain_price(value: Any) -> str:
    """The same as a browser's field and an order form take it: 8130; "" where it is missing."""
    return "" if value is None else format_number(_number(value), DIGITS).replace(",", "")


@register.filter
def percent(value: Any, decimals: int = 2) -> str:
    """A fraction as a signed percentage: 0.0569 -> +5.69 %."""
    number = _number(value)
    return points(None if number is None else 100 * number, decimals)


@register.filter
def points(value: Any, decimals: int = 2) -> str:
    """A number of percent, signed: 5.69 -> +5.69 %."""
    return _typeset(format_percent(_number(value), decimals=decimals))


@register.filter
def eok(value: Any) -> str:
    """Won in 억 with one decimal, signed, without the unit, which the heading of the column has; from 10,000 in 조."""
    number = _number(value)
    if number is None:
        return DASH
    amount = round(number / EOK, 1) + 0.0
    if abs(amount) < EOK_IN_JO:
        return _typeset(f"{amount:+,.1f}" if amount else "0.0")
    return _typeset(f"{amount / EOK_IN_JO:+,.1f}") + str(glossary.TRILLION_WON)


@register.filter
def ratio(value: Any) -> str:
    """1.4; a dash where it is missing."""
    return _typeset(format_number(_number(value), 2))


@register.filter
def direction(value: Any) -> str:
    """up, down or flat: the class that colours a change."""
    number = round(_number(value) or 0.0, 6)
    return "up" if number > 0 else "down" if number < 0 else "flat"


@register.filter
def measure(value: Any) -> str:
    """The measure of a check to four significant digits; a dash where it is missing."""
    return _typeset(format_number(_number(value), 4))


@register.filter
def signed(value: Any) -> str:
    """+2 or −1; a dash where it is missing."""
    number = _number(value)
    return _typeset(_with_sign(format_number(number), number))


@register.filter
def get(mapping: Any, key: Any) -> Any:
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
def tag(key: str) -> Any:
    return glossary.word(glossary.TAGS, key)


@register.filter
def regime(key: str) -> Any:
    return glossary.word(glossary.REGIMES, key)


@register.filter
def reason(session: ScanSession) -> str:
    """Why a published session has no picks."""
    return reasons.no_picks_reason(session)


@register.filter
def failure(text: str) -> str:
    """Why something failed or was withheld, as it is recorded."""
    return failures.failure_reason(text)


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
def clock(moment: Any, market: str) -> Any:
    """18:42 KST, with the moment in UTC as a title."""
    if not moment:
        return DASH
    text = f"{moment.astimezone(market_zone(market)):%H:%M %Z}"
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), utc_time(moment), text)


@register.filter
def seconds_since(now: Any, since: Any) -> str:
    """Whole seconds between two moments: 1,234."""
    return f"{max(int((now - since).total_seconds()), 0):,}"


@register.filter
def omission(reason: str) -> Any:
    """Why instruments are left out."""
    return glossary.word(glossary.OMISSIONS, reason)


@register.filter
def share(value: Any) -> str:
    """A fraction as a percentage without a sign: 0.5312 -> 53 %."""
    return _typeset(format_percent(_number(value) and 100 * float(value), decimals=0)).removeprefix("+")


@register.filter
def check_name(check: Any) -> str:
    return rules.check_name(check.name)


@register.filter
def rule(text: str) -> str:
    """The rule of a check."""
    return rules.rule_text(text)


@register.filter
def source_name(source: str) -> Any:
    """Where a bar is from."""
    return glossary.word(glossary.SOURCES, source)


@register.filter
def status_flag(name: str) -> Any:
    """A warning about an instrument."""
    return glossary.word(glossary.STATUS_FLAGS, name)


@register.filter
def version_state(state: str) -> Any:
    """What a version made of the last closed session."""
    return glossary.word(glossary.VERSION_STATES, state)


@register.simple_tag
def spark(points: str, change: Any = None) -> SafeString:
    """A sparkline; nothing where there are too few closes."""
    if not points:
        return SafeString("")
    return format_html(
        '<svg class="spark {}" viewBox="0 0 240 60" width="72" height="24" preserveAspectRatio="none" '
        'aria-hidden="true"><polyline points="{}"/></svg>',
        direction(change),
        points,
    )
