"""What is asked for: versions, days, and what to say where there is none."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import django_filters
import numpy as np
import pyarrow as pa
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework import serializers

from marketdata.markets import Market
from marketdata.queries.market_calendar import get_sessions
from marketdata.record import Days
from marketdata.web.api import downloads
from marketdata.web.api.filters import Filters
from marketdata.web.api.problems import Problem
from scans.models import ScannerVersion
from scans.queries import versions

MOST_VERSIONS = 8
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

DATE = OpenApiParameter(
    "date",
    OpenApiTypes.DATE,
    OpenApiParameter.PATH,
    description="A session, as YYYY-MM-DD",
    examples=[OpenApiExample("A session", value="2024-05-31")],
)
SLUG = OpenApiParameter(
    "slug",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="The name of a scanner version",
    examples=[OpenApiExample("Version 2", value="v2")],
)


class VersionParameters(serializers.Serializer[Any]):
    scanner_version = serializers.CharField(
        required=False, max_length=40, help_text="e.g. v2; omitted: the market's active version"
    )


class RankParameters(VersionParameters):
    segment = serializers.CharField(required=False, max_length=20, help_text="e.g. KOSPI")
    label = serializers.CharField(  # type: ignore[assignment]
        required=False, max_length=24, help_text="e.g. strong"
    )
    strategy = serializers.CharField(required=False, max_length=16, help_text="e.g. breakout")
    min_score = serializers.FloatField(required=False, help_text="e.g. 60")


class ChangesParameters(VersionParameters):
    date = serializers.DateField(required=False, help_text="e.g. 2024-05-31; omitted: the latest published session")


class ComparisonParameters(serializers.Serializer[Any]):
    versions = serializers.CharField(max_length=340, help_text=f"Two to {MOST_VERSIONS} versions, e.g. v1,v2")
    date = serializers.DateField(required=False, help_text="e.g. 2024-05-31; omitted: the latest that all of them have")

    def validate_versions(self, text: str) -> list[str]:
        named = split_list(text)
        if not 2 <= len(named) <= MOST_VERSIONS:
            raise serializers.ValidationError(f"Name two to {MOST_VERSIONS} different versions, such as v1,v2.")
        return named


def split_list(text: str) -> list[str]:
    """The different ones of several things separated by commas."""
    return list(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))


class VersionFilter(django_filters.CharFilter):  # type: ignore[misc]
    """Rows of one version; one that does not exist is an error, not an empty list."""

    def __init__(self, *, field_name: str) -> None:
        super().__init__(field_name=field_name, max_length=40, help_text="A scanner version, e.g. v2")

    def filter(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return rows
        return rows.filter(**{self.field_name: versions.get_versions("", [value])[0]})


def date_range_filters(name: str) -> Any:
    """The filters `from` and `to` over the days of the field `name`; both ends count."""
    ends = {
        "from": django_filters.DateFilter(name, "gte", help_text="This day or later, e.g. 2024-05-02"),
        "to": django_filters.DateFilter(name, "lte", help_text="This day or before, e.g. 2024-05-31"),
    }
    return type("Between", (Filters,), ends)  # `from` cannot be an attribute


PICK_COLUMNS = (
    downloads.column("market", pa.string()),
    downloads.column("scanner_version", pa.string()),
    downloads.column("date", pa.date32()),
)
"""What a table of picks says of each, before the pick itself."""


def require_session(market: Market, asked: date) -> None:
    """A problem that names the sessions around a day that is none."""
    if is_session(market, asked):
        return
    calendar = get_sessions(market.name)
    at = int(np.searchsorted(calendar, np.datetime64(asked)))
    before, after = calendar[max(at - 1, 0) : at], calendar[at : at + 1]
    raise Problem(
        "not_a_session",
        f"{asked} is not a session of market {market.name}: `nearest` names those around it.",
        nearest={
            "before": before[0].item() if len(before) else None,
            "after": after[0].item() if len(after) else None,
        },
    )


def chosen_version(market: str, given: dict[str, Any]) -> ScannerVersion:
    """The version asked for, else the market's active one."""
    slug = given.get("scanner_version")
    return versions.get_versions(market, [slug] if slug else [])[0]


def parse_date(text: str) -> date:
    """A day of the path, written as YYYY-MM-DD."""
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Problem("invalid_date", f"{text!r} is not a date: write it as 2024-05-31.", status_code=400)


def today(market: Market) -> date:
    """The day it is where the market is."""
    return timezone.now().astimezone(ZoneInfo(market.timezone)).date()


def midnight(market: Market) -> datetime:
    """When the day began where the market is."""
    return datetime.combine(today(market), time(), ZoneInfo(market.timezone))


def is_session(market: Market, asked: date) -> bool:
    """Whether the market's calendar has a session on that day."""
    return has_session(get_sessions(market.name), asked)


def has_session(calendar: Days, asked: date) -> bool:
    """Whether these sessions, ascending, have that day."""
    day = np.datetime64(asked)
    at = int(np.searchsorted(calendar, day))
    return at < len(calendar) and bool(calendar[at] == day)
