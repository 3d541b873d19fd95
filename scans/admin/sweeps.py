"""Sweeps in the admin: what was tried, what was chosen and the verdict; read only."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from marketdata.admin.filters import MarketFilter
from marketdata.admin.market_list import MarketList
from marketdata.web.admin.readonly import ReadOnly
from scans.models import Sweep
from scans.operations.research.verdict import verdict


@admin.register(Sweep)
class SweepAdmin(ReadOnly, MarketList):
    """Sweeps, the latest first."""

    list_display = ("slug", "engine", "market", "horizon", "test_from", "status", "verdict")
    list_filter = (MarketFilter, "engine", "status")
    readonly_fields = ("verdict",)
    sortable_by = ()

    @admin.display(description=_("verdict"), empty_value="-")
    def verdict(self, sweep: Sweep) -> str:
        return verdict(sweep)
