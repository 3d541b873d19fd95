"""The recorded series of an exchange with the state of their collections, in one query; for pages."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery

from marketdata.candles.collector.collections import CollectionStatus
from marketdata.candles.collector.features import Feature
from marketdata.candles.collector.timeframes import TIMEFRAMES
from marketdata.candles.models import CandleChunk, CandleCoverage, CandleSeries
from marketdata.models import FeatureFlag


def series_rows(exchange: str, market: str = "") -> list[Any]:
    """The series of an exchange, or of one of its markets, by market and length of a candle. Each has `first` and
    `last` (of its verified slots), `running` (collections), `latest` and `ended` (the last collection), `last_chunk`
    (of all series) and `is_combined` (the flag of the cache; None where it has no row)."""
    rows: QuerySet[CandleSeries] = CandleSeries.objects.filter(exchange=exchange)
    if market:
        rows = rows.filter(market=market)
    of_series = CandleCoverage.objects.filter(series=OuterRef("pk")).order_by().values("series")
    running = Count("collections", filter=Q(collections__status=CollectionStatus.RUNNING))
    annotated = rows.annotate(
        first=Subquery(of_series.annotate(edge=Min("start")).values("edge")),
        last=Subquery(of_series.annotate(edge=Max("end")).values("edge")),
        running=running,
        latest=Max("collections__pk"),
        ended=Max("collections__ended_at"),
        last_chunk=Subquery(CandleChunk.objects.order_by("-pk").values("pk")[:1]),
        is_combined=Subquery(FeatureFlag.objects.filter(feature=Feature.COMBINED_CACHE).values("enabled")[:1]),
    )
    order = list(TIMEFRAMES)
    return sorted(annotated, key=lambda row: (row.market, order.index(row.timeframe)))


def state(rows: list[Any]) -> list[list[Any]]:
    """Changes with every chunk, and with the start and the end of every collection of these series."""
    return [
        [row.pk, row.listed, row.first, row.last, row.running, row.latest, row.ended, row.last_chunk] for row in rows
    ]
