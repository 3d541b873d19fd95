"""The recorded calls to each source by all processes, for the API, the page and the command of sources."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet

from marketdata.market_time import market_date
from marketdata.models import SourceVisit


class CallRecord(NamedTuple):
    """The calls to a source: when the last one was sent, answered and refused, with the reason, and how many were made
    and refused on the day of the last."""

    at: datetime
    answered_at: datetime | None
    refused_at: datetime | None
    refusal: str
    calls: int
    refusals: int

    def day(self, market: str) -> date:
        """The day of the counts, from midnight to midnight of the market."""
        return market_date(self.at, market)


def call_rows() -> QuerySet[SourceVisit, tuple[Any, ...]]:
    """The rows of `call_records`, by source."""
    rows = SourceVisit.objects.filter(what=SourceVisit.CALLS).order_by("source")
    return rows.values_list("source", *CallRecord._fields)


def call_records(rows: QuerySet[SourceVisit, tuple[Any, ...]] | None = None) -> dict[str, CallRecord]:
    """Source -> its calls; `rows`: already evaluated. A source without a call has none."""
    return {source: CallRecord(*row) for source, *row in (call_rows() if rows is None else rows)}
