"""Market regimes, from the market index alone (scanner definitions, section 1).

Each function answers for every session of the index, (S,) arrays in, (S,) out, and looks at nothing after a
session. A measure needs its full window of known values, so it starts anew after a session whose `m` is unknown
(the first of the record, or the one after a missing session), and a measure not yet defined fulfils nothing: the
regime is then neutral and the short-term risk 0.

1. `regime_daily`: the day's return alone (v1).
2. `regime_trend`: returns over 20 sessions with hysteresis (v2, v3).
3. `short_risk`: 0..3, how nervous the day is (v2, v3).
4. `range_adjustment`: what a wide or narrow market adds to v1's thresholds.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.engines.base import MarketIndex
from scans.kernels.compare import above

Codes: TypeAlias = NDArray[np.int8]

NAMES = ("neutral", "bull", "bear", "crash")
NEUTRAL, BULL, BEAR, CRASH = range(4)


def regime_daily(index: MarketIndex) -> Codes:
    """The regime of each session by that session's return, (S,) int8 into `NAMES`."""
    m = index.m
    conditions = [above(-0.025, m), above(-0.01, m), above(m, 0.01)]
    return np.select(conditions, [CRASH, BEAR, BULL], NEUTRAL).astype(np.int8)


def regime_trend(index: MarketIndex) -> Codes:
    """The regime of each session by the trend of 20 sessions, (S,) int8 into `NAMES`.

    Crash is judged first on every session; bull and bear are entered at 6 % from neutral and at 4 % from another
    state, and kept down to 2 %. The state before the first session and before an unknown `m` is neutral.
    """
    r20, r5, m10 = returns(index, 20), returns(index, 5), _mean(index.m, 10)
    crash = above(-0.10, r20) | above(-0.05, r5)
    keep_bull = above(r20, 0.02) & above(m10, -0.0005)
    keep_bear = above(-0.02, r20) & above(0.0005, m10)
    up, down = above(m10, 0.001), above(-0.001, m10)
    columns = (
        np.isnan(index.m),
        crash,
        keep_bull,
        keep_bear,
        above(r20, 0.06) & up,
        above(-0.06, r20) & down,
        above(r20, 0.04) & up,
        above(-0.04, r20) & down,
    )
    return _walk(columns)


def _walk(columns: tuple[Bools, ...]) -> Codes:
    """The state session by session; `columns` as `regime_trend` lists them, (S,) each."""
    states = np.empty(len(columns[0]), dtype=np.int8)
    state = NEUTRAL
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for at, (unknown, crash, keep_bull, keep_bear, bull6, bear6, bull4, bear4) in enumerate(rows):
        bull, bear = (bull6, bear6) if state == NEUTRAL else (bull4, bear4)
        if unknown:
            state = NEUTRAL
        elif crash:
            state = CRASH
        elif not ((state == BULL and keep_bull) or (state == BEAR and keep_bear)):
            state = BULL if bull else BEAR if bear else NEUTRAL
        states[at] = state
    return states


def short_risk(index: MarketIndex) -> Codes:
    """0..3: a fall of more than 1.5 % counts 2, of more than 1 % counts 1, a range above 4 % one more, (S,) int8."""
    fall = np.where(above(-0.015, index.m), 2, np.where(above(-0.01, index.m), 1, 0))
    return (fall + above(index.range, 0.04)).astype(np.int8)


def range_adjustment(index: MarketIndex) -> tuple[Codes, Codes]:
    """What the 5-session mean of `range` adds to v1's rsi_threshold and min_signals, two (S,) int8 arrays."""
    mean = _mean(index.range, 5)
    wide, narrow = above(mean, 0.04), above(0.02, mean)
    return (2 * wide - narrow).astype(np.int8), wide.astype(np.int8)


def returns(index: MarketIndex, n: int) -> Floats:
    """The index's return over n sessions, (S,) fractions, NaN until n known values of `m` stand in a row."""
    level: Floats = _windows(1 + index.m, n).prod(axis=1) - 1
    return level


def _mean(x: Floats, n: int) -> Floats:
    mean: Floats = _windows(x, n).mean(axis=1)
    return mean


def _windows(x: Floats, n: int) -> Floats:
    """The last n values at each session, (S, n), NaN before the first."""
    padded = np.concatenate([np.full(n, np.nan), x])
    return np.lib.stride_tricks.sliding_window_view(padded, n)[1:]
