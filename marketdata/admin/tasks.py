"""Background tasks in the admin: what waits, runs and failed, in which queue, and a failed one once more."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketdata.models import TaskRecord, TaskStatus
from marketdata.operations.tasks.recovery import revive
from marketdata.web.admin import actions
from marketdata.web.admin.changelist import DetailPage, Listing
from marketdata.web.admin.readonly import ReadOnly

PERMISSION = "marketdata.change_taskrecord"


@admin.register(TaskRecord)
class TaskRecordAdmin(ReadOnly, DetailPage, Listing):
    """Background tasks of both queues."""

    change_form_template = "admin/marketdata/task.html"
    list_display = ("name", "queue", "kind", "status", "attempts", "queued_at", "started_at", "finished_at", "reason")
    list_filter = ("status", "queue", "kind")
    ordering = ("-queued_at", "pk")
    sortable_by = ()
    note = _("A dead task is not attempted again by itself: its page has the reason, and a button to run it once more.")

    def get_urls(self) -> list[URLPattern]:
        again = self.admin_site.admin_view(self.again)
        return [path("<str:pk>/again/", again, name="marketdata_task_again"), *super().get_urls()]

    def page_context(self, request: HttpRequest, row: TaskRecord) -> dict[str, Any]:
        return {
            "title": f"{row.name}: {row.get_status_display()}",
            "may_run_again": row.status == TaskStatus.DEAD and request.user.has_perm(PERMISSION),
        }

    def again(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Have a dead task attempted again."""
        actions.require_permission(request, PERMISSION)
        row: TaskRecord | None = self.get_object(request, pk)
        if row is None:
            raise PermissionDenied
        back = reverse("admin:marketdata_taskrecord_change", args=[pk])
        if not actions.is_confirmed(request):
            return actions.confirmation_page(
                request,
                self,
                question=_("Run %(name)s again?") % {"name": row.name},
                consequence=_("It goes to the queue %(queue)s, and is attempted as often as a new task.")
                % {"queue": row.queue},
                yes=_("Run it again"),
                back=back,
                rows=[row],
            )
        if revive(row, timezone.now()):
            actions.log_action(request, [row], _("Queued again: %(name)s.") % {"name": row.name})
        else:
            names = {"name": row.name, "status": row.get_status_display()}
            messages.error(request, _("%(name)s is not dead: it is %(status)s.") % names)
        return HttpResponseRedirect(back)
