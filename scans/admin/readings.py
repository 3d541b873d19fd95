"""Filters by reading: whether the bars of a session could still change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scans.models import Reading
from scans.queries.settling import reading_filter


class SessionReadingFilter(admin.SimpleListFilter):
    """Answers that are provisional, or settled."""

    title = _("reading")
    parameter_name = "reading"
    prefix = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, gettext(value)) for value in Reading.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(reading_filter(value, self.prefix)) if value in Reading.values else queryset


class RankReadingFilter(SessionReadingFilter):
    """Picks of such answers."""

    prefix = "session__"


class RunReadingFilter(SessionReadingFilter):
    """Runs by the bars of their last session as they were then."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(read_at__isnull=value == Reading.SETTLED) if value in Reading.values else queryset
