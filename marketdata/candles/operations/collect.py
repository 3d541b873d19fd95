"""Collects candles of a source into the record: the collector with the record's store, flags and guard.

One process at a time collects a series (`Lease`). A collection that a process left behind is told as stopped, and the
same request takes it up: what is verified is never asked for twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from marketdata.candles import queries
from marketdata.candles.collector import gaps as empty
from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.collections import ChunkState
from marketdata.candles.collector.collector import Collector, Outcome
from marketdata.candles.collector.feature_guard import Guard
from marketdata.candles.collector.planner import CandleRequest, grid_for
from marketdata.candles.collector.progress import Progress
from marketdata.candles.models import CandleCollection
from marketdata.candles.operations.flags import RecordFlags, rules
from marketdata.candles.operations.store import RecordStore
from marketdata.operations.lease import Lease
from marketdata.sources.base import CandleSource

OnProgress = Callable[[Progress, ChunkState], None]
PATIENCE = 120.0  # seconds, in all, to wait for a source that is away


@dataclass(frozen=True, slots=True)
class CollectionReport:
    """How a collection ended; `empty_slots`: how many slots of what was wanted have no candle, by reason."""

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
) -> CollectionReport:
    """Collect a request as of a time; whether the source brought everything, the outcome says.

    RequestError where it cannot be collected (nothing is stored then), LeaseTaken where another process collects the
    series, LeaseLost where one took it over.
    """
    series = Series(source.name, request.market, grid_for(request, source.calendar))
    store, flags = RecordStore(), RecordFlags()
    with Lease(f"collection of {source.title} {request.market} {request.timeframe}") as lease:
        store.permit = lease.check
        store.abandon(series)
        outcome = Collector(
            source,
            store,
            cache=queries.shared_cache(),
            flags=flags,
            guard=Guard(flags, rules()),
            patience=patience,
            on_progress=on_progress,
        ).collect(request, as_of=as_of)
        CandleCollection.objects.filter(pk=outcome.collection.number).update(
            pattern=outcome.pattern or "", eta_error=outcome.eta_error
        )
    wanted = outcome.collection.wanted
    found = queries.gaps(series, wanted.interval, closed_until=wanted.closed_until)
    return CollectionReport(outcome, empty.slots_by_reason(found), len(found))
