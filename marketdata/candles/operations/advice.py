"""Advice on collections of candles, by the figures of the latest finished one of each series."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q

from marketdata.candles import queries
from marketdata.candles.collector.advice import CollectionFigures, Suggestion, advise
from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.collections import CollectionStatus
from marketdata.candles.collector.features import Feature
from marketdata.candles.models import CandleCollection
from marketdata.candles.operations.sources import candle_source
from marketdata.sources.base import CandleSource


@dataclass(frozen=True, slots=True)
class Advice:
    """The pattern and the score (0..100) of a series' latest finished collection with a call, and the suggestions."""

    series: Series
    pattern: str
    figures: CollectionFigures
    suggestions: list[Suggestion]


def advice(market: str | None = None) -> list[Advice]:
    """The advice on every series, or those of one market, by exchange, market and timeframe."""
    done = CandleCollection.objects.filter(status=CollectionStatus.DONE, chunks__isnull=False)
    if market:
        done = done.filter(series__market=market)
    latest = done.order_by().values("series").annotate(last=Max("pk")).values("last")
    rows: Any = queries.collections().filter(pk__in=latest)
    partial = Count("chunks", filter=~Q(chunks__label="none"))
    partials = dict(
        CandleCollection.objects.filter(pk__in=latest).annotate(partial=partial).values_list("pk", "partial")
    )
    off = frozenset(feature for feature, on in queries.flags().items() if not on)
    results: list[Advice] = []
    sources: dict[str, CandleSource] = {}
    for row in rows.order_by("series__exchange", "series__market", "series__timeframe"):
        name = row.series.exchange
        if name not in sources:
            with closing(candle_source(name)) as source:
                sources[name] = source
        configured: Any = settings.SOURCES[name]
        figures = CollectionFigures(
            rows=row.rows_sum,
            calls=row.calls_sum,
            retries=row.retries_sum,
            partial=partials[row.pk],
            seconds_overlap=row.seconds_overlap,
            seconds_api=row.seconds_api,
            seconds_total=row.seconds,
            page=sources[name].page_limit,
            per_second=configured["per_second"],
            usual_pace=sources[name].usual_pace,
            setting=f"{name.upper()}_PER_SECOND",
            off=off,
        )
        results.append(Advice(queries.series_of(row.series), row.pattern, figures, advise(figures)))
    return results


def advised_pace(exchange: str) -> float:
    """The calls a second that the advice on an exchange's series asks for, the least of them, while the flag is on; 0
    where the configured pace remains."""
    if not queries.flags()[Feature.ADVISED_PACE]:
        return 0.0
    rows = (each for each in advice() if each.series.source == exchange)
    return min((suggestion.pace for row in rows for suggestion in row.suggestions if suggestion.pace), default=0.0)
