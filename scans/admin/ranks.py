"""Picks, by code or by day."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketdata.admin.filters import DayFilter, InputFilter, MarketFilter
from marketdata.admin.market_list import MarketList
from marketdata.queries import instruments
from marketdata.ticks import missing_grid_reason
from marketdata.web.admin.changelist import number_column
from marketdata.web.admin.readonly import ReadOnly
from scans.admin import badges
from scans.admin.readings import RankReadingFilter
from scans.models import ScanRank, ScanSession
from scans.wording import glossary


class RankDay(DayFilter):
    """The picks of one day, of the latest without a day and a code: through the sessions, since the index of ranks
    begins with their session."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        sessions = ScanSession.objects.all()
        if self.value():
            sessions = super().queryset(request, sessions)
        elif request.GET.get("code"):
            return queryset
        else:
            sessions = sessions.filter(published=True)
            market = request.GET.get("market")
            sessions = sessions.filter(market=market) if market else sessions
            sessions = sessions.filter(date=sessions.aggregate(last=Max("date"))["last"])
        return queryset.filter(session__in=sessions)


class RankCode(InputFilter):
    """The picks of one instrument; the query names every market, since the index begins with it."""

    title = _("code")
    parameter_name = "code"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        code = (self.value() or "").strip()
        if not code:
            return queryset
        spelled = instruments.code_spellings(code)
        return queryset.filter(market__in=instruments.get_market_names(), code__in=spelled)


@admin.register(ScanRank)
class ScanRankAdmin(ReadOnly, MarketList):
    """Picks, by code or by day."""

    list_display = (
        "date",
        "scanner_version",
        "rank",
        "code",
        "name",
        number_column("score", places=2),
        "label_name",
        "strategy_name",
        number_column("close"),
        number_column("change_pct", _("change, %"), places=2),
        "published",
        "settled",
    )
    list_filter = (MarketFilter, "scanner_version", RankDay, RankCode, "published", RankReadingFilter)
    list_select_related = ("scanner_version", "session")
    list_display_links = ("rank", "code")
    ordering = ("-date", "scanner_version", "rank")
    sortable_by = ()
    fields = (
        "date",
        "market",
        "scanner_version",
        "rank",
        "code",
        "name",
        "segment",
        "score",
        "label_name",
        "strategy_name",
        "close",
        "change_pct",
        "amount",
        "entry",
        "target",
        "stop",
        "order_prices",
        "holding_min",
        "holding_max",
        "fired",
        "parts",
        "published",
        "settled",
    )
    readonly_fields = ("label_name", "strategy_name", "settled", "order_prices", "fired", "parts")

    @admin.display(description=_("label"))
    def label_name(self, rank: ScanRank) -> str:
        return str(glossary.word(glossary.LABELS, rank.label))

    @admin.display(description=_("strategy"))
    def strategy_name(self, rank: ScanRank) -> str:
        return str(glossary.word(glossary.STRATEGIES, rank.strategy))

    @admin.display(description=_("reading"))
    def settled(self, rank: ScanRank) -> SafeString:
        return badges.pill(rank.session.reading, gettext(rank.session.reading))

    @admin.display(description=_("order prices"))
    def order_prices(self, rank: ScanRank) -> str:
        prices = badges.order_texts(rank)
        if prices:
            names = {"entry": gettext("entry"), "target": gettext("target"), "stop": gettext("stop")}
            return ", ".join(f"{names[level]} {price}" for level, price in prices.items())
        return missing_grid_reason(rank.market, rank.date, rank.segment) or "-"

    @admin.display(description=_("signals"))
    def fired(self, rank: ScanRank) -> str:
        return badges.signal_names(rank) or "-"

    @admin.display(description=_("components"))
    def parts(self, rank: ScanRank) -> SafeString:
        lines = "\n".join(f"{name:24} {value}" for name, value in rank.components.items())
        return format_html('<pre class="plain">{}</pre>', lines or "-")
