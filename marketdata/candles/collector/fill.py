"""Candles for a reader, with empty slots forward-filled, null or dropped.

An empty slot is not a row of the record. `fill` makes one where the reader requests it: forward-filled with the close
before it and volume 0 (the default), or with null prices (NaN). Slots before the first close stay null: no price is
made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from marketdata.candles.collector.cache import CandleCache, Series
from marketdata.candles.collector.coverage import Coverage, clip
from marketdata.candles.collector.timeframes import Grid, Interval
from marketdata.sources.base import Candles


class EmptySlots(StrEnum):
    """The treatment of slots without trades."""

    FORWARD = "forward"
    NULL = "null"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class FilledCandles:
    """`candles` ascending, and for each whether its slot was empty, shape (n,)."""

    candles: Candles
    empty: npt.NDArray[np.bool_]


class CandleRecord(Protocol):
    """The record of candles, as a reader uses it."""

    def coverage(self, series: Series, window: Interval) -> Coverage:
        """Verified intervals that overlap or touch `window`, whole (not clipped to it), ascending."""

    def candles(self, series: Series, interval: Interval) -> Candles:
        """Recorded candles that open in the interval, ascending."""

    def close_before(self, series: Series, when: int) -> float | None:
        """Close of the newest candle that opens before `when`; None where there is none."""


def read_candles(
    record: CandleRecord,
    series: Series,
    interval: Interval,
    *,
    empty: EmptySlots = EmptySlots.FORWARD,
    cache: CandleCache | None = None,
    closed_until: int | None = None,
) -> FilledCandles:
    """Candles of `interval`, from the cache where it has them, else from the record.

    `closed_until`: the opening of the forming slot; slots after it are not filled.
    """
    candles = _candles(record, series, interval, cache)
    before = record.close_before(series, interval.start) if empty is EmptySlots.FORWARD else None
    closed = interval
    if closed_until is not None:
        closed = Interval(interval.start, max(interval.start, min(interval.end, closed_until)))
    return fill(series.grid, closed, candles, empty=empty, previous_close=before)


def _candles(record: CandleRecord, series: Series, interval: Interval, cache: CandleCache | None) -> Candles:
    """Candles of `interval`. Only verified intervals are put into the cache: the rest may change."""
    if cache is None:
        return record.candles(series, interval)
    cached, coverage = cache.get_partial(series, *interval)
    blocks = [cached]
    for missing in coverage.missing:
        block = record.candles(series, missing)
        if cache.coverage(series, *missing).missing:  # a record with a cache behind it may have filled this one
            for verified in clip(record.coverage(series, missing), missing):
                cache.put(series, verified, block.between(*verified))
        blocks.append(block)
    return Candles.join(blocks)


def fill(
    grid: Grid,
    interval: Interval,
    candles: Candles,
    *,
    empty: EmptySlots = EmptySlots.FORWARD,
    previous_close: float | None = None,
) -> FilledCandles:
    """One row per slot of `interval` (and the candles outside of it unchanged), or the candles alone.

    `previous_close`: close of the newest candle before the interval, for its leading empty slots.
    """
    if empty is EmptySlots.DROP:
        return FilledCandles(candles, np.zeros(len(candles), bool))
    openings = np.union1d(grid.openings(interval), candles.opened).astype(np.int64)
    at = np.searchsorted(openings, candles.opened)
    missing = np.ones(len(openings), bool)
    missing[at] = False

    def spread(column: npt.NDArray[np.float64], default: float) -> npt.NDArray[np.float64]:
        wide = np.full(len(openings), default)
        wide[at] = column
        return wide

    prices = candles.open, candles.high, candles.low, candles.close
    opens, highs, lows, closes = (spread(price, np.nan) for price in prices)
    if empty is EmptySlots.FORWARD:
        carried = _forward(closes, missing, previous_close)[missing]
        for price in (opens, highs, lows, closes):
            price[missing] = carried
    ticked = np.zeros(len(openings), np.int64)
    ticked[at] = candles.ticked_ms
    untraded = 0.0 if empty is EmptySlots.FORWARD else np.nan
    volume, amount = spread(candles.volume, untraded), spread(candles.amount, untraded)
    filled = Candles(openings, opens, highs, lows, closes, volume, amount, ticked)
    return FilledCandles(filled, missing)


def _forward(
    close: npt.NDArray[np.float64], missing: npt.NDArray[np.bool_], previous: float | None
) -> npt.NDArray[np.float64]:
    last = np.maximum.accumulate(np.where(missing, -1, np.arange(len(close))))
    return np.where(last >= 0, close[last], np.nan if previous is None else previous)
