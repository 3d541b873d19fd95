"""Times on a market's clock."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketdata.market_time import market_time, utc_time

register = template.Library()


@register.filter
def on_clock_of(moment: datetime | None, market: str) -> str | SafeString:
    """A time on the market's clock with its zone, and in UTC as its title; nothing for None."""
    if moment is None:
        return ""
    shown = (utc_time(moment), market_time(moment, market))
    return format_html('<time class="moment" title="{}">{}</time>', *shown)
