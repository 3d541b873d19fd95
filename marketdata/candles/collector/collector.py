"""The collector: records the candles of a request, chunk by chunk from the newest to the oldest.

The steps of a chunk (`collection_run`):

1. analyse   coverage of the window before the cursor -> label and missing interval (`analysis`, `planner.next_chunk`);
             recorded parts are skipped without a call, and the next chunk may be analysed during a call
2. fetch     one page of the source, at most 200 rows; a page that contradicts itself or the record, or is empty, is
             requested again before it is credible (`fetch`)
3. judge     the slots that the page verifies (`verification.judge`): a full page down to its oldest candle, a short one
             down to the start of history, which a later run confirms or withdraws (`history`); never a slot that has
             not closed, or that an exchange behind time may still fill
4. store     candles, coverage and the chunk's state in one transaction

The coverage in the record is the only state between runs: the same request resumes a killed collection, and makes no
call for a finished one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from marketdata.candles.collector.analysis import CollectorContext
from marketdata.candles.collector.cache import CandleCache, Series
from marketdata.candles.collector.collection_run import CollectionRun, Outcome, StuckError
from marketdata.candles.collector.collections import CandleStore, ChunkState
from marketdata.candles.collector.memory import MemorySampler
from marketdata.candles.collector.planner import CandleRequest, RequestError, grid_for, resolve
from marketdata.candles.collector.progress import Progress
from marketdata.candles.collector.timeframes import moment
from marketdata.context_threads import ContextThreadPool
from marketdata.feature_guard import Flags, Guard, MemoryFlags
from marketdata.nearest_name import did_you_mean
from marketdata.sources.base import CandleSource

__all__ = ["Collector", "Outcome", "StuckError"]


class Collector:
    """Collects from one source into one store, each used by one call at a time.

    `cache`, `flags` and `guard` are optional: without flags every optimisation is on. `patience`: seconds to wait for a
    source in each of its outages. `on_progress` is called after every chunk. `memory_every`: chunks between two samples
    of the memory, 0 for none. `seconds` and `pause` are swapped in
    tests.
    """

    def __init__(
        self,
        source: CandleSource,
        store: CandleStore,
        *,
        cache: CandleCache | None = None,
        flags: Flags | None = None,
        guard: Guard | None = None,
        patience: float = 120.0,
        on_progress: Callable[[Progress, ChunkState], None] | None = None,
        memory_every: int = 10,
        seconds: Callable[[], float] = time.perf_counter,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        flags = flags or MemoryFlags()
        self._source = source
        self._store = store
        self._context = CollectorContext(
            source=source,
            store=store,
            cache=cache,
            flags=flags,
            guard=guard or Guard(flags),
            patience=patience,
            on_progress=on_progress,
            seconds=seconds,
            pause=pause,
            memory=MemorySampler(memory_every),
        )

    def collect(self, request: CandleRequest, *, as_of: datetime) -> Outcome:
        """Collect a request as of a time. RequestError where it cannot be collected: then nothing is stored.

        The outcome's status says whether the source was unavailable or refused a call. An error of the store, or an
        answer that does not move the collection back (StuckError), is raised after the collection has been closed as
        failed.
        """
        if request.timeframe not in self._source.timeframes:
            timeframes = ", ".join(sorted(self._source.timeframes))
            raise RequestError(
                f"{self._source.title} has no {request.timeframe!r} candles: use one of {timeframes}."
                f"{did_you_mean(request.timeframe, self._source.timeframes)}"
            )
        grid = grid_for(request, self._source.calendar)
        resolved = resolve(request, calendar=self._source.calendar, as_of=as_of)
        collection = self._store.open(Series(self._source.name, request.market, grid), resolved)
        with ContextThreadPool(1, thread_name_prefix="candles") as calls:
            return CollectionRun(self._context, collection, calls, moment(as_of)).run()
