"""Filters by indexed columns: a market, one day, one code. None of them reads the table for its choices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from marketdata.queries import instruments

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class MarketFilter(admin.SimpleListFilter):
    """One market."""

    title = _("market")
    parameter_name = "market"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(name, name) for name in instruments.get_market_names()]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(market=self.value()) if self.value() else queryset


class LatestDayFilter(MarketFilter):
    """One market; its last recorded day where the filters name no day and no code, since no index covers all rows of a
    market."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().queryset(request, queryset)
        if request.GET.get("date") or request.GET.get("code"):
            return rows
        return rows.filter(date=self.latest(rows))

    def latest(self, queryset: QuerySet[Any]) -> Any:
        """The last recorded day of the rows."""
        raise NotImplementedError


class InputFilter(admin.SimpleListFilter):
    """A filter by the text of an input: `field` is the column, `kind` the type of the input."""

    template = "admin/typed_filter.html"
    field = ""
    kind = "text"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("", "")]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        others = [(name, value) for name, value in changelist.params.items() if name not in (self.parameter_name, "p")]
        yield {"others": others, "value": self.value() or "", "kind": self.kind}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        text = (self.value() or "").strip()
        return queryset.filter(**{self.field: text}) if text else queryset


class DayFilter(InputFilter):
    """One day."""

    title = _("date")
    parameter_name = "date"
    field = "date"
    kind = "date"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        text = (self.value() or "").strip()
        if not text:
            return queryset
        try:
            return queryset.filter(**{self.field: date.fromisoformat(text)})
        except ValueError:
            messages.error(request, _("%(text)r is not a date: write it as 2026-08-21.") % {"text": text})
            return queryset.none()


def code_filter(column: str) -> type[InputFilter]:
    """A filter of one instrument's code in `column`."""

    class CodeFilter(InputFilter):
        title = _("code")
        parameter_name = "code"
        field = column

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            text = (self.value() or "").strip()
            spelled = {f"{self.field}__in": instruments.code_spellings(text)}
            return queryset.filter(**spelled) if text else queryset

    return CodeFilter


def day_filter(column: str, name: _StrPromise) -> type[DayFilter]:
    """A filter of one day in `column`."""

    class Day(DayFilter):
        title = name
        parameter_name = column
        field = column

    return Day


def word_filter(column: str, name: _StrPromise, words: Mapping[str, Any]) -> type[admin.SimpleListFilter]:
    """A filter of the values of `column` by their `words` in the reader's language."""

    class WordFilter(admin.SimpleListFilter):
        title = name
        parameter_name = column

        def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, Any]]:
            return list(words.items())

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{column: self.value()}) if self.value() else queryset

    return WordFilter
