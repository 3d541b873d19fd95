"""Admin of collections of candles, and verified slots; nothing can be changed."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Count, Max, Min, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from marketdata.admin.filters import word_filter
from marketdata.admin.market_list import MarketList
from marketdata.candles import queries
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.candles.models import CandleChunk, CandleCollection, CandleCoverage, CandleSeries
from marketdata.candles.pages import words
from marketdata.market_time import utc_time
from marketdata.web.admin.readonly import ReadOnly

if TYPE_CHECKING:
    Inline = admin.TabularInline[Any, Any]
else:
    Inline = admin.TabularInline

CHUNKS_SHOWN = 50


@admin.register(CandleCollection)
class CandleCollectionAdmin(ReadOnly, MarketList):
    """Collections with their progress, which is derived from their chunks."""

    list_display = (
        "series", "interval", "state", "ending", "progress", "rows", "calls", "chunk_count", "started_at",
    )  # fmt: skip
    list_filter = (word_filter("status", _("status"), words.STATUSES), "series__exchange", "series__timeframe")
    search_fields = ("series__market",)
    fields = (
        "series", "interval", "state", "ending", "error", "progress", "rate", "remaining", "rows", "calls", "retries",
        "cache_hits", "pattern", "estimate_error", "started_at", "ended_at", "last_chunk", "chunks",
    )  # fmt: skip
    readonly_fields = (
        "interval", "state", "ending", "progress", "rate", "remaining", "rows", "calls", "retries", "cache_hits",
        "estimate_error", "last_chunk", "chunks",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[CandleCollection]:
        return queries.collections()

    @admin.display(description=_("status"), ordering="status")
    def state(self, collection: CandleCollection) -> str:
        return str(words.STATUSES.get(collection.status, collection.status))

    @admin.display(description=_("reason"), empty_value="-")
    def ending(self, collection: CandleCollection) -> str:
        return str(words.REASONS.get(collection.reason, collection.reason))

    @admin.display(description=_("interval"))
    def interval(self, collection: CandleCollection) -> str:
        first = f"{as_datetime(collection.start):%Y-%m-%d %H:%M}"
        return _("%(first)s to %(last)s") % {"first": first, "last": _utc(collection.end)}

    @admin.display(description=_("progress"))
    def progress(self, collection: CandleCollection) -> str:
        progress = queries.collection_progress(collection)
        counts = {"ratio": f"{progress.ratio:.0%}", "slots": f"{progress.slots:,}"}
        return _("%(ratio)s of %(slots)s slots") % counts

    @admin.display(description=_("rate"))
    def rate(self, collection: CandleCollection) -> str:
        rate = queries.collection_progress(collection).rows_per_second
        return _("%(count)s rows/s") % {"count": f"{rate:,.0f}"}

    @admin.display(description=_("remaining"), empty_value="-")
    def remaining(self, collection: CandleCollection) -> str | None:
        seconds = queries.collection_progress(collection).remaining
        return None if seconds is None else f"{seconds:,.0f} s"

    @admin.display(description=_("rows"))
    def rows(self, collection: Any) -> int:
        return int(collection.rows_sum)

    @admin.display(description=_("calls"))
    def calls(self, collection: Any) -> int:
        return int(collection.calls_sum)

    @admin.display(description=_("retries"))
    def retries(self, collection: Any) -> int:
        return int(collection.retries_sum)

    @admin.display(description=_("cache hits"))
    def cache_hits(self, collection: Any) -> int:
        return int(collection.cache_hits_sum)

    @admin.display(description=_("chunk count"))
    def chunk_count(self, collection: Any) -> int:
        return int(collection.chunk_count)

    @admin.display(description=_("error of the remaining time"), empty_value="-")
    def estimate_error(self, collection: CandleCollection) -> str | None:
        return None if collection.eta_error is None else f"{collection.eta_error:.1%}"

    @admin.display(description=_("last chunk stored"), empty_value="-")
    def last_chunk(self, collection: Any) -> str | None:
        return _utc(collection.last_stored)

    @admin.display(description=_("the last chunks"))
    def chunks(self, collection: CandleCollection) -> SafeString:
        head = format_html_join("", "<th>{}</th>", [(name,) for name, _cell in _CHUNK_TABLE])
        rows = format_html_join(
            "",
            "<tr>{}</tr>",
            (
                (format_html_join("", "<td>{}</td>", [(cell(chunk),) for _name, cell in _CHUNK_TABLE]),)
                for chunk in queries.last_chunks(collection.pk, CHUNKS_SHOWN)
            ),
        )
        return format_html("<table><tr>{}</tr>{}</table>", head, rows)


def _utc(seconds: int | None) -> str | None:
    """Seconds since 1970 as a time with its zone."""
    return None if seconds is None else utc_time(as_datetime(seconds))


def _minute(name: str) -> Callable[[CandleChunk], str]:
    return lambda chunk: f"{as_datetime(getattr(chunk, name)):%Y-%m-%d %H:%M}"


def _seconds(step: str) -> Callable[[CandleChunk], str]:
    return lambda chunk: f"{getattr(chunk, f'seconds_{step}'):.4f}"


def _megabytes(name: str) -> Callable[[CandleChunk], str]:
    def cell(chunk: CandleChunk) -> str:
        size = getattr(chunk, name)
        return "" if size is None else f"{size / 2**20:,.0f}"

    return cell


_CHUNK_TABLE: tuple[tuple[Any, Callable[[CandleChunk], Any]], ...] = (
    (_("from (UTC)"), _minute("start")),
    (_("to (UTC)"), _minute("end")),
    (_("number"), attrgetter("number")),
    (_("label"), attrgetter("label")),
    (_("slots asked"), attrgetter("slots_asked")),
    (_("slots answered"), attrgetter("slots_answered")),
    (_("rows"), attrgetter("rows")),
    (_("calls"), attrgetter("calls")),
    (_("retries"), attrgetter("retries")),
    (_("bytes"), attrgetter("bytes")),
    (_("cache hits"), attrgetter("cache_hits")),
    (_("create, s"), _seconds("create")),
    (_("overlap, s"), _seconds("overlap")),
    (_("API, s"), _seconds("api")),
    (_("process, s"), _seconds("process")),
    (_("store, s"), _seconds("store")),
    (_("memory MB"), _megabytes("memory")),
    (_("peak MB"), _megabytes("memory_peak")),
)
"""The columns of a collection's chunks: the heading, and the cell of a chunk."""


class CoverageInline(ReadOnly, Inline):
    model = CandleCoverage
    extra = 0
    ordering = ("start",)
    fields = ("from_time", "to_time")
    readonly_fields = ("from_time", "to_time")

    @admin.display(description=_("verified from"))
    def from_time(self, coverage: CandleCoverage) -> str | None:
        return _utc(coverage.start)

    @admin.display(description=_("verified to"))
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

    @admin.display(description=_("verified intervals"), ordering="interval_count")
    def intervals(self, series: Any) -> int:
        return int(series.interval_count)

    @admin.display(description=_("verified from"), empty_value="-")
    def first(self, series: Any) -> str | None:
        return _utc(series.first_slot)

    @admin.display(description=_("verified to"), empty_value="-")
    def last(self, series: Any) -> str | None:
        return _utc(series.last_slot)

    @admin.display(description=_("history begins"), empty_value="-")
    def listed_from(self, series: CandleSeries) -> str | None:
        return _utc(series.listed)
