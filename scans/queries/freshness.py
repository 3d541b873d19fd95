"""Freshness of the markets' records by calendar, clock and scheduled times.

Readiness adds the versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from marketdata.queries.readiness import Freshness, get_freshness
from scans.models import QuarantineDecision, Verdict
from scans.queries import schedules


def markets_freshness(markets: Sequence[str], as_of: datetime) -> list[Freshness]:
    """The freshness of the records of `markets`, with the times of their schedules. A session in doubt counts as
    decided if one of its quarantined answers was published."""
    evenings = {schedule.market: schedule.at for schedule in schedules.evening_schedules()}
    freshness = get_freshness(markets, as_of, evenings=evenings)
    return [_without_decided(record) if record.undecided else record for record in freshness]


def _without_decided(record: Freshness) -> Freshness:
    days = [day for day, _ in record.undecided]
    decided = QuarantineDecision.objects.filter(
        session__market=record.market, session__date__in=days, verdict=Verdict.PUBLISHED
    ).values_list("session__date", flat=True)
    left = tuple(session_doubt for session_doubt in record.undecided if session_doubt[0] not in set(decided))
    return replace(record, undecided=left)
