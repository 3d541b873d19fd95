"""Times in the admin: on the clock of the row's market, with UTC as the tooltip."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DateTimeField, Model
from django.utils.safestring import SafeString

from marketdata.templatetags.market_clock import on_clock_of

Column = Callable[[Any], str | SafeString]


@cache
def time_column(model: type[Model], name: str) -> Column:
    """A column with the time `name` of a row, on the clock of the row's market."""
    title = getattr(model._meta.get_field(name), "verbose_name", name)

    @admin.display(description=title, ordering=name)
    def show(row: Any) -> str | SafeString:
        moment = getattr(row, name)
        return "-" if moment is None else on_clock_of(moment, row.market)

    show.__name__ = name
    return show


def with_time_columns(model: type[Model], names: Iterable[Any]) -> list[Any]:
    """The columns or fields `names` of a model, its times replaced by columns on the market's clock; unchanged where
    its rows have no market."""
    return [time_column(model, name) if _is_time(model, name) else name for name in names]


def _is_time(model: type[Model], name: Any) -> bool:
    if not isinstance(name, str) or not _has(model, "market"):
        return False
    return _has(model, name) and isinstance(model._meta.get_field(name), DateTimeField)


def _has(model: type[Model], name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True
