"""Events of a collection: one a chunk, as an object of JSON, and their delivery to a webhook.

The collection never waits for the webhook. Events wait in a queue of at most `QUEUE`, and those that find it full are
lost and counted; a thread posts them in batches, `{"events": [...], "lost": 0}`. A batch that was not received is
posted again with the same x-seismo-delivery, after longer and longer pauses; after a refusal nothing more is posted. At
the end of the collection what waits is posted within the time limit of one call. The record has every figure anyway.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from queue import Empty, Full, Queue
from threading import Event
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings

from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.collections import ChunkState
from marketdata.candles.collector.progress import Progress
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.candles.queries import STEPS
from marketdata.context_threads import context_thread
from marketdata.errors import NotDelivered

if TYPE_CHECKING:
    from marketdata.webhook import Webhook

LOGGER = logging.getLogger(__name__)
QUEUE = 1_000
BATCH = 100
LOOK_AGAIN = 0.2  # seconds between two looks into an empty queue
PAUSES = (1.0, 5.0, 30.0)  # seconds before a batch is posted again; the last one from then on


def chunk_event(progress: Progress, chunk: ChunkState) -> dict[str, Any]:
    """The figures of a chunk, and the progress after it."""
    remaining = None if progress.remaining is None else round(progress.remaining, 1)
    return {
        "event": "candle_chunk",
        "chunk": chunk.number,
        "start": as_datetime(chunk.start).isoformat(),
        "end": as_datetime(chunk.end).isoformat(),
        "label": chunk.label,
        "slots": chunk.slots_answered,
        "rows": chunk.rows,
        "calls": chunk.calls,
        "retries": chunk.retries,
        "bytes": chunk.bytes,
        "cache_hits": chunk.cache_hits,
        "seconds": {name: round(getattr(chunk, f"seconds_{name}"), 6) for name in (*STEPS, "total")},
        "memory": chunk.memory,
        "memory_peak": chunk.memory_peak,
        "done": round(progress.ratio, 4),
        "rows_per_second": round(progress.rows_per_second, 1),
        "remaining_seconds": remaining,
    }


class ChunkEvents:
    """The events of a series' collection on their way to a webhook; a context manager, whose end posts the rest."""

    def __init__(self, hook: Webhook, series: Series) -> None:
        self._hook = hook
        self._series = {
            "source": series.source,
            "market": series.market,
            "timeframe": series.grid.timeframe.name,
        }
        self._queue: Queue[dict[str, Any]] = Queue(QUEUE)
        self._ending = Event()
        self._is_refused = False
        self.lost = self.posted = 0
        self._thread = context_thread(self._post_all, name="candle events")

    def __enter__(self) -> ChunkEvents:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(self._hook.seconds)
        waiting = self._queue.qsize()
        if self.lost or waiting or self._thread.is_alive():
            LOGGER.warning("candles event=events posted=%d lost=%d waiting=%d", self.posted, self.lost, waiting)

    def put(self, progress: Progress, chunk: ChunkState) -> None:
        """Add the event of a chunk; returns at once."""
        try:
            self._queue.put_nowait(self._series | chunk_event(progress, chunk))
        except Full:
            self.lost += 1

    def _post_all(self) -> None:
        while not self._is_refused:
            batch = self._batch()
            if batch:
                self._post_batch(batch)
            elif self._ending.is_set():
                return

    def _batch(self) -> list[dict[str, Any]]:
        """The events that wait, at most `BATCH`."""
        events: list[dict[str, Any]] = []
        try:
            events.append(self._queue.get(timeout=LOOK_AGAIN))
            while len(events) < BATCH:
                events.append(self._queue.get_nowait())
        except Empty:
            pass
        return events

    def _post_batch(self, events: list[dict[str, Any]]) -> None:
        """Post a batch until it is received or refused, or the collection has ended."""
        from marketdata.webhook import post_json  # imports an HTTP client

        delivery, tries = uuid4().hex, 0
        while True:
            try:
                post_json(self._hook, {"events": events, "lost": self.lost}, delivery=delivery)
            except NotDelivered as failure:
                self._is_refused = not failure.temporary
                if self._is_refused or not tries:
                    LOGGER.warning("candles event=events_not_delivered events=%d reason=%s", len(events), failure)
                if self._is_refused or self._ending.wait(PAUSES[min(tries, len(PAUSES) - 1)]):
                    self.lost += len(events)
                    return
                tries += 1
            else:
                self.posted += len(events)
                return


def webhook_events(series: Series) -> AbstractContextManager[ChunkEvents | None]:
    """The events of a series' collection to the webhook of the settings; None without one."""
    if not settings.CANDLE_EVENTS_URL:
        return nullcontext()
    from marketdata.webhook import Webhook  # imports an HTTP client

    hook = Webhook(settings.CANDLE_EVENTS_URL, settings.CANDLE_EVENTS_SECRET, settings.NOTIFY_SECONDS)
    return ChunkEvents(hook, series)
