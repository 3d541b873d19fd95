"""Guards of users and groups in the admin: permission to edit permissions would be every permission.

Staff with the model permission edit accounts of non-staff: names, addresses, passwords. Staff status, permissions,
groups and the accounts of staff are a superuser's to edit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.http import HttpRequest

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
else:
    Admin = object

PERMISSION_FIELDS = ("is_staff", "is_superuser", "groups", "user_permissions")
"""The fields of a user that grant permissions."""


class GuardedUsers(Admin):
    """Mixed into the admin of users."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if _is_superuser(request) else (*fields, *PERMISSION_FIELDS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_act_on(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_act_on(request, obj) and super().has_delete_permission(request, obj)


class GuardedGroups(Admin):
    """Mixed into the admin of groups: a group's permissions are those of all its members."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)


def guard_account_admin(models: Any, kind: type[admin.ModelAdmin[Any]]) -> type[admin.ModelAdmin[Any]]:
    """The admin class of users or groups (`models`: one or several), guarded; any other as it is."""
    several = models if isinstance(models, Iterable) else [models]
    for model, guard in ((get_user_model(), GuardedUsers), (Group, GuardedGroups)):
        if model in several:
            kind = type(kind.__name__, (guard, kind), {})
    return kind


def _may_act_on(request: HttpRequest, account: Any) -> bool:
    """Whether the caller may change that account: the password of a staff account would give its permissions."""
    return _is_superuser(request) or account is None or not (account.is_staff or account.is_superuser)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
