"""Records when a session's bars were read before they were settled, and when they were settled."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings

from marketdata import membership
from marketdata.models import BarCoverage, SessionReading, StockPrice
from marketdata.queries.readings import get_unsettled

SETTLED_SHARE = 0.99
"""Of the instruments that a source has answered for on a session, those whose bar was read again once settled, from
which on the session is settled: a few may have left the source overnight."""


def record_provisional(market: str, session: date, at: datetime) -> None:
    """Record that bars of `session` were read at `at`, before they were settled."""
    row, is_new = SessionReading.objects.get_or_create(market=market, date=session, defaults={"read_at": at})
    if not is_new and row.settled_at is None:
        SessionReading.objects.filter(pk=row.pk).update(read_at=at)


def settle_by_session(market: str, source: str, session: date, at: datetime) -> None:
    """Record as settled the provisional `session`, which `source` has recorded whole, unless another source's bars of
    it count before (SEISMO_SOURCE_ORDER)."""
    if not get_unsettled(market, session, session):
        return
    recorded = StockPrice.objects.filter(market=market, date=session).order_by().values_list("source", flat=True)
    ranks = membership.rank_sources(list(recorded.distinct()), settings.SOURCE_ORDER)
    if min(ranks, key=lambda name: ranks[name]) == source:
        _settle(market, session, at)


def settle_by_coverage(market: str, source: str, at: datetime) -> None:
    """Record as settled the provisional sessions of which `source` has read the bars again (`BarCoverage.settled`)."""
    for session in get_unsettled(market, date.min, at.date()):
        answered = BarCoverage.objects.filter(
            market=market, source=source, first__lte=session, last__gte=session, unknown=False, spoiled=False
        )
        count = answered.count()
        if count and answered.filter(settled__gte=session).count() >= SETTLED_SHARE * count:
            _settle(market, session, at)


def _settle(market: str, session: date, at: datetime) -> None:
    SessionReading.objects.filter(market=market, date=session, settled_at=None).update(settled_at=at)
