"""API tokens in the admin: made, shown once, revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from seismo_site.models import ApiToken

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[ApiToken]
else:
    Admin = admin.ModelAdmin


@admin.register(ApiToken)
class ApiTokenAdmin(Admin):
    list_display = ("name", "user", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    fields = ("user", "name", "expires_at", "created_at", "last_used_at", "revoked_at")
    readonly_fields = ("created_at", "last_used_at", "revoked_at")
    autocomplete_fields = ("user",)
    actions = ("revoke",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A token that was handed out stays its user's."""
        return (*self.readonly_fields, "user") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        secret = "" if change else obj.new_secret()
        super().save_model(request, obj, form, change)
        if secret:
            messages.warning(request, f"The token, shown this once: {secret}")

    @admin.action(description="Revoke")
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiToken]) -> None:
        count = rows.filter(revoked_at=None).update(revoked_at=timezone.now())
        messages.success(request, f"Revoked: {count}")
