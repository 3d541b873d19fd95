"""API tokens in the admin: made, shown once, revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from seismo_site.models import ApiToken

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[ApiToken]
else:
    Admin = admin.ModelAdmin


@admin.register(ApiToken)
class ApiTokenAdmin(Admin):
    """The caller's own tokens; a superuser creates, sees and revokes those of all users. A token has the permissions of
    its user, so another user's token would give that user's permissions."""

    list_display = ("name", "user", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    fields = ("user", "name", "expires_at", "created_at", "last_used_at", "revoked_at")
    readonly_fields = ("created_at", "last_used_at", "revoked_at")
    autocomplete_fields = ("user",)
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        rows = super().get_queryset(request)
        return rows if _is_superuser(request) else rows.filter(user_id=request.user.pk or 0)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Only a superuser chooses the user."""
        fields = super().get_fields(request, obj)
        return fields if obj or _is_superuser(request) else fields[1:]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The user of an existing token cannot be changed."""
        return (*self.readonly_fields, "user") if obj else self.readonly_fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"user": request.user.pk, **super().get_changeform_initial_data(request)}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_own(request, obj) and super().has_view_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_own(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_own(request, obj) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        secret = "" if change else obj.new_secret()
        if not change and not _is_superuser(request):
            obj.user_id = request.user.pk or 0
        super().save_model(request, obj, form, change)
        if secret:
            messages.warning(request, _("The token, shown this once: %(secret)s") % {"secret": secret})

    @admin.action(description=_("Revoke"), permissions=["change"])
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiToken]) -> None:
        count = rows.filter(revoked_at=None).update(revoked_at=timezone.now())
        messages.success(request, _("Revoked: %(count)s") % {"count": count})


def _is_own(request: HttpRequest, token: ApiToken | None) -> bool:
    """Whether the token is the caller's, or the caller a superuser."""
    return token is None or token.user_id == request.user.pk or _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
