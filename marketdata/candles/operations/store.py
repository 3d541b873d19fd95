"""The database as the collector's store: see `marketdata.candles.collector.collections.CandleStore`.

A chunk is one transaction: candles (upserted), coverage (merged with the recorded one), start of history, and the
chunk's state last. The recorded coverage is read inside it, under the lock of the series, so that two processes that
collect the same series at once cannot undo each other's coverage.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.collections import ChunkWrite, Collection, CollectionStatus, StopReason
from marketdata.candles.collector.planner import ResolvedRequest
from marketdata.candles.models import CandleChunk, CandleCollection, CandleSeries
from marketdata.candles.operations import rows
from marketdata.candles.record import RecordedCandles

ABANDONED = "The process that collected it ended before it did: the same request resumes it."


class RecordStore(RecordedCandles):
    """The database as a `CandleStore`. `step` is called before each statement of a chunk's transaction and after its
    end; tests interrupt it there. `permit` is called first in the transaction, and its error rolls it back."""

    def __init__(self, step: Callable[[str], None] = lambda name: None) -> None:
        super().__init__()
        self._step = step
        self.permit: Callable[[], None] = lambda: None

    def open(self, series: Series, request: ResolvedRequest) -> Collection:
        """Begin a collection, or resume the unfinished one of the same series and interval."""
        key = self.ensure_series(series)
        start, end = request.interval
        same = CandleCollection.objects.filter(series=key, start=start, end=end)
        with transaction.atomic():
            row = same.exclude(status=CollectionStatus.DONE).order_by("-pk").first()
            if row is None:
                row = CandleCollection(
                    series_id=key, start=start, end=end, by_count=request.by_count, started_at=timezone.now()
                )
            row.closed_until = request.closed_until
            row.status, row.reason, row.error, row.ended_at = CollectionStatus.RUNNING, "", "", None
            row.save()
        last = CandleChunk.objects.filter(collection=row).aggregate(last=Max("number"))["last"]
        return Collection(row.pk, series, request, 0 if last is None else last + 1)

    def ensure_series(self, series: Series) -> int:
        """The primary key of the series, whose row is created where there is none."""
        key = self.key(series)
        if key is None:
            row, _ = CandleSeries.objects.get_or_create(
                exchange=series.source,
                market=series.market,
                timeframe=series.grid.timeframe.name,
                defaults={"offset": series.grid.offset},
            )
            key = self._keys[series] = row.pk
        return key

    def abandon(self, series: Series) -> None:
        """Mark running collections of the series as stopped; for the process that has its lease."""
        CandleCollection.objects.filter(series=self.key(series), status=CollectionStatus.RUNNING).update(
            status=CollectionStatus.STOPPED, reason=StopReason.ERROR, error=ABANDONED, ended_at=timezone.now()
        )

    def store_chunk(self, write: ChunkWrite) -> None:
        """Store all changes of a chunk in one transaction."""
        began = time.perf_counter()
        key = self.ensure_series(write.collection.series)
        with transaction.atomic():
            self.permit()
            rows.lock(key)
            self._step("candles")
            rows.upsert_candles(key, write.candles)
            self._step("coverage")
            if write.withdrawn is not None:
                rows.withdraw(key, write.withdrawn)
            if write.verified is not None:
                rows.verify(key, write.verified)
            self._step("listed")
            if write.history is not None:
                rows.write_history(key, write.history)
            self._step("state")
            write.state.seconds_store = time.perf_counter() - began
            rows.insert_state(write.collection.number, write.state, int(time.time()))
            self._step("commit")
        self._step("committed")

    def close(
        self, collection: Collection, status: CollectionStatus, reason: StopReason, error: str = "", *, calls: int = 0
    ) -> None:
        """End a run; `calls` for a chunk that was not stored are added up."""
        CandleCollection.objects.filter(pk=collection.number).update(
            status=status,
            reason=reason,
            error=error[: CandleCollection._meta.get_field("error").max_length],
            ended_at=timezone.now(),
            calls_lost=F("calls_lost") + calls,
        )

    def discard(self, collection: Collection) -> bool:
        """Delete a collection without a stored chunk, and its series where nothing else is recorded of it; False where
        it has a chunk."""
        unused = CandleCollection.objects.filter(pk=collection.number, chunks=None)
        with transaction.atomic():
            if not unused.delete()[0]:
                return False
            key = self._keys.pop(collection.series)
            CandleSeries.objects.filter(pk=key, collections=None, verified=None).delete()
        return True
