"""Numbers as a person reads them."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def grouped(value: float | None) -> str:
    """1234567 as 1,234,567; a whole number without its ".0"; nothing for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"


@register.filter
def megabytes(value: int | None) -> str:
    """Bytes as MB with two decimals."""
    return "" if value is None else f"{value / 1e6:.2f}"
