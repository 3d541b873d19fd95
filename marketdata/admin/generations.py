"""Rows of the admin that change the results of their market: cached responses are invalidated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from marketdata.operations import generations

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
else:
    Admin = object


class GenerationMixin(Admin):
    """Mixin for rows with a `market`: each change begins a new generation of the market, and of the market that the row
    had before."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        for market in sorted({form.initial.get("market", obj.market), obj.market}):
            generations.advance_family(market)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        generations.advance_family(obj.market)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        markets = set(queryset.values_list("market", flat=True))
        super().delete_queryset(request, queryset)
        for market in sorted(markets):
            generations.advance_family(market)
