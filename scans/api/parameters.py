"""Parameters of endpoints: versions and dates, their parsers, and errors where there is none."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Any

import django_filters
import numpy as np
import pyarrow as pa
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers

from marketdata.market_time import market_date, market_zone
from marketdata.markets import Market
from marketdata.queries.market_calendar import get_sessions, has_session
from marketdata.web.api import downloads
from marketdata.web.api.filters import ChoiceFilter, Filters
from marketdata.web.api.problems import Problem
from marketdata.web.api.schema import path_parameter
from scans.models import Reading, ScannerVersion
from scans.queries import versions
from scans.queries.settling import EVENING, reading_filter

MOST_VERSIONS = 8
EVERY = "*"
"""In place of the names of versions: all there are."""
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

DATE = path_parameter("date", "A session, as YYYY-MM-DD", {"A session": "2024-05-31"}, OpenApiTypes.DATE)
SLUG = path_parameter("slug", "The name of a scanner version", {"Version 2": "v2"})


class VersionParameters(serializers.Serializer[Any]):
    scanner_version = serializers.CharField(
        required=False, max_length=40, help_text="e.g. v2; omitted: the market's active version"
    )


class VersionsParameters(serializers.Serializer[Any]):
    scanner_version = serializers.CharField(
        required=False,
        max_length=340,
        help_text=f"One or several, e.g. v2,v3; {EVERY}: every version; omitted: the market's active version",
    )

    def validate_scanner_version(self, text: str) -> list[str]:
        return split_list(text)


class ReadingParameters(serializers.Serializer[Any]):
    reading = serializers.ChoiceField(
        required=False,
        choices=[EVENING],
        help_text="evening: the answer of the evening, from bars that could still change; omitted: the published one",
    )


class RankParameters(ReadingParameters, VersionParameters):
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

    split = serializers.BooleanField(
        default=False, help_text="Name the rule by which each version left an instrument out, e.g. true"
    )

    def validate_versions(self, text: str) -> list[str]:
        slugs = split_list(text)
        if not 2 <= len(slugs) <= MOST_VERSIONS:
            raise serializers.ValidationError(f"Name two to {MOST_VERSIONS} different versions, such as v1,v2.")
        return slugs


def split_list(text: str) -> list[str]:
    """The distinct items of a comma-separated list."""
    return list(dict.fromkeys(item.strip() for item in text.split(",") if item.strip()))


class VersionFilter(django_filters.CharFilter):  # type: ignore[misc]
    """Rows of one version; one that does not exist is an error, not an empty list."""

    def __init__(self, *, field_name: str) -> None:
        super().__init__(field_name=field_name, max_length=40, help_text="A scanner version, e.g. v2")

    def filter(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return rows
        return rows.filter(**{self.field_name: versions.get_versions("", [value])[0]})


class ReadingFilter(ChoiceFilter):
    """Rows whose session has this reading; `prefix` leads to its answer."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        super().__init__(choices=Reading.choices, help_text="Whether the bars of the session could still change")

    def filter(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(reading_filter(value, self._prefix)) if value else rows


class DateRangeParameters(serializers.Serializer[Any]):
    """`from` and `to`, which cannot be attributes of a class body; both ends count."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        ends = {
            "from": serializers.DateField(required=False, help_text="This day or later, e.g. 2024-05-02"),
            "to": serializers.DateField(required=False, help_text="This day or before, e.g. 2024-05-31"),
        }
        return {**super().get_fields(), **ends}


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
"""The first columns of a table of picks."""


def require_session(market: Market, day: date) -> None:
    """A Problem (404) with the nearest sessions where the day is no session of the market."""
    if is_session(market, day):
        return
    calendar = get_sessions(market.name)
    at = int(np.searchsorted(calendar, np.datetime64(day)))
    before, after = calendar[max(at - 1, 0) : at], calendar[at : at + 1]
    raise Problem(
        "not_a_session",
        f"{day} is not a session of market {market.name}: `nearest` names those around it.",
        nearest={
            "before": before[0].item() if len(before) else None,
            "after": after[0].item() if len(after) else None,
        },
    )


def chosen_version(market: str, query: dict[str, Any]) -> ScannerVersion:
    """The requested version, else the market's active one."""
    slug = query.get("scanner_version")
    return versions.get_versions(market, [slug] if slug else [])[0]


def chosen_versions(market: str, slugs: list[str]) -> list[ScannerVersion]:
    """The versions of these names, every one for `EVERY`, the market's active one without names."""
    return list(versions.all_versions()) if slugs == [EVERY] else versions.get_versions(market, slugs)


def parse_date(text: str) -> date:
    """The date of a path, written as YYYY-MM-DD; a Problem (400) where it is none."""
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Problem("invalid_date", f"{text!r} is not a date: write it as 2024-05-31.", status_code=400)


def today(market: Market) -> date:
    """The date in the market's time zone."""
    return market_date(timezone.now(), market)


def midnight(market: Market) -> datetime:
    """The start of the day in the market's time zone."""
    return datetime.combine(today(market), time(), market_zone(market))


def is_session(market: Market, day: date) -> bool:
    """Whether the market's calendar has a session on that day."""
    return has_session(get_sessions(market.name), day)
