"""Markets for a reader: the facts of each, and the versions that it is scanned with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Max, Min

from marketdata.queries.market_facts import MarketFacts, get_market_facts
from scans.models import ScannerVersion, ScanSession
from scans.queries.versions import active_markets, all_versions


@dataclass(frozen=True, slots=True)
class MarketVersion:
    """A version on a market: the range and number of its published sessions."""

    version: ScannerVersion
    sessions: int = 0
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class MarketSummary:
    """A market with its enabled versions and those that have published sessions, by name; `active`: the version where
    none is named, None where the market has none."""

    facts: MarketFacts
    active: ScannerVersion | None
    versions: Sequence[MarketVersion]


def market_summaries(markets: Sequence[str], as_of: datetime) -> list[MarketSummary]:
    """The summary of each of `markets`, in five queries whatever their number."""
    versions, active = list(all_versions()), active_markets()
    counted = ScanSession.objects.filter(published=True).order_by().values_list("market", "scanner_version")
    published = {
        (market, version): (count, first, last)
        for market, version, count, first, last in counted.annotate(Count("pk"), Min("date"), Max("date"))
    }
    by_market = {market: version for version in versions for market in active.get(version.pk, ())}
    return [
        MarketSummary(
            facts,
            next((by_market[name] for name in reversed(facts.market.family) if name in by_market), None),
            [
                MarketVersion(version, *published.get((facts.market.name, version.pk), ()))
                for version in versions
                if version.enabled or (facts.market.name, version.pk) in published
            ],
        )
        for facts in get_market_facts(markets, as_of)
    ]
