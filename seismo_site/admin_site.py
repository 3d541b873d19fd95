"""The admin: its title, its order, and its first page, the operator's dashboard."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure

from marketdata.operations import task_queue
from marketdata.queries import coverage, instruments
from marketdata.queries.readiness import ReadinessState
from marketdata.templatetags.failures import failure_reason
from scans.queries import overview, readiness
from seismo_site import account_admin, admin_names, queue_admin
from seismo_site.system.figures import system_context

APPS = ("scans", "marketdata", "candles", "django_q", "seismo_site", "auth")
MODELS = (
    "ScannerVersion",
    "ScanRequest",
    "ScanRun",
    "ScanSession",
    "ScanRank",
    "Signal",
    "PrecloseScan",
    "Notification",
    "Coverage",
    "Suspected",
    "Instrument",
    "StockPrice",
    "InstitutionalFlow",
    "IndexBar",
    "IndexChoice",
    "CalendarOverride",
    "CalendarChange",
    "FactorEvent",
    "BarCorrection",
    "FlowCorrection",
    "LakePartition",
)
"""The order of models in the index; others follow."""

PAGES = (
    # (app, object name, title, URL's name, permission)
    ("marketdata", "Coverage", _("Data coverage"), "coverage", "marketdata.view_lakepartition"),
    ("marketdata", "Suspected", _("Suspected actions"), "suspected_actions", "marketdata.view_factorevent"),
    ("scans", "RunStatistics", _("System figures"), "system_figures", "scans.view_scanrun"),
)
"""Pages in the index that are no model's list."""


class SeismoAdminSite(AdminSite):
    """Django's admin with an order of its own and a dashboard."""

    site_header = "Seismo"
    site_title = "Seismo"
    site_url = None
    index_title = _("Console")
    index_template = "admin/console.html"

    def register(
        self, model_or_iterable: Any, admin_class: type[ModelAdmin[Any]] | None = None, **options: Any
    ) -> None:
        """Register the admin class, guarded where it is of the task queue, of users or of groups, and name the model in
        the reader's language."""
        models = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        for model in (*models, *(inline.model for inline in getattr(admin_class, "inlines", ()))):
            admin_names.name_model(model)
        if admin_class:
            admin_class = queue_admin.guard_queue_admin(admin_class)
            admin_class = account_admin.guard_account_admin(model_or_iterable, admin_class)
        super().register(model_or_iterable, admin_class, **options)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Django's, with Seismo's version for the footer."""
        return super().each_context(request) | {"seismo_version": settings.VERSION}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["name"] = _("Task queue") if app["app_label"] == "django_q" else app["name"]
            app["models"] += self._pages(request, app["app_label"])
            app["models"].sort(key=lambda entry: _place(MODELS, entry["object_name"]))
        return sorted(apps, key=lambda app: _place(APPS, app["app_label"]))

    def _pages(self, request: HttpRequest, app_label: str) -> list[dict[str, Any]]:
        return [
            {
                "name": title,
                "object_name": name,
                "perms": {"view": True},
                "admin_url": reverse(f"admin:{view}"),
                "add_url": None,
                "view_only": True,
            }
            for app, name, title, view, permission in PAGES
            if app == app_label and request.user.has_perm(permission)
        ]

    def get_urls(self) -> list[Any]:
        return [path("system/", self.admin_view(self.system_figures), name="system_figures"), *super().get_urls()]

    def system_figures(self, request: HttpRequest) -> TemplateResponse:
        """How reliably versions run, how the cache serves and how long requests take."""
        if not request.user.has_perm("scans.view_scanrun"):
            raise PermissionDenied
        context = {**self.each_context(request), "title": _("System figures"), **system_context()}
        return TemplateResponse(request, "admin/system.html", context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The dashboard; each part needs the permission to view its models."""
        may = request.user.has_perm
        context: dict[str, Any] = {}
        used: list[readiness.Readiness] = []
        if may("marketdata.view_lakepartition"):
            ready = readiness.markets_readiness(instruments.get_market_names(), timezone.now())
            used = [market for market in ready if market.state is not ReadinessState.EMPTY]
            sees_versions = may("scans.view_scanrun")
            context["readiness"] = [
                (market, failure_reason(market.reason if sees_versions else market.record.sentence)) for market in used
            ]
            context["late"] = [row for row in context["readiness"] if row[0].is_alarming]
            context["states"] = coverage.get_market_states(
                instruments.get_market_names(), [market.record for market in used]
            )
            context["behind"] = [state for state in context["states"] if state.stale]
            context["missing"] = [state for state in context["states"] if state.missing]
            context["untraded"] = [state for state in context["states"] if state.untraded]
            context["suspected"] = [state for state in context["states"] if state.suspects]
        if may("scans.view_scanrun"):
            stale = overview.stale_versions(used)
            context["last_runs"] = [
                (last, failure_reason(stale.get((last.run.market, last.version.slug), "")) if last.run else "")
                for last in overview.last_runs()
            ]
            context["undecided"] = overview.undecided_count()
        if may("scans.view_scanrequest"):
            context["queue"] = overview.queue_state()
            with suppress(task_queue.QueueUnavailable):  # the console reports that
                context["tasks"] = task_queue.queue_state(timezone.now())
            context["failures"] = Failure.objects.count()
        return super().index(request, {**context, **(extra_context or {})})


def _place(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else len(order)
