"""The collector: brings the candles of a request into the record, chunk by chunk from the newest to the oldest.

A chunk, in order (`run.py`):

1. analyse   coverage of the window before the cursor -> label, what to ask (`analysing`, `planner.next_chunk`);
             recorded parts are skipped without a call, and the next chunk's analysis may run while a call is in flight
2. ask       one page of the source, at most 200 rows; an answer that contradicts itself or the record, or is empty, is
             asked for again before it is believed (`asking`)
3. judge     what the page verifies (`verdict.judge`): a full page down to its oldest candle, a short one down to the
             start of history, which a later run confirms or takes back (`history`); never a slot that has not closed,
             or that an exchange behind time may still fill
4. store     candles, coverage and the chunk's state in one transaction

The coverage in the record is all the memory there is between runs: a killed collection is taken up by running the
same request again, and a finished one makes no call.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from marketdata.candles.collector.analysis import CollectorContext
from marketdata.candles.collector.cache import CandleCache, Series
from marketdata.candles.collector.collection_run import CollectionRun, Outcome, StuckError
from marketdata.candles.collector.collections import CandleStore, ChunkState
from marketdata.candles.collector.feature_guard import Flags, Guard, MemoryFlags
from marketdata.candles.collector.planner import CandleRequest, RequestError, grid_for, resolve
from marketdata.candles.collector.progress import Progress
from marketdata.candles.collector.timeframes import moment
from marketdata.context_threads import ContextThreadPool
from marketdata.nearest_name import did_you_mean
from marketdata.sources.base import CandleSource

__all__ = ["Collector", "Outcome", "StuckError"]


class Collector:
    """Collects from one source into one store, both used from the calling thread's side one at a time.

    `cache`, `flags` and `guard` are optional: without flags every optimisation is on. `patience`:
    seconds to wait for a source that is away, each time that it is. `on_progress` is called after
    every chunk. `seconds` and `pause` are swapped in tests.
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
        seconds: Callable[[], float] = time.perf_counter,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        chosen = flags or MemoryFlags()
        self._source = source
        self._store = store
        self._tools = CollectorContext(
            source=source,
            store=store,
            cache=cache,
            flags=chosen,
            guard=guard or Guard(chosen),
            patience=patience,
            on_progress=on_progress,
            seconds=seconds,
            pause=pause,
        )

    def collect(self, request: CandleRequest, *, as_of: datetime) -> Outcome:
        """Collect a request as of a time. RequestError where it cannot be: then nothing is stored.

        A source that is away or refuses ends the collection with a state that says so. An error of
        the store, or an answer that does not move the collection back (StuckError), is raised after
        the collection has been closed as failed.
        """
        if request.timeframe not in self._source.timeframes:
            known = ", ".join(sorted(self._source.timeframes))
            raise RequestError(
                f"{self._source.title} has no {request.timeframe!r} candles: use one of {known}."
                f"{did_you_mean(request.timeframe, self._source.timeframes)}"
            )
        grid = grid_for(request, self._source.calendar)
        wanted = resolve(request, calendar=self._source.calendar, as_of=as_of)
        collection = self._store.open(Series(self._source.name, request.market, grid), wanted)
        with ContextThreadPool(1, thread_name_prefix="candles") as calls:
            return CollectionRun(self._tools, collection, calls, moment(as_of)).run()
