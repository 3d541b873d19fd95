"""The calls of a day to a source that limits them, from midnight to midnight of its market, by all processes."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketdata.markets import Market
from marketdata.models import SourceVisit
from marketdata.operations.collect.plan import market_zone
from marketdata.sources.sessions import SessionSource

VISIT_KIND = "calls"
SPARE_CALLS = 0.95
"""Share of a day's calls that are planned; the others are left for retries."""


def calls_left(source: SessionSource, market: Market, as_of: datetime) -> int:
    """How many calls of the day of `as_of` can still be planned."""
    visit = SourceVisit.objects.filter(source=source.name, what=VISIT_KIND).first()
    made = visit.calls if visit is not None and _is_same_day(visit.at, as_of, market) else 0
    return max(int(source.calls_a_day * SPARE_CALLS) - made, 0)


def count_calls(source: SessionSource, market: Market, calls: int, at: datetime) -> None:
    """Add calls made at `at`."""
    if not calls:
        return
    with transaction.atomic():
        visit, _ = SourceVisit.objects.select_for_update().get_or_create(
            source=source.name, what=VISIT_KIND, defaults={"at": at}
        )
        visit.calls = calls + (visit.calls if _is_same_day(visit.at, at, market) else 0)
        visit.at = at
        visit.save()


def _is_same_day(first: datetime, second: datetime, market: Market) -> bool:
    zone = market_zone(market)
    return first.astimezone(zone).date() == second.astimezone(zone).date()
