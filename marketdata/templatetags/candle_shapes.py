"""The candlesticks of a drawing as SVG: a template takes twenty times as long for a hundred of them.

Ten numbers each, in the markup of `pages/candlesticks_drawing.html`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from marketdata.web.templatetags.numbers import price

register = template.Library()


@register.filter
def candle_shapes(drawing: Any, currency: str) -> SafeString:
    """A group of shapes for each candlestick of a `Drawing`, with its day and close as the title."""
    return mark_safe("".join(_groups(drawing.candles, drawing.height, currency)))  # noqa: S308 - numbers, and escaped


def _groups(candles: Iterable[Any], height: int, currency: str) -> Iterable[str]:
    for candle in candles:
        x = f"{candle.x:.1f}"
        yield (
            f'<g class="{"up" if candle.up else "down"}">'
            f"<title>{escape(candle.date)} {price(candle.close, currency)}</title>"
            f'<line x1="{x}" x2="{x}" y1="{candle.high_y}" y2="{candle.low_y}"/>'
            f'<line class="body" stroke-width="{candle.width}" x1="{x}" x2="{x}" '
            f'y1="{candle.top_y}" y2="{candle.bottom_y}"/>'
            f'<line class="volume" stroke-width="{candle.width}" x1="{x}" x2="{x}" '
            f'y1="{candle.volume_y}" y2="{height}"/></g>'
        )
