"""Scanner versions in the admin: parameters, the active one of each market, and the actions of an operator."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from marketdata.admin.market_list import MarketList
from marketdata.templatetags.failures import failure_reason
from marketdata.web.admin.actions import log_action
from scans.admin import parameters, segments, version_actions, version_history
from scans.engines.registry import ENGINES
from scans.models import ScannerVersion
from scans.operations import versions
from scans.queries.run_statistics import version_statistics
from scans.queries.versions import active_markets

SHOWN_CHANGES = 20
OTHERS = ("title", "enabled", "segments", "limits")
"""Fields besides the parameters."""


@admin.register(ScannerVersion)
class ScannerVersionAdmin(MarketList):
    """Parameters are typed fields made from the engine's schema; every change is kept with its author."""

    list_display = ("slug", "title", "engine", "enabled", "active_on", "own_parameters", "updated_at")
    list_filter = ("engine", "enabled")
    search_fields = ("slug", "title")
    change_form_template = "admin/scans/version.html"
    object_history_template = "admin/scans/version_history.html"
    actions = ("enable", "disable")
    note = _(
        "A version is an engine with parameters. Change one, or clone it and change the copy; what was published with "
        "the old parameters stays what it was."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScannerVersion]:
        return super().get_queryset(request).prefetch_related("activeversion_set")

    @admin.display(description=_("active on"))
    def active_on(self, version: ScannerVersion) -> SafeString:
        rows = version.activeversion_set.all()
        return format_html_join(" ", '<span class="pill good">{}</span>', ((row.market,) for row in rows))

    @admin.display(description=_("own parameters"))
    def own_parameters(self, version: ScannerVersion) -> str:
        differences = parameters.differences(version)
        text = ", ".join(f"{name} {value}" for name, _default, value in differences[:3])
        rest = len(differences) - 3
        return _("%(text)s and %(count)s more") % {"text": text, "count": rest} if rest > 0 else text or "-"

    # A version is never deleted, since its results refer to it; it is disabled.

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        has_engine = obj is None or obj.engine in ENGINES
        return has_engine and super().has_change_permission(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        engine = obj.engine if obj else _engine_of(request)
        kwargs["form"] = parameters.form_for(engine, segments.segment_names(obj))
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("slug", "title", "enabled", "segments", "limits")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A clone begins with the values of its original."""
        original = _original(request)
        if original is None:
            return {}
        return {
            "slug": f"{original.slug}-copy",
            "title": original.title,
            "segments": original.segments,
            "limits": original.limits,
            **{parameters.PREFIX + name: value for name, value in original.params.items()},
        }

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The choice of an engine first, then its form."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if _engine_of(request) not in ENGINES:
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("A new version: of which engine?"),
                "engines": ENGINES.values(),
            }
            return TemplateResponse(request, "admin/scans/engines.html", context)
        return super().add_view(request, form_url, extra_context)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        form = context["adminform"].form
        version = kwargs.get("obj")
        engine = ENGINES.get(form.engine_name)
        editable = kwargs.get("add") or self.has_change_permission(request, version)
        rows = list(form.rows())
        context.update(
            engine=engine,
            engine_name=form.engine_name,
            editable=editable,
            rows=rows,
            differing=[row for row in rows if row.differs],
            problem=form.problem,
        )
        if version:
            context.update(
                changes=version_history.changes(version, SHOWN_CHANGES),
                active_on=active_markets().get(version.pk, []),
                statistics=version_statistics(version),
                may_run=engine is not None and request.user.has_perm(version_actions.PERMISSION),
                may_activate=version.enabled and self.has_change_permission(request, version),
                may_clone=engine is not None and self.has_add_permission(request),
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: ScannerVersion, form: Any, change: bool) -> None:
        """Through the operations that keep every change."""
        who, now = request.user.get_username(), timezone.now()
        if change:
            others = {name: form.cleaned_data[name] for name in OTHERS}
            versions.change_version(obj, settings=form.own_settings, others=others, who=who, at=now)
        else:
            versions.save_version(obj, who=who, at=now)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Show a problem that appears only on saving (another change came first) and save nothing."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except versions.VersionProblem as problem:
            messages.error(request, failure_reason(str(problem)))
            return HttpResponseRedirect(request.get_full_path())

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        version = self.get_object(request, object_id)
        changes = version_history.changes(version, 200) if version else []
        return super().history_view(request, object_id, {"changes": changes, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/run/", wrap(self.run_now), name="scans_version_run"),
            path("<int:pk>/activate/", wrap(self.activate), name="scans_version_activate"),
            *super().get_urls(),
        ]

    def run_now(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Queue a scan by this version; the page of the request shows its progress."""
        return version_actions.run_now(self, request, self._version(request, pk))

    def activate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make this version the active one of a market."""
        version = self._version(request, pk)
        if not self.has_change_permission(request, version):
            raise PermissionDenied
        return version_actions.activate(self, request, version)

    @admin.action(description=_("Enable"), permissions=["change"])
    def enable(self, request: HttpRequest, chosen: QuerySet[ScannerVersion]) -> None:
        self._switch(request, chosen, enabled=True)

    @admin.action(description=_("Disable"), permissions=["change"])
    def disable(self, request: HttpRequest, chosen: QuerySet[ScannerVersion]) -> None:
        self._switch(request, chosen, enabled=False)

    def _switch(self, request: HttpRequest, chosen: QuerySet[ScannerVersion], *, enabled: bool) -> None:
        switched = []
        for version in chosen:
            if version.enabled == enabled:
                continue
            version.enabled = enabled
            try:
                versions.save_version(version, who=request.user.get_username(), at=timezone.now())
            except versions.VersionProblem as problem:
                messages.error(request, failure_reason(str(problem)))
            else:
                switched.append(version)
        sentence = _("Enabled: %(versions)s.") if enabled else _("Disabled: %(versions)s.")
        if switched:
            log_action(request, switched, sentence % {"versions": ", ".join(version.slug for version in switched)})

    def _version(self, request: HttpRequest, pk: int) -> ScannerVersion:
        version: ScannerVersion | None = self.get_object(request, str(pk))
        if version is None or not self.has_view_permission(request, version):
            raise PermissionDenied
        return version


def _original(request: HttpRequest) -> ScannerVersion | None:
    """The version that a new one is a clone of."""
    pk = request.GET.get("clone", "")
    return ScannerVersion.objects.filter(pk=pk).first() if pk.isdecimal() else None


def _engine_of(request: HttpRequest) -> str:
    """The engine of the version that is being made."""
    original = _original(request)
    return original.engine if original else request.GET.get("engine", "")


def address(version: ScannerVersion) -> str:
    """The page of a version."""
    return reverse("admin:scans_scannerversion_change", args=[version.pk])


def link(version: ScannerVersion) -> SafeString:
    return format_html('<a href="{}">{}</a>', address(version), version.slug)
