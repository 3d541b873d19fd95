"""Actions of an operator in the admin: permission, confirmation page, log entry and message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

CONFIRMED = "confirmed"


def require_permission(request: HttpRequest, permission: str) -> None:
    """PermissionDenied (403) unless the user has the permission ("app.action_model")."""
    if not request.user.has_perm(permission):
        raise PermissionDenied


def log_action(request: HttpRequest, rows: Iterable[Model], sentence: str) -> None:
    """Log the action for each of `rows`, in one statement, and show the sentence."""
    objects = list(rows)
    if objects:
        LogEntry.objects.log_actions(
            user_id=request.user.pk,  # type: ignore[arg-type]
            queryset=objects,
            action_flag=CHANGE,
            change_message=sentence,
        )
    messages.success(request, sentence)


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the button of `confirmation_page` was pressed."""
    return request.method == "POST" and CONFIRMED in request.POST


def confirmation_page(
    request: HttpRequest,
    model_admin: admin.ModelAdmin[Any],
    *,
    question: str,
    consequence: str | _StrPromise,
    yes: str | _StrPromise,
    back: str,
    rows: Sequence[object] = (),
    fields: Sequence[tuple[str, str]] = (),
    danger: bool = False,
) -> HttpResponse:
    """A page that confirms an action: `yes` is the label of its button, `back` the address of its cancel link, `fields`
    are sent as hidden fields, `rows` are listed."""
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": question,
        "consequence": consequence,
        "yes": yes,
        "back": back,
        "rows": rows,
        "fields": fields,
        "danger": danger,
        "confirmed": CONFIRMED,
    }
    return TemplateResponse(request, "admin/ask.html", context)


def action_fields(action: str, pks: Iterable[Any]) -> list[tuple[str, str]]:
    """The hidden fields that repeat a list's action for these rows."""
    return [("action", action), *((ACTION_CHECKBOX_NAME, str(pk)) for pk in pks)]
