"""What lasts of a collection: its request, its state, and one row per chunk. Progress is derived, never stored."""

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
    STOPPED = "stopped"  # the source is away: run it again, it takes up where it stopped
    FAILED = "failed"  # something must be changed first


class StopReason(StrEnum):
    COUNT = "count"
    END = "end"
    HISTORY_START = "history_start"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection as it was asked for. `number` is the store's, `chunks` what earlier runs stored."""

    number: int
    series: Series
    wanted: ResolvedRequest
    chunks: int = 0


@dataclass(slots=True)
class ChunkState:
    """One step of a collection: [start, end) is what it settled; what was asked, what came, what it cost (seconds,
    bytes)."""

    number: int
    start: int
    end: int
    label: Overlap
    slots_asked: int = 0
    slots_answered: int = 0
    rows: int = 0
    calls: int = 0
    retries: int = 0
    seconds_overlap: float = 0.0
    seconds_api: float = 0.0
    seconds_store: float = 0.0
    bytes: int = 0
    cache_hits: int = 0


@dataclass(frozen=True, slots=True)
class History:
    """Where the history of a series begins, as far as answers say.

    `first`: opening of the market's first candle, None where none is known; `claimed_at`: when an answer said so
    first, on the clock of the source; `confirmed`: a later run was answered the same. `empty_before`: an answer said
    that there is no candle at all before this moment, which verifies nothing until a later run is answered the same.
    """

    first: int | None = None
    claimed_at: int = 0
    confirmed: bool = False
    empty_before: int | None = None


@dataclass(frozen=True, slots=True)
class ChunkWrite:
    """All that one chunk changes in the record; stored whole or not at all.

    `candles` are upserted: a candle that was still forming is replaced. `verified` joins the coverage, after
    everything before `withdrawn` has left it. `history` replaces what is recorded of it, None leaves it.
    """

    collection: Collection
    state: ChunkState
    candles: Candles
    verified: Interval | None
    history: History | None
    withdrawn: int | None = None


class CandleStore(CandleRecord, Protocol):
    """The record as the collector needs it. An error of the store is raised, never taken for "no data"."""

    def open(self, series: Series, wanted: ResolvedRequest) -> Collection:
        """Begin a collection, or take up the unfinished one of the same series and interval."""

    def history(self, series: Series) -> History:
        """Where the series begins, as far as it is known."""

    def oldest(self, series: Series) -> int | None:
        """Opening of the oldest recorded candle."""

    def store_chunk(self, write: ChunkWrite) -> None:
        """Candles, coverage, start of history and the chunk's state in one transaction.

        The state is written last, with the seconds this took so far as its `seconds_store`.
        """

    def close(
        self,
        collection: Collection,
        status: CollectionStatus,
        reason: StopReason,
        error: str = "",
        *,
        calls: int = 0,
    ) -> None:
        """End of a run; a collection that is stopped or failed can be opened again. `calls`: those made for a chunk
        that was not stored."""

    def discard(self, collection: Collection) -> bool:
        """Forget a collection that never stored a chunk; False where it has."""
