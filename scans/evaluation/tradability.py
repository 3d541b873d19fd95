"""Which bars can be bought at their open and sold at their close (scanner definitions, section 7, revision 2).

On a market with a daily limit a session whose low lies at the upper limit is locked: there are buyers and no
sellers, and its open cannot be bought. A session whose high lies at the lower limit cannot be sold.
There is no limit on an instrument's first bar and in liquidation, the sessions on which the exchange lets shares trade
freely before it delists them; their moves are returns.

Choices where the definitions are silent
- The base price is the adjusted close before on the session's own scale: the exchange's base price where one is
  recorded, since adjusted prices are made with it.
- Liquidation begins with a session that trades after one or more without a trade and reaches beyond its limits, and
  is the last seven sessions that an instrument trades, or fewer, before it leaves: no status of it is recorded. Shares
  that stay had a consolidation or split without a base price, whose move is no return. On KRX from 2023-01 to 2026-08
  there were 275 such moves of shares that stayed, and 56 of delisted shares, 46 of which end with the seventh session.
- Base prices that are no whole won come from adjusted files and have no grid: there the limit is taken to be one
  percent narrower, which is what rounding to two ticks can take off.

Source: KRX rules on daily price limits (`marketdata.ticks`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats, Panel
from marketdata.ticks import get_share_limits
from scans.evaluation.prices import Rows

LIQUIDATION = 7
NARROW = 0.1
"""Bars that stay nearer to the close before than this lie inside every limit, but for prices of a few won."""
FEW_WON = 20
UNGRIDDED = 0.01
GREAT = 1e9
"""A base price whose limits no tick narrows."""


@dataclass(frozen=True, slots=True)
class DailyBars:
    """Bars over consecutive sessions, (T, N): low, high and close adjusted, filled where nothing traded, NaN before an
    instrument's first bar; raw_close; traded; segment (T, N) an index into `segments`, -1 without a bar."""

    sessions: NDArray[np.datetime64]
    low: Floats
    high: Floats
    close: Floats
    raw_close: Floats
    traded: Bools
    segment: NDArray[np.int8]
    segments: tuple[str, ...]


def daily_bars(panel: Panel) -> DailyBars:
    """The requested sessions of `panel`, read with low, high, close, raw_close and volume."""
    return DailyBars(
        sessions=panel.output_sessions,
        low=panel.tail("low", 0),
        high=panel.tail("high", 0),
        close=panel.tail("close", 0),
        raw_close=panel.tail("raw_close", 0),
        traded=panel.traded,
        segment=panel.segment,
        segments=panel.segments,
    )


@dataclass(frozen=True, slots=True)
class Tradability:
    """(T, N) each: the open can be bought, the close can be sold, the session lies in liquidation."""

    buyable: Bools
    sellable: Bools
    liquidation: Bools


def tradability(bars: DailyBars, *, limited: bool, hindsight: bool = True) -> Tradability:
    """The instruments that can be bought and sold; all that traded without a daily limit (`limited` False).

    Liquidation shows only when it is over. Without `hindsight` there is none, so that no session depends on later ones.
    """
    liquidation = np.zeros(bars.traded.shape, dtype=bool)
    if not limited or len(bars.close) < 2:
        return Tradability(bars.traded, bars.traded, liquidation)
    before = bars.close[:-1]
    low, high, traded = bars.low[1:], bars.high[1:], bars.traded[1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = bars.raw_close[1:] / bars.close[1:]
        cheap = before * scale < FEW_WON
        rises = traded & ((low >= (1 + NARROW) * before) | (cheap & (low > before)))
        falls = traded & ((high <= (1 - NARROW) * before) | (cheap & (high < before)))
        wide = (low < (1 - NARROW) * before) | (high > (1 + NARROW) * before) | (cheap & (low < high))
        resumed = traded & ~bars.traded[:-1] & wide
    t, i = np.nonzero((rises | falls | resumed) & np.isfinite(before))
    to_raw = scale[t, i]
    lower, upper = _limits(bars, t + 1, i, before[t, i] * to_raw)
    lowest, highest = low[t, i] * to_raw, high[t, i] * to_raw
    locked, unsold = np.zeros((2, *traded.shape), dtype=bool)
    locked[t, i] = lowest >= upper * (1 - 1e-9)
    unsold[t, i] = highest <= lower * (1 + 1e-9)
    if hindsight:
        last = len(bars.traded) - 1 - bars.traded[::-1].argmax(axis=0)
        leaves = (bars.segment[-1, i] < 0) & (t + 1 > last[i] - LIQUIDATION)
        beyond = (lowest < lower * (1 - 1e-9)) | (highest > upper * (1 + 1e-9))
        for row, column in np.column_stack([t + 1, i])[resumed[t, i] & leaves & beyond].tolist():
            liquidation[row : row + LIQUIDATION, column] = True
    buyable, sellable = bars.traded.copy(), bars.traded.copy()
    free = liquidation[1:]
    buyable[1:] &= ~locked | free
    sellable[1:] &= ~unsold | free
    return Tradability(buyable, sellable, liquidation)


def _limits(bars: DailyBars, row: Rows, column: Rows, base: Floats) -> tuple[Floats, Floats]:
    """The limits (P,) of bars with the raw base prices `base` (P,), raw."""
    days = bars.sessions[row].astype("datetime64[D]")
    segments = np.array([*bars.segments, ""])[bars.segment[row, column]]
    _, widest = get_share_limits(np.full(len(base), GREAT), days, segments)
    width = widest / GREAT - 1 - UNGRIDDED  # the plain width in percent
    lower, upper = base * (1 - width), base * (1 + width)
    whole = np.rint(base)
    some = (np.abs(base - whole) <= 1e-6 * base) & (whole > 0)
    lower[some], upper[some] = get_share_limits(whole[some], days[some], segments[some])
    return lower, upper
