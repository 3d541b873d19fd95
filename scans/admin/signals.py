"""Signals in the admin: picks with a plan and their outcomes."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from marketdata.admin.filters import MarketFilter, code_filter, day_filter
from marketdata.admin.market_list import MarketList
from marketdata.web.admin.changelist import number_column
from marketdata.web.admin.readonly import ReadOnly
from scans.admin import badges
from scans.models import Signal


@admin.register(Signal)
class SignalAdmin(ReadOnly, MarketList):
    """Signals with their entry, exit and return; read only."""

    list_display = (
        "picked_on",
        "code",
        "share",
        "scanner_version",
        "market",
        "state",
        "entered_on",
        number_column("entry_price"),
        "exit_on",
        number_column("return_pct", _("return, %"), places=2),
        number_column("sessions_held", _("held")),
    )
    list_display_links = ("picked_on", "code")
    list_filter = (
        MarketFilter,
        "status",
        "scanner_version",
        code_filter("code"),
        day_filter("picked_on", _("picked on")),
    )
    readonly_fields = ("share",)
    raw_id_fields = ("rank",)
    ordering = ("-picked_on", "code")
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Signal]:
        return super().get_queryset(request).select_related("scanner_version", "rank__scanner_version")

    @admin.display(description=_("name"), empty_value="-")
    def share(self, signal: Signal) -> str:
        return signal.rank.name

    @admin.display(description=_("status"))
    def state(self, signal: Signal) -> SafeString:
        return badges.state_pill(signal)
