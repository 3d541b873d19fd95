"""Admin of collections of candles, and verified slots; nothing can be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Count, Max, Min, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from marketdata.admin.market_list import MarketList
from marketdata.candles import queries
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.candles.models import CandleChunk, CandleCollection, CandleCoverage, CandleSeries
from marketdata.market_time import utc_time
from marketdata.web.admin.readonly import ReadOnly

if TYPE_CHECKING:
    Inline = admin.TabularInline[Any, Any]
else:
    Inline = admin.TabularInline

CHUNKS_SHOWN = 50
CHUNK_COLUMNS = (
    "number", "label", "slots_asked", "slots_answered", "rows", "calls", "retries", "bytes", "cache_hits",
)  # fmt: skip


@admin.register(CandleCollection)
class CandleCollectionAdmin(ReadOnly, MarketList):
    """Collections with their progress, which is derived from their chunks."""

    list_display = (
        "series", "interval", "status", "reason", "progress", "rows", "calls", "chunk_count", "started_at",
    )  # fmt: skip
    list_filter = ("status", "series__exchange", "series__timeframe")
    search_fields = ("series__market",)
    fields = (
        "series", "interval", "status", "reason", "error", "progress", "rate", "remaining", "rows", "calls", "retries",
        "cache_hits", "pattern", "estimate_error", "started_at", "ended_at", "last_chunk", "chunks",
    )  # fmt: skip
    readonly_fields = (
        "interval", "progress", "rate", "remaining", "rows", "calls", "retries", "cache_hits", "estimate_error",
        "last_chunk", "chunks",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[CandleCollection]:
        return queries.collections()

    def interval(self, collection: CandleCollection) -> str:
        return f"{as_datetime(collection.start):%Y-%m-%d %H:%M} to {_utc(collection.end)}"

    def progress(self, collection: CandleCollection) -> str:
        progress = queries.collection_progress(collection)
        return f"{progress.ratio:.0%} of {progress.slots:,} slots"

    def rate(self, collection: CandleCollection) -> str:
        return f"{queries.collection_progress(collection).rows_per_second:,.0f} rows/s"

    @admin.display(description="remaining", empty_value="-")
    def remaining(self, collection: CandleCollection) -> str | None:
        seconds = queries.collection_progress(collection).remaining
        return None if seconds is None else f"{seconds:,.0f} s"

    def rows(self, collection: Any) -> int:
        return int(collection.rows_sum)

    def calls(self, collection: Any) -> int:
        return int(collection.calls_sum)

    def retries(self, collection: Any) -> int:
        return int(collection.retries_sum)

    def cache_hits(self, collection: Any) -> int:
        return int(collection.cache_hits_sum)

    def chunk_count(self, collection: Any) -> int:
        return int(collection.chunk_count)

    @admin.display(description="error of the remaining time", empty_value="-")
    def estimate_error(self, collection: CandleCollection) -> str | None:
        return None if collection.eta_error is None else f"{collection.eta_error:.1%}"

    @admin.display(description="last chunk stored", empty_value="-")
    def last_chunk(self, collection: Any) -> str | None:
        return _utc(collection.last_stored)

    @admin.display(description=f"the last {CHUNKS_SHOWN} chunks")
    def chunks(self, collection: CandleCollection) -> SafeString:
        head = format_html_join("", "<th>{}</th>", [(name,) for name in _CHUNK_HEAD])
        rows = format_html_join(
            "",
            "<tr>{}</tr>",
            (
                (format_html_join("", "<td>{}</td>", [(cell,) for cell in _cells(chunk)]),)
                for chunk in queries.last_chunks(collection.pk, CHUNKS_SHOWN)
            ),
        )
        return format_html("<table><tr>{}</tr>{}</table>", head, rows)


_CHUNK_HEAD = (
    "from (UTC)",
    "to (UTC)",
    *CHUNK_COLUMNS,
    *(f"{step} s" for step in queries.STEPS),
    "memory MB",
    "peak MB",
)


def _utc(seconds: int | None) -> str | None:
    """Seconds since 1970 as a time with its zone."""
    return None if seconds is None else utc_time(as_datetime(seconds))


def _cells(chunk: CandleChunk) -> list[str]:
    times = [f"{as_datetime(when):%Y-%m-%d %H:%M}" for when in (chunk.start, chunk.end)]
    seconds = (getattr(chunk, f"seconds_{step}") for step in queries.STEPS)
    counts = [str(getattr(chunk, name)) for name in CHUNK_COLUMNS]
    memory = ("" if size is None else f"{size / 2**20:,.0f}" for size in (chunk.memory, chunk.memory_peak))
    return [*times, *counts, *(f"{each:.4f}" for each in seconds), *memory]


class CoverageInline(ReadOnly, Inline):
    model = CandleCoverage
    extra = 0
    ordering = ("start",)
    fields = ("from_time", "to_time")
    readonly_fields = ("from_time", "to_time")

    def from_time(self, coverage: CandleCoverage) -> str | None:
        return _utc(coverage.start)

    def to_time(self, coverage: CandleCoverage) -> str | None:
        return _utc(coverage.end)


@admin.register(CandleSeries)
class CandleSeriesAdmin(ReadOnly, MarketList):
    """Series with their verified slots."""

    list_display = ("exchange", "market", "timeframe", "intervals", "first", "last", "listed_from")
    list_filter = ("exchange", "timeframe")
    search_fields = ("market",)
    fields = ("exchange", "market", "timeframe", "listed_from")
    readonly_fields = ("listed_from",)
    inlines = (CoverageInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CandleSeries]:
        verified = {
            "interval_count": Count("verified"),
            "first_slot": Min("verified__start"),
            "last_slot": Max("verified__end"),
        }
        return CandleSeries.objects.annotate(**verified)

    @admin.display(description="verified intervals", ordering="interval_count")
    def intervals(self, series: Any) -> int:
        return int(series.interval_count)

    @admin.display(description="verified from", empty_value="-")
    def first(self, series: Any) -> str | None:
        return _utc(series.first_slot)

    @admin.display(description="verified to", empty_value="-")
    def last(self, series: Any) -> str | None:
        return _utc(series.last_slot)

    @admin.display(description="history begins", empty_value="-")
    def listed_from(self, series: CandleSeries) -> str | None:
        return _utc(series.listed)
