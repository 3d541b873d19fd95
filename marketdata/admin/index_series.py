"""The choice of the index behind a market's regimes, and the recorded index series, which are read only."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from marketdata.admin.filters import DayFilter, InputFilter, MarketFilter
from marketdata.admin.generations import GenerationMixin
from marketdata.admin.market_list import MarketList
from marketdata.models import IndexBar, IndexChoice
from marketdata.web.admin.changelist import number_column
from marketdata.web.admin.readonly import ReadOnly


class SeriesFilter(InputFilter):
    """One series."""

    title = _("name")
    parameter_name = "name"
    field = "name"


@admin.register(IndexChoice)
class IndexChoiceAdmin(GenerationMixin, MarketList):
    """The index of each market's regimes, where it is not own-equal."""

    list_display = ("market", "name")
    note = _(
        "The regimes of a market without a row here depend on own-equal, its own index with all weights alike; own-cap "
        "weights by market cap. Either is computed from the market's instruments."
    )


@admin.register(IndexBar)
class IndexBarAdmin(ReadOnly, MarketList):
    """Recorded index series."""

    list_display = (
        "date",
        "market",
        "name",
        *(number_column(name) for name in ("open", "high", "low", "close")),
        "updated_at",
    )
    list_filter = (MarketFilter, SeriesFilter, DayFilter)
    ordering = ("market", "name", "-date")
    sortable_by = ()
