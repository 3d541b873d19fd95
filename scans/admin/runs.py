"""Runs in the admin: status, cost, ranks, running them again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketdata.admin.filters import MarketFilter
from marketdata.admin.market_list import MarketList
from marketdata.web.admin import actions
from marketdata.web.admin.changelist import DetailPage, number_column
from marketdata.web.admin.readonly import ReadOnly
from scans.admin import badges, version_actions
from scans.admin.rank_changes import rank_changes
from scans.admin.readings import RunReadingFilter
from scans.models import ScanRun
from scans.operations.requests import queue


@admin.register(ScanRun)
class ScanRunAdmin(ReadOnly, DetailPage, MarketList):
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
        "reason",
    )
    list_filter = (MarketFilter, "scanner_version", "status", RunReadingFilter)
    list_select_related = ("scanner_version",)
    ordering = ("-started_at",)
    fieldsets = (
        (
            "What was run",
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
            "How it ended",
            {"fields": ("state", "settled", "read_at", "reason", "sessions", "universe", "scored", "matched")},
        ),
        ("What it took", {"fields": ("stages", "cpu_seconds", "memory", "bars", "executor")}),
        ("To do it again", {"fields": ("data_digest", "params_hash", "code_revision", "request_id", "parameters")}),
    )
    readonly_fields = ("state", "settled", "stages", "memory", "engine_and_revision", "parameters")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.rerun)
        return [path("<int:pk>/rerun/", view, name="scans_run_rerun"), *super().get_urls()]

    @admin.display(description="sessions")
    def sessions_run(self, run: ScanRun) -> str:
        return f"{run.first}" if run.first == run.last else f"{run.first} to {run.last}"

    @admin.display(description="status", ordering="status")
    def state(self, run: ScanRun) -> SafeString:
        return badges.pill(run.status)

    @admin.display(description="reading")
    def settled(self, run: ScanRun) -> SafeString:
        return badges.pill(run.reading)

    @admin.display(description="seconds")
    def seconds_spent(self, run: ScanRun) -> str:
        return badges.seconds(run.seconds)

    @admin.display(description="memory", ordering="peak_memory_mb")
    def memory(self, run: ScanRun) -> str:
        return f"{run.peak_memory_mb} MB" if run.peak_memory_mb else "-"

    @admin.display(description="seconds")
    def stages(self, run: ScanRun) -> str:
        return badges.stages(run.seconds)

    @admin.display(description="engine")
    def engine_and_revision(self, run: ScanRun) -> str:
        return f"{run.engine}, revision {run.revision}"

    @admin.display(description="parameters")
    def parameters(self, run: ScanRun) -> SafeString:
        lines = "\n".join(f"{name:26} {value}" for name, value in run.params.items())
        return format_html('<pre class="plain">{}</pre>', lines)

    def page_context(self, request: HttpRequest, run: ScanRun) -> dict[str, Any]:
        last = run.answers.select_related("scanner_version").order_by("-date").first()
        return {
            "title": f"Run {run.pk}: {run.scanner_version.slug} on {run.market}, {self.sessions_run(run)}",
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
                question=f"Run {run.scanner_version.slug} again?",
                consequence=f"{run.scanner_version.slug} is run over {self.sessions_run(run)} of market {run.market} "
                "with the parameters this run recorded. Where the result is the same, nothing is written.",
                yes="Run again",
                back=back,
            )
        return version_actions.queue_again(request, queue.repeat_run, run, back=back)
