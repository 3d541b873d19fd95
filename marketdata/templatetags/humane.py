"""Numbers as a person reads them."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketdata.market_time import market_time, utc_time
from marketdata.number_format import format_number

register = template.Library()


@register.filter
def grouped(value: float | None) -> str:
    """1234567 as 1,234,567; a whole number without its ".0"; nothing for None."""
    return "" if value is None else format_number(value)


@register.filter
def megabytes(value: int | None) -> str:
    """Bytes as MB with two decimals."""
    return "" if value is None else f"{value / 1e6:.2f}"


@register.filter
def on_clock_of(moment: datetime | None, market: str) -> str | SafeString:
    """A time on the market's clock with its zone, and in UTC as its title; nothing for None."""
    if moment is None:
        return ""
    shown = (utc_time(moment), market_time(moment, market))
    return format_html('<time class="moment" title="{}">{}</time>', *shown)


@register.filter
def words(value: str) -> str:
    """A name of the code, such as a state, as words: "not_ready" as "not ready"."""
    return str(value).replace("_", " ")
