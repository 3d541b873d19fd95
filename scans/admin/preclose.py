"""Scans before the close in the admin: what was read, and what each version picked."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketdata.admin.filters import MarketFilter, day_filter
from marketdata.admin.market_list import MarketList
from marketdata.market_time import market_time
from marketdata.web.admin.changelist import number_column
from marketdata.web.admin.readonly import ReadOnly
from scans.models import PrecloseAnswer, PrecloseScan, Status


@admin.register(PrecloseScan)
class PrecloseScanAdmin(ReadOnly, MarketList):
    """Scans before the close; read only, and nothing of them is published."""

    list_display = (
        "read",
        "market",
        "picks",
        number_column("quoted"),
        number_column("expected"),
        number_column("seconds"),
        "started_by",
    )
    list_filter = (MarketFilter, day_filter("session", _("session")))
    ordering = ("-session", "-read_at")
    sortable_by = ()
    exclude = ("content",)
    readonly_fields = ("picks", "codes")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PrecloseScan]:
        return super().get_queryset(request).defer("content").prefetch_related("answers__scanner_version")

    @admin.display(description=_("read"))
    def read(self, row: PrecloseScan) -> str:
        return market_time(row.read_at, row.market)

    @admin.display(description=_("picks"))
    def picks(self, row: PrecloseScan) -> str:
        return ", ".join(f"{answer.scanner_version.slug} {_count(answer)}" for answer in row.answers.all()) or "-"

    @admin.display(description=_("codes"))
    def codes(self, row: PrecloseScan) -> SafeString | str:
        lines = ((answer.scanner_version.slug, " ".join(answer.codes) or "-") for answer in row.answers.all())
        return format_html_join("", "<p>{}: {}</p>", lines) or "-"


def _count(answer: PrecloseAnswer) -> str:
    return gettext("failed") if answer.status == Status.FAILED else f"{len(answer.codes):,}"
