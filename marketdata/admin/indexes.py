"""Which index a market's regimes stand on is chosen here; the series themselves are for looking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from marketdata.admin.readonly import ReadOnly
from marketdata.models import IndexBar, IndexChoice

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
else:
    Admin = admin.ModelAdmin


@admin.register(IndexChoice)
class IndexChoiceAdmin(Admin):
    """The index of each market, where it is not its own."""

    list_display = ("market", "name")


@admin.register(IndexBar)
class IndexBarAdmin(ReadOnly, Admin):
    """Recorded index series."""

    list_display = ("market", "name", "date", "open", "high", "low", "close", "updated_at")
    list_filter = ("market", "name")
    date_hierarchy = "date"
    show_full_result_count = False
