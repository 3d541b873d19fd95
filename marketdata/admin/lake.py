"""The lake's partitions, and how much of each market is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from marketdata.admin.filters import MarketFilter
from marketdata.admin.market_list import MarketList
from marketdata.errors import DataProblem, LakeError
from marketdata.markets import UnknownMarket
from marketdata.models import LakePartition
from marketdata.operations.projection import project
from marketdata.queries import coverage, instruments, readiness
from marketdata.queries.index_series import get_own_index
from marketdata.queries.records import get_record
from marketdata.templatetags.failures import failure_reason
from marketdata.web.admin.actions import action_fields, confirmation_page, is_confirmed, log_action
from marketdata.web.admin.changelist import number_column
from marketdata.web.admin.readonly import ReadOnly
from marketdata.web.admin.sparklines import polyline_points

MOST_MONTHS = 24
"""The most months that one request rewrites, since the browser waits for them."""
SHOWN_SESSIONS = 250


class StaleFilter(admin.SimpleListFilter):
    """Up to date or behind the record."""

    title = _("state")
    parameter_name = "stale"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [("1", _("behind the record")), ("0", _("up to date"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "1":
            return queryset.exclude(wanted=F("written"))
        return queryset.filter(wanted=F("written")) if self.value() == "0" else queryset


@admin.register(LakePartition)
class LakePartitionAdmin(ReadOnly, MarketList):
    """The lake's partitions and whether each is up to date."""

    list_display = ("market", "month_name", "up_to_date", number_column("rows"), "megabytes", "written_at", "digest")
    list_display_links = ("month_name",)
    list_filter = (MarketFilter, StaleFilter)
    ordering = ("market", "-month")
    sortable_by = ()
    fields = ("market", "month", "wanted", "written", "rows", "megabytes", "digest", "written_at", "days")
    readonly_fields = ("megabytes", "days")
    actions = ("rebuild",)
    note = _("The lake is a copy of the record. Rebuilding a month writes its file anew and changes no price.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[LakePartition]:
        return super().get_queryset(request).defer("sessions")

    def get_urls(self) -> list[URLPattern]:
        whole = self.admin_site.admin_view(self.coverage)
        one = self.admin_site.admin_view(self.of_market)
        return [
            path("coverage/", whole, name="coverage"),
            path("coverage/<str:market>/", one, name="coverage_of_market"),
            *super().get_urls(),
        ]

    @admin.display(description=_("month"), ordering="month")
    def month_name(self, partition: LakePartition) -> str:
        return f"{partition.month:%Y-%m}"

    @admin.display(description=_("up to date"), boolean=True)
    def up_to_date(self, partition: LakePartition) -> bool:
        return not partition.is_stale

    @admin.display(description=_("MB"))
    def megabytes(self, partition: LakePartition) -> str:
        return f"{partition.bytes / 1e6:.2f}"

    @admin.display(description=_("bars by session"))
    def days(self, partition: LakePartition) -> str:
        return "\n".join(f"{day}  {counts[0]:>6}" for day, counts in sorted(partition.sessions.items()))

    def has_rebuild_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("marketdata.change_lakepartition")

    @admin.action(description=_("Rebuild from the record"), permissions=["rebuild"])
    def rebuild(self, request: HttpRequest, chosen: QuerySet[LakePartition]) -> HttpResponse | None:
        rows = list(chosen)
        if len(rows) > MOST_MONTHS:
            sentence = _("%(count)s months are too many for one request: choose up to %(most)s.")
            messages.error(request, sentence % {"count": len(rows), "most": MOST_MONTHS})
            return None
        if not is_confirmed(request):
            return confirmation_page(
                request,
                self,
                question=ngettext(
                    "Rebuild %(count)s month of the lake?", "Rebuild %(count)s months of the lake?", len(rows)
                )
                % {"count": len(rows)},
                consequence=_(
                    "Each file is written anew from the record and replaces the old one. Scans go on meanwhile; the "
                    "page waits until all are written."
                ),
                yes=_("Rebuild"),
                back=reverse("admin:marketdata_lakepartition_changelist"),
                rows=rows,
                fields=action_fields("rebuild", [row.pk for row in rows]),
            )
        try:
            bars = sum(
                project.project_bars(
                    market, rebuild=True, months=[row.month for row in rows if row.market == market]
                ).rows
                for market in sorted({row.market for row in rows})
            )
        except DataProblem as error:
            messages.error(request, failure_reason(str(error)))
            return None
        rebuilt = ngettext(
            "Rebuilt %(count)s month of the lake with %(bars)s bars.",
            "Rebuilt %(count)s months of the lake with %(bars)s bars.",
            len(rows),
        )
        log_action(request, rows, rebuilt % {"count": len(rows), "bars": f"{bars:,}"})
        return None

    def coverage(self, request: HttpRequest) -> HttpResponse:
        """The coverage of every market."""
        self._may_look(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Data coverage"),
            "states": _states(instruments.get_market_names()),
        }
        return TemplateResponse(request, "admin/marketdata/coverage.html", context)

    def of_market(self, request: HttpRequest, market: str) -> HttpResponse:
        """One market by month, with its index."""
        self._may_look(request)
        try:
            record = get_record(market)
        except UnknownMarket as error:
            messages.error(request, failure_reason(str(error)))
            return self.coverage(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Data coverage of market %(market)s") % {"market": market},
            "market": market,
            "state": _states([market])[0],
            "months": coverage.get_month_states(record),
            **_index(record),
        }
        return TemplateResponse(request, "admin/marketdata/coverage_market.html", context)

    def _may_look(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied


def _states(markets: list[str]) -> list[coverage.MarketState]:
    """The state of these markets as of now."""
    return coverage.get_market_states(markets, readiness.get_freshness(markets, timezone.now()))


def _index(record: Any) -> dict[str, Any]:
    """The market's own index as a line and as its last rows, or why there is none."""
    if not len(record.sessions):
        return {}
    try:
        days, m, spread = get_own_index(record)
    except LakeError as error:
        return {"index_problem": failure_reason(str(error))}
    low = max(len(days) - SHOWN_SESSIONS, 0)
    level = 100 * np.cumprod(1 + np.nan_to_num(m[low:]))
    rows = [
        {"day": str(days[n]), "move": 100 * m[n], "range": 100 * spread[n]}
        for n in range(len(days) - 1, max(low, len(days) - 20) - 1, -1)
    ]
    return {
        "index_rows": rows,
        "index_line": polyline_points(level),
        "index_from": str(days[low]) if len(days) else "",
        "index_level": level[-1] if len(level) else None,
    }
