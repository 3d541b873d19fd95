"""The stored parts of a collection: request, state, and one row per chunk. Progress is derived, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.fill import CandleRecord
from marketdata.candles.collector.overlap import Overlap
from marketdata.candles.collector.planner import ResolvedRequest
from marketdata.candles.collector.timeframes import Interval
from marketdata.sources.base import Candles


class CollectionStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # the source is unavailable: the same request resumes it
    FAILED = "failed"  # a person must change something first


class StopReason(StrEnum):
    COUNT = "count"
    END = "end"
    HISTORY_START = "history_start"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection. `number` is the store's, `chunks` the number of chunks that earlier runs stored."""

    number: int
    series: Series
    request: ResolvedRequest
    chunks: int = 0


@dataclass(slots=True)
class ChunkState:
    """One step of a collection, which settled [start, end): the slots of its call, the answer, and the cost (seconds,
    bytes). `memory` and `memory_peak` of the process: None where this chunk is no sample (`memory.MemorySampler`)."""

    number: int
    start: int
    end: int
    label: Overlap
    slots_asked: int = 0
    slots_answered: int = 0
    rows: int = 0
    calls: int = 0
    retries: int = 0
    seconds_create: float = 0.0
    seconds_overlap: float = 0.0
    seconds_api: float = 0.0
    seconds_process: float = 0.0
    seconds_store: float = 0.0
    bytes: int = 0
    cache_hits: int = 0
    memory: int | None = None
    memory_peak: int | None = None

    @property
    def seconds_total(self) -> float:
        """Seconds of all steps; those of the overlap may have passed during a call."""
        steps = self.seconds_create, self.seconds_overlap, self.seconds_api, self.seconds_process, self.seconds_store
        return sum(steps)


@dataclass(frozen=True, slots=True)
class History:
    """The start of a series' history, by the answers so far.

    `first`: opening of the market's first candle, None while it is unknown; `claimed_at`: when an answer first showed
    it, on the clock of the source; `confirmed`: the answer of a later run agreed. `empty_before`: an answer had no
    candle at all before this moment, which verifies no slot until the answer of a later run agrees.
    """

    first: int | None = None
    claimed_at: int = 0
    confirmed: bool = False
    empty_before: int | None = None


@dataclass(frozen=True, slots=True)
class ChunkWrite:
    """The changes of one chunk to the record, stored whole or not at all.

    `candles` are upserted: a candle that was still forming is replaced. `verified` is added to the coverage, after all
    slots before `withdrawn` are removed from it. `history` replaces the recorded one; None leaves it.
    """

    collection: Collection
    state: ChunkState
    candles: Candles
    verified: Interval | None
    history: History | None
    withdrawn: int | None = None


class CandleStore(CandleRecord, Protocol):
    """The record, as the collector uses it. An error of the store is raised, never treated as "no data"."""

    def open(self, series: Series, request: ResolvedRequest) -> Collection:
        """Begin a collection, or resume the unfinished one of the same series and interval."""

    def history(self, series: Series) -> History:
        """The start of the series' history."""

    def oldest(self, series: Series) -> int | None:
        """Opening of the oldest recorded candle."""

    def store_chunk(self, write: ChunkWrite) -> None:
        """Candles, coverage, start of history and the chunk's state in one transaction.

        The state is written last, with the seconds this took so far as its `seconds_store`.
        """

    def close(
        self, collection: Collection, status: CollectionStatus, reason: StopReason, error: str = "", *, calls: int = 0
    ) -> None:
        """End a run; a collection that is stopped or failed can be opened again. `calls`: the calls for a chunk that
        was not stored."""

    def discard(self, collection: Collection) -> bool:
        """Delete a collection without a stored chunk; False where it has one."""
