"""Guards of the task queue's admin pages, where naming a function would run any code.

Staff with the permission look at tasks that wait and at what became of others; to change, delete or run them again
takes a superuser. Schedules, which name the function to call, are a superuser's alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django_q.models import Schedule

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
else:
    Admin = object

PACKAGE = "django_q"


class GuardedQueueAdmin(Admin):
    """Mixed into a model's admin: acting takes a superuser, and of schedules so does looking."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may_look(request) and super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_look(request) and super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request) and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request) and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        """Among them: a task once more."""
        return super().get_actions(request) if _is_superuser(request) else {}

    def _may_look(self, request: HttpRequest) -> bool:
        return self.model is not Schedule or _is_superuser(request)


def guard_queue_admin(kind: type[admin.ModelAdmin[Any]]) -> type[admin.ModelAdmin[Any]]:
    """The queue's admin class, guarded; any other as it is."""
    if kind.__module__.split(".")[0] != PACKAGE:
        return kind
    return type(kind.__name__, (GuardedQueueAdmin, kind), {})


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
