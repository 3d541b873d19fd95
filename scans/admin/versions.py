"""Scanner versions: what each scans with, and which one is active."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from scans.models import ActiveVersion, ScannerVersion, VersionChange
from scans.operations import versions

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[Any, Any]
else:
    Admin, Inline = admin.ModelAdmin, admin.TabularInline


class ChangeInline(Inline):
    """What changed, when and by whom; never edited."""

    model = VersionChange
    extra = 0
    can_delete = False
    readonly_fields = ("at", "who", "before", "after")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ScannerVersion)
class ScannerVersionAdmin(Admin):
    """Parameters are checked by the engine's own schema when they are saved."""

    list_display = ("slug", "title", "engine", "enabled", "updated_at")
    list_filter = ("engine", "enabled")
    inlines = (ChangeInline,)

    def save_model(
        self, request: HttpRequest, obj: ScannerVersion, form: Any, change: bool
    ) -> None:
        """Through the one operation that keeps every change."""
        versions.save(obj, who=request.user.get_username(), at=timezone.now())


@admin.register(ActiveVersion)
class ActiveVersionAdmin(Admin):
    """The version each market uses where none is named."""

    list_display = ("market", "version")
    list_select_related = ("version",)

    def save_model(self, request: HttpRequest, obj: ActiveVersion, form: Any, change: bool) -> None:
        """Through the one operation that keeps every change."""
        versions.activate(
            obj.market, obj.version, who=request.user.get_username(), at=timezone.now()
        )
