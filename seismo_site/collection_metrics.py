"""Figures of the collections of the last 24 hours by source, for Prometheus: candles from their chunks, daily bars from
the notifications of evenings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily

from marketdata.candles import queries as candles
from scans.queries.evening_collections import evening_collections

PERIOD = timedelta(hours=24)
FIGURES = {
    "collections": "Collections of the last 24 hours; of daily bars those of evenings and mornings.",
    "failures": "Those of them that failed or are incomplete.",
    "calls": "Calls of these collections, repeated ones included.",
    "retries": "Calls of them that repeat one that was refused or failed; of candles alone.",
    "rows": "Candles or daily bars that they recorded.",
    "seconds": "Seconds that they took.",
}
LABELS = ("source", "what")


def collection_metrics() -> Iterator[Any]:
    """A sample of each figure for each source with a collection, and their calls a second."""
    rows = collection_figures(timezone.now() - PERIOD)
    for name, text in FIGURES.items():
        family = GaugeMetricFamily(f"seismo_collection_{name}", text, labels=LABELS)
        for labels, figures in rows.items():
            if name in figures:
                family.add_metric(labels, figures[name])
        yield family
    rate = GaugeMetricFamily("seismo_collection_call_rate", "Their calls a second.", labels=LABELS)
    for labels, figures in rows.items():
        if figures["seconds"]:
            rate.add_metric(labels, figures["calls"] / figures["seconds"])
    yield rate


def collection_figures(since: datetime) -> dict[tuple[str, str], dict[str, float]]:
    """(source, "candles" or "daily bars") -> `FIGURES` of the collections since then."""
    rows: dict[tuple[str, str], dict[str, float]] = {
        (source, "candles"): figures for source, figures in candles.source_figures(since).items()
    }
    daily: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for summary in evening_collections(since):
        counts = daily[summary["source"]]
        counts["collections"] += 1
        counts["failures"] += bool(summary["error"])
        counts["calls"] += summary["calls"]
        counts["rows"] += summary["new"] + summary["corrected"]
        counts["seconds"] += summary["seconds"]
    rows |= {(source, "daily bars"): dict(counts) for source, counts in daily.items()}
    return rows
