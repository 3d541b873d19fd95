"""The versions that a market's evening scans unless its schedule names others: enabled, with segments that it has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from marketdata.markets import MARKETS, get_market
from marketdata.queries.instruments import get_segments, stated_segments
from scans.models import ScannerVersion


def enabled_versions(market: str) -> list[ScannerVersion]:
    """The enabled versions whose segments the market has: the default of an evening."""
    return EnabledVersionsQueries(market).versions()


class EnabledVersionsQueries:
    """The queries of `enabled_versions`: evaluated one by one, or with others in one statement by
    `evaluate_together(*query_sets)`."""

    def __init__(self, market: str) -> None:
        self.market, self.segments, self.enabled = market, stated_segments([market]), enabled_rows()

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        """All of them."""
        return [self.segments, self.enabled]

    def versions(self) -> list[ScannerVersion]:
        """See `enabled_versions`."""
        segments = [*get_market(self.market).segments, *(segment for _, segment in self.segments)]
        return fitting_versions(segments, self.enabled)


def enabled_rows() -> QuerySet[ScannerVersion]:
    """The enabled versions of all markets, by name."""
    return ScannerVersion.objects.filter(enabled=True).order_by("slug")


def fitting_versions(segments: Iterable[str], versions: Iterable[ScannerVersion]) -> list[ScannerVersion]:
    """The versions that cover no other segments."""
    return [version for version in versions if set(segments).issuperset(version.segments)]


def lacking_segments(market: str) -> dict[str, list[str]]:
    """Slug of each other enabled version, which an evening skips -> the segments that the market lacks. A version that
    has none of the market's segments and all of another market's belongs there, and is not among them."""
    segments = set(get_segments(market))
    elsewhere = [set(other.segments) - segments for other in MARKETS.values() if other.name != market]
    lacking = {
        version.slug: [name for name in version.segments if name not in segments]
        for version in enabled_rows()
        if not any(other.issuperset(version.segments) for other in elsewhere)
    }
    return {slug: names for slug, names in lacking.items() if names}
