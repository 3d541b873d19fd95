"""Collects candles of a source into the record: the collector with the record's store, flags and guard.

One process at a time collects a series (`Lease`). An abandoned collection is marked as stopped, and the same request
resumes it: verified slots are never collected twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from marketdata.candles import queries
from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.collections import ChunkState
from marketdata.candles.collector.collector import Collector, Outcome
from marketdata.candles.collector.features import RULES
from marketdata.candles.collector.gaps import slots_by_reason
from marketdata.candles.collector.planner import CandleRequest, grid_for
from marketdata.candles.collector.progress import Progress
from marketdata.candles.host_cache import HostCachedCandles
from marketdata.candles.models import CandleCollection
from marketdata.candles.operations.events import webhook_events
from marketdata.candles.operations.store import RecordStore
from marketdata.feature_guard import Guard
from marketdata.operations.feature_flags import RecordFlags, rules
from marketdata.operations.lease import Lease
from marketdata.sources.base import CandleSource

OnProgress = Callable[[Progress, ChunkState], None]
PATIENCE = 120.0  # seconds to wait for an unavailable source


@dataclass(frozen=True, slots=True)
class CollectionReport:
    """The result of a collection. `empty_slots`: slots of the request without a candle, by reason."""

    outcome: Outcome
    empty_slots: dict[str, int]
    gaps: int


def collect(
    *,
    source: CandleSource,
    request: CandleRequest,
    as_of: datetime,
    on_progress: OnProgress | None = None,
    patience: float = PATIENCE,
    permit: Callable[[], None] = lambda: None,
) -> CollectionReport:
    """Collect a request as of a time; the status of the outcome says whether it is complete. `permit` is called in the
    transaction of each chunk, and its exception rolls it back.

    RequestError where it cannot be collected (nothing is stored then), LeaseTaken where another process collects the
    series, LeaseLost where one took it over.
    """
    series = Series(source.name, request.market, grid_for(request, source.calendar))
    store, flags = RecordStore(), RecordFlags()
    with (
        Lease(f"collection of {source.title} {request.market} {request.timeframe}") as lease,
        webhook_events(series) as events,
    ):

        def note(progress: Progress, chunk: ChunkState) -> None:
            if on_progress:
                on_progress(progress, chunk)
            if events:
                events.put(progress, chunk)

        def check() -> None:
            lease.check()
            permit()

        store.permit = check
        store.abandon(series)
        outcome = Collector(
            source,
            store,
            cache=queries.shared_cache(),
            flags=flags,
            guard=Guard(flags, rules(RULES)),
            patience=patience,
            on_progress=note,
            memory_every=settings.CANDLE_MEMORY_EVERY,
        ).collect(request, as_of=as_of)
        CandleCollection.objects.filter(pk=outcome.collection.number).update(
            pattern=outcome.pattern or "", eta_error=outcome.eta_error
        )
    resolved = outcome.collection.request
    HostCachedCandles(queries.shared_cache()).share(series, resolved.interval)
    gaps = queries.gaps(series, resolved.interval, closed_until=resolved.closed_until)
    return CollectionReport(outcome, slots_by_reason(gaps), len(gaps))
