"""Bars that a daily price limit does not allow, even by the base price of their source.

A bar's base price is the one of its source, else the close before times the factor of an event. Of a market with a
daily limit are suspected

1. `base`: a close beyond the limit against the source's base price (without one: `adjust.suspects`);
2. `reach`: an open, high or low beyond it, of a bar whose close is not;
3. `step`: a base price that leaves the close of the session before, on which the instrument traded, upwards by more
   than the limit or downwards to less than a fifteenth, or that takes back a step of five times and more. A base price
   rises through consolidations of shares alone, and KRX halts trading before those; ex-rights prices only fall, to a
   ninth or a tenth at most. So a wrong bar is recognised whose base price was computed from its wrong close.

A bar after a session without a trade (halts, consolidations, the first trade after a listing) and one with an event may
open at half to several times its base price: of these are suspected a close, high or low of `LOOSE_FACTOR` times the
base price or that part of it, of the close only upwards. Where such a bar lies beyond the limit, so may those of the
six sessions after it: shares about to be delisted trade without a limit for seven sessions. The limit of funds with
leverage is twice that of shares.

Source: KRX rules of 2015-06-15 (limit 30 % for shares, times the multiple for leveraged funds; no limit in liquidation
trading). Measured on 2.1 M bars of KRX: `tests/marketdata/test_price_limits_real.py`. Volume plays no part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.markets import Market
from marketdata.panel import Bools, Floats

BASE, REACH, STEP = "base", "reach", "step"
LOOSE_FACTOR = 5.0
LIQUIDATION = 7
"""Sessions without a limit before shares are delisted, the first included."""
LIMIT_LOOK_BACK = LIQUIDATION + 2
LEAST_STEP = 1 / 15
LEVERAGE = 2.0


@dataclass(frozen=True, slots=True)
class LimitedBars:
    """Bars over consecutive sessions, (T, N) each: adjusted prices, filled where there is no trade and NaN before an
    instrument's first bar; the raw close; volume; `based`: its source gives a base price; `eventful`: it has a factor
    event; `decided`: a person says that its move is real; `leveraged`: it may be a fund."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    raw_close: Floats
    volume: Floats
    based: Bools
    eventful: Bools
    decided: Bools
    leveraged: Bools


def beyond_limits(bars: LimitedBars, market: Market, start: int) -> list[tuple[int, int, str]]:
    """(row, column, kind) of the suspicions from row `start` on, ascending; needs `LIMIT_LOOK_BACK` rows before. Empty
    where the market has no limit."""
    limit = market.suspect_move
    if limit is None or len(bars.close) < 2:
        return []
    low = max(start, 1)
    kinds = dict.fromkeys(_steps(bars, limit, low), STEP)
    kinds |= _beyond(bars, market, limit, low)
    return [(row, column, kind) for (row, column), kind in sorted(kinds.items())]


def _beyond(bars: LimitedBars, market: Market, limit: float, low: int) -> dict[tuple[int, int], str]:
    before = bars.close[low - 1 : -1]
    sides = (bars.open[low:], bars.high[low:], bars.low[low:], bars.close[low:])
    with np.errstate(invalid="ignore"):
        far = np.zeros(before.shape, dtype=bool)
        for side in sides:
            far |= np.abs(side - before) > limit * before
    far &= (bars.volume[low:] > 0) & ~bars.decided[low:]
    row, column = np.nonzero(far)
    if not len(row):
        return {}
    at = row + low, column
    base = before[row, column]
    with np.errstate(invalid="ignore", divide="ignore"):
        to_raw = bars.raw_close[at] / bars.close[at]
    most = np.where(bars.leveraged[at], LEVERAGE * limit, limit) * base
    most += market.tick(base * to_raw) / to_raw
    close = bars.close[at]
    sides_at = np.stack([side[row, column] for side in sides])
    closes_beyond = np.abs(close - base) > most
    reaches = (np.abs(sides_at - base) > most).any(axis=0) & ~closes_beyond
    free = (bars.volume[at[0] - 1, column] <= 0) | bars.eventful[at]
    loose = free | _in_liquidation(bars, limit, *at)
    upwards = closes_beyond & (close > LOOSE_FACTOR * base)
    wide = (sides_at > LOOSE_FACTOR * base).any(axis=0) | (sides_at < base / LOOSE_FACTOR).any(axis=0)
    is_base = bars.based[at] & np.where(loose, upwards, closes_beyond)
    is_reach = reaches & np.where(free, wide, ~loose)
    kind = np.select([is_base, is_reach], [BASE, REACH], "")
    return {(int(t), int(i)): str(what) for t, i, what in zip(*at, kind, strict=True) if what}


def _in_liquidation(bars: LimitedBars, limit: float, row: NDArray[np.intp], column: NDArray[np.intp]) -> Bools:
    """Whether trading began again beyond the limit, or the instrument's first bar lies, within the sessions before,
    (M,)."""
    inside_period = np.zeros(len(row), dtype=bool)
    for back in range(1, LIQUIDATION):
        at = row - back
        inside = at >= 1
        at = np.maximum(at, 1)
        before, close = bars.close[at - 1, column], bars.close[at, column]
        begins = (bars.volume[at, column] > 0) & ~(bars.volume[at - 1, column] > 0)
        with np.errstate(invalid="ignore"):
            far = ~(np.abs(close - before) <= limit * before)  # of a first bar too
        inside_period |= inside & begins & far
    return inside_period


def _steps(bars: LimitedBars, limit: float, low: int) -> list[tuple[int, int]]:
    """Cells whose base price is impossible after the close before."""
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = bars.close / bars.raw_close
        factor = np.ones(scale.shape)
        factor[1:] = scale[:-1] / scale[1:]
        odd = (factor > 1 + limit) | (factor < LEAST_STEP)
        odd[1:] &= bars.volume[:-1] > 0
        size = np.abs(np.log(factor))
        again = np.zeros(scale.shape, dtype=bool)
        together = np.abs(np.log(factor[1:] * factor[:-1]))
        again[1:] = (size[1:] > np.log(LOOSE_FACTOR)) & (together < np.log(1 + limit))
    odd = (odd | again) & bars.based & ~bars.decided
    return [(int(t) + low, int(i)) for t, i in np.argwhere(odd[low:])]
