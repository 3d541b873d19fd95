"""Freshness of the markets' records by calendar, clock and scheduled times.

Readiness adds the versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from marketdata.joint_queries import evaluate_together
from marketdata.queries.readiness import Freshness, FreshnessQueries
from scans.models import QuarantineDecision, Verdict
from scans.queries import schedules


def markets_freshness(markets: Sequence[str], as_of: datetime) -> list[Freshness]:
    """The freshness of the records of `markets`, with the times of their schedules. A session in doubt counts as
    decided if one of its quarantined answers was published."""
    queries = ScheduledFreshnessQueries(markets)
    evaluate_together(*queries.query_sets)
    return queries.scheduled_freshness(as_of)


class ScheduledFreshnessQueries(FreshnessQueries):
    """The queries of the freshness of the records of `markets`, and of the schedules of evenings."""

    def __init__(self, markets: Sequence[str]) -> None:
        super().__init__(markets)
        self.schedule_rows = schedules.schedule_rows()
        decisions = QuarantineDecision.objects.filter(session__market__in=markets, verdict=Verdict.PUBLISHED)
        self.decided = decisions.order_by().values_list("session__market", "session__date")

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        return [*super().query_sets, self.schedule_rows, self.decided]

    @cached_property
    def evenings(self) -> list[schedules.EveningSchedule]:
        """The schedules of all markets."""
        return schedules.make_schedules(self.schedule_rows)

    def scheduled_freshness(self, as_of: datetime) -> list[Freshness]:
        """See `markets_freshness`."""
        freshness = self.freshness(as_of, {schedule.market: schedule.at for schedule in self.evenings})
        return [self._without_decided(record) if record.undecided else record for record in freshness]

    def _without_decided(self, record: Freshness) -> Freshness:
        decided = set(self.decided)
        left = tuple((day, doubt) for day, doubt in record.undecided if (record.market, day) not in decided)
        return replace(record, undecided=left)
