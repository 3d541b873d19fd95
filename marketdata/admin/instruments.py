"""Instruments with their statuses, and calendar overrides, which are edited here."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from marketdata import calendars
from marketdata.admin.filters import MarketFilter
from marketdata.admin.generations import GenerationMixin
from marketdata.admin.market_list import MarketList
from marketdata.markets import UnknownMarket, get_market
from marketdata.models import CalendarChange, CalendarOverride, Instrument, InstrumentStatus
from marketdata.queries import instrument_search
from marketdata.queries.calendar_disagreements import has_question
from marketdata.templatetags.failures import failure_reason
from marketdata.web.admin.readonly import ReadOnly

if TYPE_CHECKING:
    Inline = admin.TabularInline[Any, Any]
    Form = forms.ModelForm[CalendarOverride]
else:
    Inline, Form = admin.TabularInline, forms.ModelForm


class OverrideForm(Form):
    """The form of an override, which must differ from the calendar."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        name, day = data.get("market"), data.get("date")
        if not name or not day:
            return data
        try:
            market = get_market(name)
        except UnknownMarket as error:
            raise forms.ValidationError({"market": failure_reason(str(error))}) from error
        if not calendars.FIRST_DAY <= day <= calendars.LAST_DAY:
            raise forms.ValidationError(
                {
                    "date": _("The calendars reach from %(first)s to %(last)s.")
                    % {"first": calendars.FIRST_DAY, "last": calendars.LAST_DAY}
                }
            )
        opens, closes = data.get("opens_at"), data.get("closes_at")
        has_hours = opens is not None or closes is not None
        if has_hours and not data["is_open"]:
            raise forms.ValidationError({"opens_at": _("A day on which the market is closed has no hours.")})
        if opens is not None and closes is not None and closes <= opens:
            raise forms.ValidationError({"closes_at": _("The session must close after it opens.")})
        if has_hours:
            return data
        # A second market may override its base market's override, whatever the calendar says.
        if (
            len(market.family) == 1
            and _is_session(market.calendar, day) == data["is_open"]
            and not has_question(market.name, day)
        ):
            sentence = (
                _("%(day)s is a session by the calendar %(calendar)s already: nothing to override.")
                if data["is_open"]
                else _("%(day)s is not a session by the calendar %(calendar)s already: nothing to override.")
            )
            raise forms.ValidationError({"date": sentence % {"day": day, "calendar": market.calendar}})
        return data


def _is_session(calendar: str, day: date) -> bool:
    sessions = calendars.get_calendar_sessions(calendar, cache=settings.CALENDAR_DIR, overrides={})
    return bool(np.isin(np.datetime64(day), sessions))


@admin.register(CalendarOverride)
class CalendarOverrideAdmin(GenerationMixin, MarketList):
    """Days on which a market was open or closed, or had other hours, against its calendar."""

    form = OverrideForm
    list_display = ("market", "date", "is_open", "opens_at", "closes_at", "note")
    list_display_links = ("date",)
    list_filter = (MarketFilter, "is_open")
    fields = ("market", "date", "is_open", "opens_at", "closes_at", "note")
    note = _(
        "A session without a single bar stops every scan whose window contains it: import it, or say here that the "
        "market was closed. Hours are those of the market's clock; leave them empty where the calendar has them right."
    )

    def save_model(self, request: HttpRequest, obj: CalendarOverride, form: Any, change: bool) -> None:
        """Save without a source: an override that a person saves is never withdrawn by a source's answer."""
        obj.source = ""
        super().save_model(request, obj, form, change)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"market": "kr", **super().get_changeform_initial_data(request)}


@admin.register(CalendarChange)
class CalendarChangeAdmin(ReadOnly, MarketList):
    """Changes of overrides by the answers of sources."""

    list_display = ("date", "market", "source", "kind", "is_open", "at", "notified_at")
    list_filter = (MarketFilter, "kind")
    note = _("An override that a person wrote is never withdrawn: a source that says otherwise is listed as disputed.")


class StatusInline(ReadOnly, Inline):
    model = InstrumentStatus
    extra = 0
    ordering = ("-valid_from", "source")
    fields = ("valid_from", "valid_to", "source", "segment", "department", "kind", "managed", "caution")


@admin.register(Instrument)
class InstrumentAdmin(ReadOnly, MarketList):
    """Instruments with their statuses over time."""

    list_display = ("code", "name", "market", "segment", "kind", "first_bar", "last_bar")
    list_filter = (MarketFilter, ("kind", admin.AllValuesFieldListFilter), ("segment", admin.AllValuesFieldListFilter))
    search_fields = ("code__istartswith", "name__icontains")
    search_help_text = _("The beginning of a code, or a part of a name")
    fields = ("market", "code", "name", "segment", "kind", "first_bar", "last_bar", "elsewhere")
    readonly_fields = ("elsewhere",)
    inlines = (StatusInline,)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Instrument], search_term: str
    ) -> tuple[QuerySet[Instrument], bool]:
        """Instruments by a part of the name and by any spelling of the code."""
        rows, repeats = super().get_search_results(request, queryset, search_term)
        if search_term.strip():
            rows |= instrument_search.search_instruments(queryset, search_term)
        return rows, repeats

    @admin.display(description=_("See also"))
    def elsewhere(self, instrument: Instrument) -> SafeString:
        """Links to the other rows of the instrument."""
        query = {"market": instrument.market, "code": instrument.code}
        links = [
            format_html('<a href="{}?{}">{}</a>', reverse(f"admin:{name}_changelist"), urlencode(query), text)
            for name, text in SEE_ALSO
        ]
        return SafeString(" &middot; ".join(links))


SEE_ALSO = (
    ("marketdata_stockprice", _("prices")),
    ("marketdata_institutionalflow", _("flows")),
    ("marketdata_barcorrection", _("corrections")),
    ("marketdata_factorevent", _("factor events")),
    ("scans_scanrank", _("picks")),
    ("scans_signal", _("signals")),
)
