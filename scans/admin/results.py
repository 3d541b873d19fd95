"""Runs and their answers, for looking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from marketdata.admin.readonly import ReadOnly
from scans.models import ScanRank, ScanRun, ScanSession

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[Any, Any]
else:
    Admin, Inline = admin.ModelAdmin, admin.TabularInline


@admin.register(ScanRun)
class ScanRunAdmin(ReadOnly, Admin):
    """What was run, how it ended and what it took."""

    list_display = (
        "started_at",
        "version",
        "market",
        "first",
        "last",
        "status",
        "matched",
        "seconds",
        "peak_memory_mb",
    )
    list_filter = ("market", "version", "status")
    list_select_related = ("version",)
    show_full_result_count = False


class RankInline(ReadOnly, Inline):
    model = ScanRank
    extra = 0
    fields = ("rank", "code", "name", "score", "strategy", "label", "close", "change_pct")
    ordering = ("rank",)


@admin.register(ScanSession)
class ScanSessionAdmin(ReadOnly, Admin):
    """A version's answer for a session, with its ranks."""

    list_display = (
        "date",
        "version",
        "market",
        "status",
        "regime",
        "matched",
        "ranked",
        "published",
    )
    list_filter = ("market", "version", "status", "published")
    list_select_related = ("version",)
    date_hierarchy = "date"
    show_full_result_count = False
    inlines = (RankInline,)
