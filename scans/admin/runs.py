"""Runs in the admin: status, cost, ranks, running them again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketdata.admin.filters import MarketFilter
from marketdata.admin.market_list import MarketList
from marketdata.web.admin import actions
from marketdata.web.admin.changelist import DetailPage, number_column
from marketdata.web.admin.readonly import ReadOnly
from scans.admin import badges, version_actions
from scans.admin.rank_changes import rank_changes
from scans.admin.readings import RunReadingFilter
from scans.admin.reasons import ReasonColumn
from scans.models import ScanRun
from scans.operations.requests import queue


@admin.register(ScanRun)
class ScanRunAdmin(ReadOnly, ReasonColumn, DetailPage, MarketList):
    """Runs with their status, counts and cost."""

    change_form_template = "admin/scans/run.html"
    list_display = (
        "started_at",
        "scanner_version",
        "market",
        "sessions_run",
        "state",
        "settled",
        number_column("matched"),
        "seconds_spent",
        "started_by",
        "reason_text",
    )
    list_filter = (MarketFilter, "scanner_version", "status", RunReadingFilter)
    list_select_related = ("scanner_version",)
    ordering = ("-started_at",)
    fieldsets = (
        (
            _("What was run"),
            {
                "fields": (
                    "scanner_version",
                    "market",
                    "first",
                    "last",
                    "engine_and_revision",
                    "started_by",
                    "started_at",
                    "finished_at",
                )
            },
        ),
        (
            _("How it ended"),
            {"fields": ("state", "settled", "read_at", "reason_text", "sessions", "universe", "scored", "matched")},
        ),
        (_("What it took"), {"fields": ("stages", "cpu_seconds", "memory", "bars", "executor")}),
        (_("To do it again"), {"fields": ("data_digest", "params_hash", "code_revision", "request_id", "parameters")}),
    )
    readonly_fields = ("reason_text", "state", "settled", "stages", "memory", "engine_and_revision", "parameters")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.rerun)
        return [path("<int:pk>/rerun/", view, name="scans_run_rerun"), *super().get_urls()]

    @admin.display(description=_("sessions"))
    def sessions_run(self, run: ScanRun) -> str:
        return badges.days(run)

    @admin.display(description=_("status"), ordering="status")
    def state(self, run: ScanRun) -> SafeString:
        return badges.state_pill(run)

    @admin.display(description=_("reading"))
    def settled(self, run: ScanRun) -> SafeString:
        return badges.pill(run.reading, gettext(run.reading))

    @admin.display(description=_("seconds"))
    def seconds_spent(self, run: ScanRun) -> str:
        return badges.seconds(run.seconds)

    @admin.display(description=_("memory"), ordering="peak_memory_mb")
    def memory(self, run: ScanRun) -> str:
        return f"{run.peak_memory_mb} MB" if run.peak_memory_mb else "-"

    @admin.display(description=_("seconds"))
    def stages(self, run: ScanRun) -> str:
        return badges.stages(run.seconds)

    @admin.display(description=_("engine"))
    def engine_and_revision(self, run: ScanRun) -> str:
        return _("%(engine)s, revision %(revision)s") % {"engine": run.engine, "revision": run.revision}

    @admin.display(description=_("parameters"))
    def parameters(self, run: ScanRun) -> SafeString:
        lines = "\n".join(f"{name:26} {value}" for name, value in run.params.items())
        return format_html('<pre class="plain">{}</pre>', lines)

    def page_context(self, request: HttpRequest, run: ScanRun) -> dict[str, Any]:
        last = run.answers.select_related("scanner_version").order_by("-date").first()
        return {
            "title": _("Run %(pk)s: %(version)s on %(market)s, %(days)s") % {"pk": run.pk, **_names(run)},
            "may_rerun": request.user.has_perm(version_actions.PERMISSION),
            "answers": badges.attach_rules(run.answers.order_by("-date")[:20]),
            **(rank_changes(last) if last else {}),
        }

    def rerun(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Queue the same version, sessions and parameters again."""
        actions.require_permission(request, version_actions.PERMISSION)
        run = self.get_object(request, str(pk))
        if run is None:
            raise PermissionDenied
        back = reverse("admin:scans_scanrun_change", args=[pk])
        if not actions.is_confirmed(request):
            return actions.confirmation_page(
                request,
                self,
                question=_("Run %(name)s again?") % {"name": run.scanner_version.slug},
                consequence=_(
                    "%(version)s is run over %(days)s of market %(market)s with the parameters this run recorded. "
                    "Where the result is the same, nothing is written."
                )
                % _names(run),
                yes=_("Run again"),
                back=back,
            )
        return version_actions.queue_again(request, queue.repeat_run, run, back=back)


def _names(run: ScanRun) -> dict[str, str]:
    """The versions, market and sessions of a run, for a sentence."""
    return {"version": run.scanner_version.slug, "market": run.market, "days": badges.days(run)}
