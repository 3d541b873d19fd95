"""Bars, corrections, investor flow (read only) and factor events, which are recorded by the operation that imports
them from files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from marketdata.admin.filters import DayFilter, LatestDayFilter, MarketFilter, code_filter
from marketdata.admin.market_list import MarketList
from marketdata.admin.share_names import ShareNames
from marketdata.admin.suspects import SuspectsPage
from marketdata.markets import UnknownMarket, get_market
from marketdata.models import BarCorrection, FactorEvent, FlowCorrection, InstitutionalFlow, Instrument, StockPrice
from marketdata.number_format import format_signed_amount, format_signed_count
from marketdata.operations.record import factor_events
from marketdata.panel import INVESTORS
from marketdata.templatetags.failures import failure_reason
from marketdata.web.admin.changelist import number_column
from marketdata.web.admin.readonly import ReadOnly

if TYPE_CHECKING:
    Form = forms.ModelForm[FactorEvent]
else:
    Form = forms.ModelForm

VALUES = ("open", "high", "low", "close", "volume", "amount", "base_price")
OF_STOCK = code_filter("stock_code")


class LatestBars(LatestDayFilter):
    """The last day of a market, read from its instruments."""

    def latest(self, queryset: QuerySet[Any]) -> Any:
        instruments = Instrument.objects.filter(market=self.value()) if self.value() else Instrument.objects
        return instruments.aggregate(last=Max("last_bar"))["last"]


@admin.register(StockPrice)
class StockPriceAdmin(ReadOnly, ShareNames, MarketList):
    """Raw bars by (code, date) or by day."""

    list_display = ("date", "stock_code", "share", "market", "source", *(number_column(name) for name in VALUES))
    list_filter = (LatestBars, DayFilter, OF_STOCK)
    ordering = ("-date",)
    readonly_fields = ("share",)
    sortable_by = ()
    list_per_page = 100
    note = _("Raw, as traded. A code shows its history, a date the whole market; without either it is the last day.")


class CorrectionAdmin(ReadOnly, ShareNames, MarketList):
    """Values of recorded rows before a source corrected them."""

    list_display: tuple[str, ...] = ("replaced_at", "market", "stock_code", "share", "date", "source", "before")
    list_filter = (MarketFilter, DayFilter, OF_STOCK)
    ordering = ("-replaced_at",)
    readonly_fields = ("share",)
    sortable_by = ()

    @admin.display(description=_("before the correction"))
    def before(self, correction: BarCorrection | FlowCorrection) -> str:
        names = {name: pgettext("column", name.replace("_", " ")) for name in correction.old}
        return ", ".join(f"{names[name]} {value}" for name, value in correction.old.items())


@admin.register(BarCorrection)
class BarCorrectionAdmin(CorrectionAdmin):
    """Corrections of bars."""

    list_display = (*CorrectionAdmin.list_display, "reason")


@admin.register(FlowCorrection)
class FlowCorrectionAdmin(CorrectionAdmin):
    """Corrections of investor flow."""


def flow_column(investor: str) -> Callable[[InstitutionalFlow], SafeString]:
    """A column with the net buying of a kind of investor: the amount with its unit, and the shares below it."""

    @admin.display(description=pgettext_lazy("column", investor))
    def show(row: InstitutionalFlow) -> SafeString:
        currency = get_market(row.market).currency
        amount = format_signed_amount(getattr(row, f"{investor}_net_value"), currency)
        shares = format_signed_count(getattr(row, f"{investor}_net_quantity"))
        return format_html('<span class="fig">{}<br><small>{}</small></span>', amount, shares)

    show.__name__ = investor
    return show


class LatestFlow(LatestDayFilter):
    """The last day with any flow."""

    def latest(self, queryset: QuerySet[Any]) -> Any:
        return queryset.order_by("-date").values_list("date", flat=True).first()


@admin.register(InstitutionalFlow)
class InstitutionalFlowAdmin(ReadOnly, ShareNames, MarketList):
    """Investor flow by (code, date) or by day."""

    list_display = ("date", "stock_code", "share", "market", "source", *(flow_column(who) for who in INVESTORS))
    list_filter = (LatestFlow, DayFilter, OF_STOCK)
    ordering = ("-date",)
    readonly_fields = ("share",)
    sortable_by = ()
    list_per_page = 100
    note = _(
        "Net buying: bought less sold, as an amount of money and below it in shares; a row's page has all digits. A "
        "code shows its history, a date the whole market; without either it is the last day."
    )


class EventForm(Form):
    """The form of an event; it refuses what the operation refuses."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        stored = self.instance
        market = data.get("market") or stored.market
        code = data.get("stock_code") or stored.stock_code
        day, ratio = data.get("date") or stored.date, data.get("ratio")
        if market and code and day and ratio is not None:
            try:
                factor_events.check_decision(market=market, code=code, day=day, ratio=ratio, at=timezone.now())
            except (factor_events.EventRefused, UnknownMarket) as error:
                raise forms.ValidationError(failure_reason(str(error))) from error
        return data


@admin.register(FactorEvent)
class FactorEventAdmin(SuspectsPage, ShareNames, MarketList):
    """Corporate actions supplied from outside. An event is corrected, never deleted: a ratio of 1 says that the
    move was real."""

    form = EventForm
    list_display = ("date", "market", "stock_code", "share", "ratio", "reason", "source", "created_at")
    list_filter = (MarketFilter, DayFilter, OF_STOCK)
    ordering = ("-date", "stock_code")
    note = _("Ratio: the session's base price / the raw close of the session before; 1 says that the move was real.")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("market", "stock_code", "share", "date") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A new event has a code; the name of the share is shown once the event is recorded."""
        return ("market", "stock_code", *(("share",) if obj else ()), "date", "ratio", "reason")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: FactorEvent, form: Any, change: bool) -> None:
        """Record the event by the operation, which marks the lake's month, and read the row."""
        self.supply(request, obj.market, obj.stock_code, obj.date, obj.ratio, obj.reason)
        key = {"market": obj.market, "stock_code": obj.stock_code, "date": obj.date}
        obj.pk = FactorEvent.objects.get(**key).pk
