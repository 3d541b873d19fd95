"""Every read of candles that faces may use.

`read` serves from one cache for the whole process as far as it goes. The cache holds only what has been verified, which
never changes; the flag `combined_cache` turns it off.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache as once
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Max, Min, QuerySet, Sum

from marketdata.candles.collector import coverage as covered
from marketdata.candles.collector.cache import CandleCache, Series
from marketdata.candles.collector.feature_guard import Feature
from marketdata.candles.collector.fill import EmptySlots, FilledCandles, read_candles
from marketdata.candles.collector.gaps import Gap, classify
from marketdata.candles.collector.timeframes import (
    Grid,
    Interval,
    get_timeframe,
    moment,
    shift,
    slot_count,
)
from marketdata.candles.models import (
    Candle,
    CandleChunk,
    CandleCollection,
    CandleCoverage,
    CandleSeries,
    FeatureFlag,
)
from marketdata.candles.record import RecordedCandles
from marketdata.errors import DataProblem

# --- flags --------------------------------------------------------------------------------------------


def flags() -> dict[Feature, bool]:
    """Every optimisation and whether it is on; one that has no row is."""
    known = {feature.value: feature for feature in Feature}
    rows = FeatureFlag.objects.values_list("feature", "enabled")
    return dict.fromkeys(Feature, True) | {known[name]: on for name, on in rows if name in known}


# --- reading ------------------------------------------------------------------------------------------


@once
def shared_cache() -> CandleCache:
    """The cache of this process."""
    return CandleCache(settings.CANDLE_CACHE_BYTES)


def series(exchange: str, market: str, name: str) -> Series:
    """A recorded series; DataProblem where nothing of it is recorded."""
    row = CandleSeries.objects.filter(exchange=exchange, market=market, timeframe=name).first()
    if row is None:
        get_timeframe(name)  # refused where there is none of that name
        raise DataProblem(
            f"No {name} candles of {market} from {exchange} are recorded: collect them with "
            f"`manage.py collect_candles --source {exchange} --market {market} --timeframe {name}`."
        )
    return series_of(row)


def series_of(row: CandleSeries) -> Series:
    """The series that a row stands for."""
    return Series(row.exchange, row.market, Grid(get_timeframe(row.timeframe), row.offset))


def read(
    wanted: Series,
    interval: Interval,
    *,
    empty: EmptySlots = EmptySlots.FORWARD,
    closed_until: int | None = None,
) -> FilledCandles:
    """Candles of `interval`; see `marketdata.candles.collector.fill`."""
    combined = flags()[Feature.COMBINED_CACHE]
    return read_candles(
        RecordedCandles(),
        wanted,
        interval,
        empty=empty,
        cache=shared_cache() if combined else None,
        closed_until=closed_until,
    )


def gaps(wanted: Series, interval: Interval, *, closed_until: int | None = None) -> list[Gap]:
    """Every empty slot of `interval` in exactly one gap with its reason, ascending."""
    record = RecordedCandles()
    opened = record.openings(wanted, interval)
    coverage = record.coverage(wanted, interval)
    listed = record.listed(wanted)
    return classify(wanted.grid, interval, opened, coverage, listed=listed, closed_until=closed_until)


def interval_of(wanted: Series, *, start: datetime | None, end: datetime | None, count: int | None) -> Interval:
    """The interval of a reader's request on a recorded series: a range, or `count` slots before its end; what is left
    open ends with what is recorded. DataProblem where it is none."""
    (held,) = recorded_series(wanted)
    whole = held.extent or Interval(0, 0)
    grid = wanted.grid
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
    """What is recorded of one series. `extent`: from its first verified or recorded slot to its last, None where there
    is neither; `verified`: slots of it that were asked and answered."""

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
    held = Candle.objects.filter(series__in=rows).values_list("series_id").order_by()
    counted = {
        key: (n, first, last) for key, n, first, last in held.annotate(Count("opened"), Min("opened"), Max("opened"))
    }
    verified = CandleCoverage.objects.filter(series__in=rows).order_by("start")
    intervals: dict[int, list[Interval]] = {}
    for key, start, end in verified.values_list("series_id", "start", "end"):
        intervals.setdefault(key, []).append(Interval(start, end))
    return [_recorded(row, counted.get(row.pk), intervals.get(row.pk, [])) for row in rows]


def _recorded(row: CandleSeries, counted: tuple[int, int, int] | None, verified: list[Interval]) -> RecordedSeries:
    found = series_of(row)
    grid = found.grid
    spans = list(verified)
    if counted:
        spans.append(Interval(counted[1], grid.opening(grid.index(counted[2]) + 1)))
    extent = Interval(min(s.start for s in spans), max(s.end for s in spans)) if spans else None
    slots = covered.covered_slots(grid, tuple(verified))
    return RecordedSeries(found, counted[0] if counted else 0, extent, slots, len(verified), row.listed)


# --- collections --------------------------------------------------------------------------------------


def collections() -> QuerySet[CandleCollection]:
    """Collections with what their chunks add up to, newest first, in one query."""
    chunks = CandleCollection.objects.select_related("series")
    sums = {
        name: Sum(f"chunks__{name}", default=0)
        for name in ("slots_answered", "rows", "calls", "retries", "bytes", "cache_hits")
    }
    return chunks.annotate(
        chunk_count=Count("chunks"),
        settled_from=Min("chunks__start"),
        last_stored=Max("chunks__stored_at"),
        seconds=Sum(
            F("chunks__seconds_overlap") + F("chunks__seconds_api") + F("chunks__seconds_store"),
            default=0.0,
        ),
        **{f"{name}_sum": total for name, total in sums.items()} | {"calls_sum": sums["calls"] + F("calls_lost")},
    )


def last_chunks(collection: int, count: int) -> QuerySet[CandleChunk]:
    """The chunks of a collection that were stored last, newest first."""
    return CandleChunk.objects.filter(collection=collection).order_by("-number")[:count]


@dataclass(frozen=True, slots=True)
class CollectionProgress:
    """How far a collection of `collections` is: slots, rows a second, and the seconds left at its pace (None where it
    has ended or stored nothing yet)."""

    slots: int
    settled: int
    rows_per_second: float
    remaining: float | None

    @property
    def ratio(self) -> float:
        return self.settled / self.slots if self.slots else 1.0


def collection_progress(found: Any) -> CollectionProgress:
    """The progress of one of `collections`, derived from its chunks: it walks from the newest slot to the oldest."""
    grid = series_of(found.series).grid
    slots = slot_count(grid, found.start, found.end)
    if found.status == "done":
        settled = slots
    else:
        settled = slot_count(grid, found.settled_from, found.end) if found.chunk_count else 0
    rate = found.rows_sum / found.seconds if found.seconds else 0.0
    pace = found.seconds / found.slots_answered_sum if found.slots_answered_sum else None
    ended = found.status in ("done", "failed")
    left = None if pace is None or ended else pace * (slots - settled)
    return CollectionProgress(slots, settled, rate, left)
