"""Progress, speed and remaining time of a collection, in constant memory."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from math import floor, inf, log

from marketdata.candles.collector.collections import ChunkState
from marketdata.candles.collector.coverage import Coverage
from marketdata.candles.collector.forecast import Forecast
from marketdata.candles.collector.timeframes import Grid, Interval, slot_count

FIRST_TENTH = 0.1  # of the duration, after which forecasts are judged


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a collection. Seconds; `remaining` is None while it is unknown: see `forecast`."""

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


class ForecastErrors:
    """The durations forecast during a run, until its end shows how wrong they were: their extremes in each of `STEPS`
    geometric steps of elapsed time, since only the end shows where the first tenth was."""

    STEPS, SHORTEST, RATIO = 128, 1e-3, 1.2  # 1 ms to four months

    def __init__(self) -> None:
        self._shortest = array("d", [inf]) * self.STEPS
        self._longest = array("d", [-inf]) * self.STEPS
        self.first: float | None = None  # elapsed at the first forecast

    def add(self, elapsed: float, remaining: float) -> None:
        self.first = elapsed if self.first is None else self.first
        step, whole = self._step(elapsed), elapsed + remaining
        self._shortest[step] = min(self._shortest[step], whole)
        self._longest[step] = max(self._longest[step], whole)

    def largest(self, took: float) -> float | None:
        """Largest relative error of the durations forecast after the first tenth; None without one."""
        first = self._step(FIRST_TENTH * took) + 1
        longest, shortest = max(self._longest[first:], default=-inf), min(self._shortest[first:], default=inf)
        return max(longest - took, took - shortest) / took if took > 0 and longest >= shortest else None

    def _step(self, elapsed: float) -> int:
        steps = log(max(elapsed, self.SHORTEST) / self.SHORTEST) / log(self.RATIO)
        return min(self.STEPS - 1, floor(steps))


class Estimate:
    """Adds up the chunks of a run and forecasts its remaining time."""

    def __init__(self, grid: Grid, interval: Interval, missing: Coverage, page: int) -> None:
        self._grid = grid
        self._slots = slot_count(grid, *interval)
        self._recorded = self._chunks = self._calls = self._rows = 0
        self._elapsed = 0.0
        self._done = 0
        self._errors = ForecastErrors()
        self.forecast = Forecast(grid, page, missing)

    def skipped(self, interval: Interval) -> None:
        """Add slots that were recorded before."""
        slots = slot_count(self._grid, *interval)
        self._done += slots
        self._recorded += slots
        self.forecast.settle(interval)

    def add(self, chunk: ChunkState, settled: Interval, elapsed: float) -> None:
        """Add a chunk that settled an interval `elapsed` seconds after the start."""
        self._done += slot_count(self._grid, *settled)
        self._chunks += 1
        self._calls += chunk.calls
        self._rows += chunk.rows
        self.forecast.settle(settled)
        self.forecast.learn(chunk.rows, chunk.slots_answered, elapsed - self._elapsed, retries=chunk.retries)
        self._elapsed = elapsed
        left = self.forecast.seconds_left(elapsed)
        if left is not None and self.forecast.missing:
            self._errors.add(elapsed, left)

    def spent(self, calls: int, elapsed: float) -> None:
        """Add calls that were for no chunk, until `elapsed` seconds after the start."""
        self._calls += calls
        self._elapsed = max(self._elapsed, elapsed)

    def now(self) -> Progress:
        counts = self._slots, self._done, self._recorded, self._chunks, self._calls, self._rows
        return Progress(*counts, self._elapsed, self.forecast.seconds_left(self._elapsed))

    def error(self, took: float) -> float | None:
        """Largest relative error of the durations forecast after the first tenth; None without a forecast."""
        return self._errors.largest(took)

    @property
    def known_after(self) -> float | None:
        """Seconds after which the remaining time was known; None where it never was."""
        return self._errors.first
