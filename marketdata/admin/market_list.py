"""Lists of rows that belong to a market: their times are on the market's clock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.utils import flatten_fieldsets
from django.http import HttpRequest

from marketdata.admin.times import with_time_columns
from marketdata.web.admin.changelist import Listing


class MarketList(Listing):
    """The list of a model whose rows have a `market`; rows without one are shown as they are."""

    def get_list_display(self, request: HttpRequest) -> Any:
        """Times on the clock of the row's market."""
        return with_time_columns(self.model, super().get_list_display(request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The same on a row's page."""
        return [
            (title, {**options, "fields": _distinct(with_time_columns(self.model, options["fields"]))})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = [*(self.fields or ()), *flatten_fieldsets(self.fieldsets or ())]
        times = [column for column in with_time_columns(self.model, names) if callable(column)]
        return [*super().get_readonly_fields(request, obj), *times]


def _distinct(fields: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(fields))
