"""Calendar overrides are edited here; the rest is for looking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from marketdata.admin.readonly import ReadOnly
from marketdata.models import CalendarOverride, Instrument, InstrumentStatus, LakePartition
from marketdata.operations import generations

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[Any, Any]
else:
    Admin, Inline = admin.ModelAdmin, admin.TabularInline


@admin.register(CalendarOverride)
class CalendarOverrideAdmin(Admin):
    """Days on which a market was open or closed against its calendar; answers that were kept go by it no longer."""

    list_display = ("market", "date", "is_open", "note")
    list_filter = ("market", "is_open")
    date_hierarchy = "date"

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


class StatusInline(ReadOnly, Inline):
    model = InstrumentStatus
    extra = 0
    ordering = ("valid_from",)


@admin.register(Instrument)
class InstrumentAdmin(ReadOnly, Admin):
    """Instruments with what was known of them over time."""

    list_display = ("market", "code", "name", "segment", "kind", "first_bar", "last_bar")
    list_filter = ("market", "segment", "kind")
    search_fields = ("code", "name")
    show_full_result_count = False
    inlines = (StatusInline,)


@admin.register(LakePartition)
class LakePartitionAdmin(ReadOnly, Admin):
    """The lake's partitions and whether each is up to date."""

    list_display = ("market", "month", "up_to_date", "rows", "bytes", "written_at")
    list_filter = ("market",)

    @admin.display(boolean=True)
    def up_to_date(self, partition: LakePartition) -> bool:
        return not partition.is_stale
