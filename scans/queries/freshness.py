"""Freshness of the records of markets against calendar, clock and the times of their schedules.

Readiness adds the versions; a scan only needs this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from marketdata.queries.readiness import Freshness, get_freshness
from scans.models import QuarantineDecision, Verdict
from scans.queries import schedules


def markets_freshness(markets: Sequence[str], as_of: datetime) -> list[Freshness]:
    """How fresh the records of `markets` are, with the times of their schedules. A session in doubt of which somebody
    published a quarantined answer is decided."""
    evenings = {one.market: one.at for one in schedules.evening_schedules()}
    found = get_freshness(markets, as_of, evenings=evenings)
    return [_without_decided(one) if one.undecided else one for one in found]


def _without_decided(record: Freshness) -> Freshness:
    days = [day for day, _ in record.undecided]
    decided = QuarantineDecision.objects.filter(
        session__market=record.market, session__date__in=days, verdict=Verdict.PUBLISHED
    ).values_list("session__date", flat=True)
    left = tuple(one for one in record.undecided if one[0] not in set(decided))
    return replace(record, undecided=left)
