"""Scanner versions: what each scans with, and which one is active."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from scans.models import ActiveVersion, ScannerVersion

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
else:
    Admin = admin.ModelAdmin


@admin.register(ScannerVersion)
class ScannerVersionAdmin(Admin):
    """Parameters are checked by the engine's own schema when they are saved."""

    list_display = ("slug", "title", "engine", "enabled", "updated_at")
    list_filter = ("engine", "enabled")
    prepopulated_fields = {"slug": ("title",)}


@admin.register(ActiveVersion)
class ActiveVersionAdmin(Admin):
    """The version each market uses where none is named."""

    list_display = ("market", "version")
    list_select_related = ("version",)
