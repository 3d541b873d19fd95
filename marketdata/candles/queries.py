"""Reads of candles for faces.

`read` uses one cache for the whole process. The cache has verified candles alone, which never change; the flag
`combined_cache` turns it off.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum

from marketdata.candles.collector.cache import CandleCache, Series
from marketdata.candles.collector.coverage import Coverage, clip, covered_slots
from marketdata.candles.collector.features import OFF_AT_FIRST, Feature
from marketdata.candles.collector.fill import EmptySlots, FilledCandles, read_candles
from marketdata.candles.collector.gaps import Gap, classify
from marketdata.candles.collector.timeframes import Grid, Interval, get_timeframe, moment, shift, slot_count
from marketdata.candles.host_cache import HostCachedCandles
from marketdata.candles.models import Candle, CandleChunk, CandleCollection, CandleCoverage, CandleSeries
from marketdata.candles.record import RecordedCandles
from marketdata.errors import DataProblem
from marketdata.models import FeatureFlag

# --- flags --------------------------------------------------------------------------------------------


def flags() -> dict[Feature, bool]:
    """Every optimisation and whether it is on; one that has no row is."""
    features = {feature.value: feature for feature in Feature}
    rows = FeatureFlag.objects.values_list("feature", "enabled")
    shipped = {feature: feature not in OFF_AT_FIRST for feature in Feature}
    return shipped | {features[name]: on for name, on in rows if name in features}


# --- reading ------------------------------------------------------------------------------------------


@functools.cache
def shared_cache() -> CandleCache:
    """The cache of this process."""
    return CandleCache(settings.CANDLE_CACHE_BYTES)


def get_series(exchange: str, market: str, name: str) -> Series:
    """A recorded series; DataProblem where nothing of it is recorded."""
    return series_of(get_row(exchange, market, name))


def get_row(exchange: str, market: str, name: str) -> CandleSeries:
    """The row of a recorded series; DataProblem where nothing of it is recorded."""
    row = CandleSeries.objects.filter(exchange=exchange, market=market, timeframe=name).first()
    if row is None:
        get_timeframe(name)  # raises TimeframeError for an unknown one
        raise DataProblem(
            f"No {name} candles of {market} from {exchange} are recorded: collect them with "
            f"`manage.py collect_candles --source {exchange} --market {market} --timeframe {name}`."
        )
    return row


def has_market(exchange: str, market: str) -> bool:
    """Whether a series of that market is recorded."""
    return CandleSeries.objects.filter(exchange=exchange, market=market).exists()


def series_of(row: CandleSeries) -> Series:
    """The series of a row."""
    return Series(row.exchange, row.market, Grid(get_timeframe(row.timeframe), row.offset))


def open_record(row: CandleSeries) -> HostCachedCandles:
    """The record of a series for one answer, with the cache of this process behind the flag `combined_cache`."""
    record = HostCachedCandles(shared_cache() if flags()[Feature.COMBINED_CACHE] else None)
    record.know(series_of(row), row)
    return record


def read(
    series: Series,
    interval: Interval,
    *,
    empty: EmptySlots = EmptySlots.FORWARD,
    closed_until: int | None = None,
    record: HostCachedCandles | None = None,
) -> FilledCandles:
    """Candles of `interval`; see `marketdata.candles.collector.fill`. `record`: that of the answer, if any."""
    if record is None:
        record = HostCachedCandles(shared_cache() if flags()[Feature.COMBINED_CACHE] else None)
    return read_candles(record, series, interval, empty=empty, cache=record.cache, closed_until=closed_until)


def coverage(series: Series, interval: Interval, record: RecordedCandles | None = None) -> Coverage:
    """Verified intervals within `interval`, ascending."""
    return clip((record or RecordedCandles()).coverage(series, interval), interval)


def verified_ratio(series: Series, interval: Interval, verified: Coverage) -> float:
    """The share of the slots of `interval` that are verified, 0..1."""
    slots = slot_count(series.grid, *interval)
    return covered_slots(series.grid, verified) / slots if slots else 1.0


def gaps(
    series: Series, interval: Interval, *, closed_until: int | None = None, record: RecordedCandles | None = None
) -> list[Gap]:
    """Every empty slot of `interval` in exactly one gap with its reason, ascending."""
    record = record or RecordedCandles()
    opened = record.openings(series, interval)
    coverage = record.coverage(series, interval)
    listed = record.listed(series)
    return classify(series.grid, interval, opened, coverage, listed=listed, closed_until=closed_until)


def interval_of(
    series: Series,
    *,
    start: datetime | None,
    end: datetime | None,
    count: int | None,
    record: RecordedCandles | None = None,
) -> Interval:
    """The interval of a reader's request on a recorded series: a range, or `count` slots before its end; an open side
    ends with the record. DataProblem where the request is contradictory."""
    is_open = end is None or (start is None and count is None)
    whole = (record or RecordedCandles()).extent(series) if is_open else None
    whole = whole or Interval(0, 0)
    grid = series.grid
    last = whole.end if end is None else grid.ceil(moment(end))
    if count is not None:
        if count < 1 or start is not None:
            raise DataProblem("Give a count of at least 1 without a start, or a start.")
        return Interval(shift(grid, last, -count), last)
    first = whole.start if start is None else grid.ceil(moment(start))
    if last < first:
        raise DataProblem(f"The range ends before it begins: {Interval(first, last)}.")
    return Interval(first, last)


@dataclass(frozen=True, slots=True)
class RecordedSeries:
    """The record of one series. `extent`: from its first verified or recorded slot to its last, None where there is
    neither; `verified`: number of verified slots."""

    series: Series
    candles: int
    extent: Interval | None
    verified: int
    intervals: int
    listed: int | None


def recorded_series(only: Series | None = None) -> list[RecordedSeries]:
    """All recorded series, by exchange, market and timeframe; or one."""
    rows = CandleSeries.objects.all()
    if only is not None:
        exchange, market, grid = only
        rows = rows.filter(exchange=exchange, market=market, timeframe=grid.timeframe.name)
    candles = Candle.objects.filter(series__in=rows).values_list("series_id").order_by()
    extents = {
        key: (n, first, last) for key, n, first, last in candles.annotate(Count("opened"), Min("opened"), Max("opened"))
    }
    verified = CandleCoverage.objects.filter(series__in=rows).order_by("start")
    intervals: dict[int, list[Interval]] = {}
    for key, start, end in verified.values_list("series_id", "start", "end"):
        intervals.setdefault(key, []).append(Interval(start, end))
    return [_recorded(row, extents.get(row.pk), intervals.get(row.pk, [])) for row in rows]


def _recorded(row: CandleSeries, candles: tuple[int, int, int] | None, verified: list[Interval]) -> RecordedSeries:
    """`candles`: their number, the first and the last opening."""
    series = series_of(row)
    grid = series.grid
    spans = list(verified)
    if candles:
        spans.append(Interval(candles[1], grid.opening(grid.index(candles[2]) + 1)))
    extent = Interval(min(s.start for s in spans), max(s.end for s in spans)) if spans else None
    slots = covered_slots(grid, tuple(verified))
    return RecordedSeries(series, candles[0] if candles else 0, extent, slots, len(verified), row.listed)


# --- collections --------------------------------------------------------------------------------------


STEPS = ("create", "overlap", "api", "process", "store")
"""The steps of a chunk whose seconds are recorded."""


def collections() -> QuerySet[CandleCollection]:
    """Collections with the sums over their chunks, newest first, in one query."""
    chunks = CandleCollection.objects.select_related("series")
    sums = {
        name: Sum(f"chunks__{name}", default=0)
        for name in ("slots_answered", "rows", "calls", "retries", "bytes", "cache_hits")
    }
    return chunks.annotate(
        chunk_count=Count("chunks"),
        settled_from=Min("chunks__start"),
        last_stored=Max("chunks__stored_at"),
        memory_peak=Max("chunks__memory_peak"),
        seconds_overlap=Sum("chunks__seconds_overlap", default=0.0),
        seconds_api=Sum("chunks__seconds_api", default=0.0),
        seconds=Sum(sum(F(f"chunks__seconds_{step}") for step in STEPS), default=0.0),
        **{f"{name}_sum": total for name, total in sums.items()} | {"calls_sum": sums["calls"] + F("calls_lost")},
    )


def recent_figures(count: int = 1_000) -> dict[str, float]:
    """Sums over the newest chunks of all collections, at most `count`: their number, the seconds of each step, calls,
    retries, rows, cache hits, and the most memory of a process (0 where no chunk is a sample)."""
    newest = CandleChunk.objects.order_by("-pk")[:count]
    names = (*(f"seconds_{step}" for step in STEPS), "calls", "retries", "rows", "cache_hits")
    sums = {name: Sum(name, default=0) for name in names}
    return newest.aggregate(chunks=Count("pk"), memory_peak=Max("memory_peak", default=0), **sums)


def source_figures(since: datetime) -> dict[str, dict[str, float]]:
    """Sums over the collections that run or ended since then, by exchange: collections, those that failed, and the
    calls, retries, rows and seconds of their chunks; two queries."""
    recent = CandleCollection.objects.filter(Q(ended_at=None) | Q(ended_at__gte=since)).order_by()
    figures: dict[str, dict[str, float]] = {}
    counts = recent.values_list("series__exchange").annotate(
        Count("pk"), Sum("calls_lost"), failures=Count("pk", filter=Q(status="failed"))
    )
    for exchange, collections, calls, failures in counts:
        figures[exchange] = dict.fromkeys(("retries", "rows", "seconds"), 0.0)
        figures[exchange] |= {"collections": collections, "failures": failures, "calls": calls}
    chunks = CandleChunk.objects.filter(collection__in=recent).order_by()
    seconds = Sum(sum(F(f"seconds_{step}") for step in STEPS))
    sums = chunks.values_list("collection__series__exchange").annotate(
        Sum("calls"), Sum("retries"), Sum("rows"), seconds=seconds
    )
    for exchange, *values in sums:
        for name, value in zip(("calls", "retries", "rows", "seconds"), values, strict=True):
            figures[exchange][name] += value
    return figures


def last_chunks(collection: int, count: int) -> QuerySet[CandleChunk]:
    """The chunks of a collection that were stored last, newest first."""
    return CandleChunk.objects.filter(collection=collection).order_by("-number")[:count]


@dataclass(frozen=True, slots=True)
class CollectionProgress:
    """The progress of a collection: slots, rows a second, and the remaining seconds at its speed (None where it has
    ended or stored nothing yet)."""

    slots: int
    settled: int
    rows_per_second: float
    remaining: float | None

    @property
    def ratio(self) -> float:
        return self.settled / self.slots if self.slots else 1.0


def collection_progress(collection: Any) -> CollectionProgress:
    """The progress of one of `collections`, by its chunks, which go from the newest slot to the oldest."""
    grid = series_of(collection.series).grid
    slots = slot_count(grid, collection.start, collection.end)
    if collection.status == "done":
        settled = slots
    else:
        settled = slot_count(grid, collection.settled_from, collection.end) if collection.chunk_count else 0
    rate = collection.rows_sum / collection.seconds if collection.seconds else 0.0
    answered = collection.slots_answered_sum
    seconds_a_slot = collection.seconds / answered if answered else None
    has_ended = collection.status in ("done", "failed")
    remaining = None if seconds_a_slot is None or has_ended else seconds_a_slot * (slots - settled)
    return CollectionProgress(slots, settled, rate, remaining)
