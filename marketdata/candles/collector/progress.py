"""Progress, speed and remaining time of a collection, in constant memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from marketdata.candles.collector.collections import ChunkState

RECENT_CHUNKS = 50  # chunks whose speed makes the estimate


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a collection. Seconds; `remaining` is None before the first chunk with a call."""

    slots: int
    slots_done: int
    slots_recorded: int  # of those done, recorded before
    chunks: int
    calls: int
    rows: int
    elapsed: float
    remaining: float | None

    @property
    def ratio(self) -> float:
        return self.slots_done / self.slots if self.slots else 1.0

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.elapsed if self.elapsed > 0 else 0.0


class Estimate:
    """Adds up chunks and estimates the remaining time by the speed of the last ones."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._done = self._recorded = self._chunks = self._calls = self._rows = 0
        self._recent: deque[tuple[float, int]] = deque(maxlen=RECENT_CHUNKS)  # (elapsed, slots fetched)
        self._fetched = 0
        self._elapsed = 0.0
        self._shortest: float | None = None  # total durations estimated after the first tenth
        self._longest: float | None = None

    def skipped(self, slots: int) -> None:
        """Add slots that were recorded before."""
        self._done += slots
        self._recorded += slots

    def add(self, chunk: ChunkState, slots: int, elapsed: float) -> None:
        """Add a chunk that settled `slots` slots, `elapsed` seconds after the start."""
        self._done += slots
        self._fetched += slots
        self._chunks += 1
        self._calls += chunk.calls
        self._rows += chunk.rows
        self._elapsed = elapsed
        self._recent.append((elapsed, self._fetched))
        left = self._remaining()
        if left is not None and 0.1 <= self._done / max(self._slots, 1) < 1:
            whole = elapsed + left
            self._shortest = min(whole, self._shortest if self._shortest is not None else whole)
            self._longest = max(whole, self._longest if self._longest is not None else whole)

    def add_calls(self, calls: int) -> None:
        """Add the calls for a chunk that could not be stored."""
        self._calls += calls

    def _remaining(self) -> float | None:
        if not self._recent:
            return None
        seconds, slots = self._elapsed, self._fetched
        if len(self._recent) == RECENT_CHUNKS:
            since, before = self._recent[0]
            seconds, slots = seconds - since, slots - before
        return seconds / slots * (self._slots - self._done) if slots else None

    def now(self) -> Progress:
        counts = self._slots, self._done, self._recorded, self._chunks, self._calls, self._rows
        return Progress(*counts, self._elapsed, self._remaining())

    def error(self, took: float) -> float | None:
        """Largest relative error of the durations estimated after the first tenth; None without an estimate."""
        if self._shortest is None or self._longest is None or took <= 0:
            return None
        return max(self._longest - took, took - self._shortest) / took
