"""Scan requests in the admin: their progress, cancelling them, repeating them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from marketdata.admin.filters import MarketFilter
from marketdata.admin.market_list import MarketList
from marketdata.templatetags.failures import failure_reason
from marketdata.web.admin import actions
from marketdata.web.admin.changelist import DetailPage
from marketdata.web.admin.readonly import ReadOnly
from scans.admin import badges, version_actions
from scans.admin.reasons import ReasonColumn
from scans.models import ScanRequest
from scans.operations.requests import queue

CANCEL = "scans.change_scanrequest"
REFRESH_SECONDS = 2


@admin.register(ScanRequest)
class ScanRequestAdmin(ReadOnly, ReasonColumn, DetailPage, MarketList):
    """Scan requests: queued, running and ended."""

    change_form_template = "admin/scans/request.html"
    list_display = ("version_names", "created_at", "market", "days", "state", "progress", "requested_by", "reason_text")
    list_filter = (MarketFilter, "status")
    ordering = ("-pk",)
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("version_names", "market", "days", "state", "progress", "reason_text", "requested_by")}),
        (_("When"), {"fields": ("created_at", "started_at", "finished_at")}),
        (_("How it runs"), {"fields": ("publishes", "limits", "top", "executor", "request_id")}),
    )
    readonly_fields = ("reason_text", "version_names", "days", "state", "progress")
    note = _("Task workers (`manage.py qcluster`) run these: one session at once, ranges one after another.")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/cancel/", wrap(self.cancel), name="scans_request_cancel"),
            path("<int:pk>/again/", wrap(self.again), name="scans_request_again"),
            *super().get_urls(),
        ]

    @admin.display(description=_("versions"))
    def version_names(self, row: ScanRequest) -> str:
        return ", ".join(row.versions)

    @admin.display(description=_("sessions"))
    def days(self, row: ScanRequest) -> str:
        return badges.days(row)

    @admin.display(description=_("status"))
    def state(self, row: ScanRequest) -> SafeString:
        return badges.state_pill(row)

    @admin.display(description=_("progress"))
    def progress(self, row: ScanRequest) -> SafeString:
        return format_html(
            '<progress max="{}" value="{}"></progress> {} / {} {}',
            max(row.sessions, 1),
            row.sessions_done,
            row.sessions_done,
            row.sessions,
            row.current_version,
        )

    def page_context(self, request: HttpRequest, row: ScanRequest) -> dict[str, Any]:
        is_alive = row.status in queue.UNFINISHED
        return {
            "title": _("Request %(pk)s: %(versions)s on %(market)s, %(days)s")
            % {"pk": row.pk, "versions": self.version_names(row), "market": row.market, "days": self.days(row)},
            "outcomes": row.outcomes,
            "refresh": REFRESH_SECONDS if is_alive else 0,
            "may_cancel": is_alive and request.user.has_perm(CANCEL),
            "may_ask_again": not is_alive and request.user.has_perm(version_actions.PERMISSION),
        }

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Cancel a request that is queued or running."""
        actions.require_permission(request, CANCEL)
        row = self._row(request, pk)
        back = reverse("admin:scans_scanrequest_change", args=[pk])
        if not actions.is_confirmed(request):
            return actions.confirmation_page(
                request,
                self,
                question=_("Cancel request %(pk)s?") % {"pk": pk},
                consequence=_("It publishes nothing more; what it has published stays."),
                yes=_("Cancel the request"),
                back=back,
                rows=[row],
                danger=True,
            )
        try:
            row = queue.cancel_request(pk, as_of=timezone.now(), who=request.user.get_username())
        except queue.NotCancellable as error:
            messages.error(request, failure_reason(str(error)))
        else:
            actions.log_action(request, [row], _("Cancelled request %(pk)s.") % {"pk": pk})
        return HttpResponseRedirect(back)

    def again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Queue the scans of an ended request as a new request."""
        actions.require_permission(request, version_actions.PERMISSION)
        row = self._row(request, pk)
        back = reverse("admin:scans_scanrequest_change", args=[pk])
        if not actions.is_confirmed(request):
            return actions.confirmation_page(
                request,
                self,
                question=_("Ask for the scans of request %(pk)s again?") % {"pk": pk},
                consequence=_("They are queued as a new request; an equal result that is published already stays."),
                yes=_("Ask again"),
                back=back,
                rows=[row],
            )
        return version_actions.queue_again(request, queue.repeat_request, row, back=back)

    def _row(self, request: HttpRequest, pk: int) -> ScanRequest:
        row: ScanRequest | None = self.get_object(request, str(pk))
        if row is None:
            raise PermissionDenied
        return row
