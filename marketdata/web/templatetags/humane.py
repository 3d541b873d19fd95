"""Numbers as a person reads them."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext

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
def words(value: str) -> str:
    """A name of the code, such as a state, in the reader's language: "not_ready" as "not ready"."""
    return gettext(str(value).replace("_", " "))
