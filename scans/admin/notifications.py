"""Notifications of evenings in the admin: their text, their deliveries, sending them again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketdata.admin.filters import MarketFilter, word_filter
from marketdata.admin.market_list import MarketList
from marketdata.templatetags.failures import failure_reason
from marketdata.web.admin import actions
from marketdata.web.admin.changelist import DetailPage, number_column
from marketdata.web.admin.readonly import ReadOnly
from scans.admin import badges
from scans.admin.reasons import ReasonColumn
from scans.models import Notification
from scans.operations.evening import notify
from scans.operations.evening.notification_content import notification_subject

SEND = "scans.change_notification"
KINDS = {
    Notification.EVENING: _("the evening"),
    Notification.PRECLOSE: _("before the close"),
    Notification.SETTLED: _("the morning after"),
    Notification.INTRADAY: _("intraday"),
    Notification.CALENDAR: _("disputed days"),
}


@admin.register(Notification)
class NotificationAdmin(ReadOnly, ReasonColumn, DetailPage, MarketList):
    """Notifications of sessions: read, and sent again."""

    change_form_template = "admin/scans/notification.html"
    list_display = (
        "session",
        "market",
        "kind_name",
        "state",
        "summary",
        "sent",
        number_column("seconds"),
        "changed_at",
    )
    list_filter = (MarketFilter, word_filter("kind", _("kind"), KINDS), "outcome")
    ordering = ("-session", "market")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("session", "market", "kind_name", "state", "reason_text", "sent")}),
        (_("Before and after the scans"), {"fields": ("collected", "followed")}),
        (_("When"), {"fields": ("created_at", "changed_at", "seconds", "digest")}),
    )
    readonly_fields = ("kind_name", "reason_text", "state", "sent", "collected", "followed")
    note = _(
        "One for each session of a market, one where settled bars changed its lists, and one for days that a source "
        "calls otherwise than the calendar; sent once through every configured channel."
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.again)
        return [path("<int:pk>/again/", view, name="scans_notification_again"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        return super().get_queryset(request).prefetch_related("deliveries")

    @admin.display(description=_("kind"))
    def kind_name(self, row: Notification) -> str:
        return str(KINDS[row.kind])

    @admin.display(description=_("outcome"))
    def state(self, row: Notification) -> SafeString:
        return badges.state_pill(row, "outcome")

    @admin.display(description=_("summary"))
    def summary(self, row: Notification) -> str:
        return notification_subject(row, get_language() or "en")

    @admin.display(description=_("deliveries"))
    def sent(self, row: Notification) -> str | SafeString:
        deliveries = [delivery for delivery in row.deliveries.all() if delivery.digest == row.digest]
        return format_html_join("; ", "{}", ((delivery,) for delivery in deliveries)) or "-"

    @admin.display(description=_("collected"))
    def collected(self, row: Notification) -> str:
        return _figures(row.collection)

    @admin.display(description=_("signals"))
    def followed(self, row: Notification) -> str:
        return _figures(row.signals)

    def page_context(self, request: HttpRequest, row: Notification) -> dict[str, Any]:
        return {"title": self.summary(row), "versions": row.versions, "may_send": request.user.has_perm(SEND)}

    def again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a notification once more, through every channel."""
        actions.require_permission(request, SEND)
        row = self.get_object(request, str(pk))
        if row is None:
            raise PermissionDenied
        back = reverse("admin:scans_notification_change", args=[pk])
        if not actions.is_confirmed(request):
            return actions.confirmation_page(
                request,
                self,
                question=_("Send the notification of %(market)s for %(session)s again?")
                % {"market": row.market, "session": row.session},
                consequence=_("A task worker sends it through every configured channel, to everyone who received it."),
                yes=_("Send again"),
                back=back,
            )
        try:
            channels = notify.send_again(row, as_of=timezone.now())
        except notify.NoChannel as error:
            messages.error(request, failure_reason(str(error)))
        else:
            actions.log_action(
                request, [row], _("To be sent again by %(channels)s.") % {"channels": ", ".join(channels)}
            )
        return HttpResponseRedirect(back)


def _figures(figures: dict[str, Any]) -> str:
    """The figures of a group that are not blank, each with its name; without lists."""
    shown = {name: value for name, value in figures.items() if value != "" and not isinstance(value, list)}
    return ", ".join(f"{name} {value}" for name, value in shown.items()) or "-"
