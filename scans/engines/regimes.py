"""Market regimes, from the market index alone (scanner definitions, section 1).

Each function answers for every session of the index, (S,) arrays in, (S,) out, and looks at nothing after a
session. A measure needs its full window of values, so it starts anew after a session whose `m` is undefined
(the first of the record, or the one after a missing session), and a measure not yet defined fulfils nothing: the
regime is then neutral and the short-term risk 0.

1. `regime_daily`: the day's return alone (v1).
2. `regime_trend`: returns over 20 sessions with hysteresis (v2, v3).
3. `short_risk`: 0..3, the nervousness of the session (v2, v3).
4. `range_adjustment`: the adjustment of v1's thresholds to a wide or narrow market.
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
DAILY, TREND = "daily", "trend"
"""The two kinds: by the session alone, by the trend of 20 sessions."""

DAY_BULL, DAY_BEAR, DAY_CRASH = 0.01, -0.01, -0.025
"""The bounds of the daily regime, on the return of one session."""
CRASH_20, CRASH_5 = -0.10, -0.05
"""Returns over 20 and over 5 sessions below which the trend is a crash."""
ENTER_FROM_NEUTRAL, ENTER, ENTER_MEAN = 0.06, 0.04, 0.001
"""What enters a bull trend: a return over 20 sessions above the first (from another state than neutral the second) and
a mean of 10 sessions above the third. For a bear trend the signs are turned, of the next two as well."""
KEEP, KEEP_MEAN = 0.02, -0.0005
"""What keeps a bull trend: a return over 20 sessions and a mean of 10 sessions above these."""


def regime_daily(index: MarketIndex) -> Codes:
    """The regime of each session by that session's return, (S,) int8 into `NAMES`."""
    m = index.m
    conditions = [above(DAY_CRASH, m), above(DAY_BEAR, m), above(m, DAY_BULL)]
    return np.select(conditions, [CRASH, BEAR, BULL], NEUTRAL).astype(np.int8)


def regime_trend(index: MarketIndex) -> Codes:
    """The regime of each session by the trend of 20 sessions, (S,) int8 into `NAMES`.

    Crash is judged first on every session; bull and bear are entered at 6 % from neutral and at 4 % from another
    state, and kept down to 2 %. The state before the first session and before an unknown `m` is neutral.
    """
    r20, r5, m10 = returns(index, 20), returns(index, 5), mean(index.m, 10)
    crash = above(CRASH_20, r20) | above(CRASH_5, r5)
    keep_bull = above(r20, KEEP) & above(m10, KEEP_MEAN)
    keep_bear = above(-KEEP, r20) & above(-KEEP_MEAN, m10)
    up, down = above(m10, ENTER_MEAN), above(-ENTER_MEAN, m10)
    columns = (
        np.isnan(index.m),
        crash,
        keep_bull,
        keep_bear,
        above(r20, ENTER_FROM_NEUTRAL) & up,
        above(-ENTER_FROM_NEUTRAL, r20) & down,
        above(r20, ENTER) & up,
        above(-ENTER, r20) & down,
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
    width = mean(index.range, 5)
    wide, narrow = above(width, 0.04), above(0.02, width)
    return (2 * wide - narrow).astype(np.int8), wide.astype(np.int8)


def returns(index: MarketIndex, n: int) -> Floats:
    """The index's return over n sessions, (S,) fractions, NaN until `m` is defined on n sessions in a row."""
    level: Floats = _windows(1 + index.m, n).prod(axis=1) - 1
    return level


def mean(x: Floats, n: int) -> Floats:
    """The mean of the last n values at each session, (S,), NaN until there are n values in a row."""
    means: Floats = _windows(x, n).mean(axis=1)
    return means


def _windows(x: Floats, n: int) -> Floats:
    """The last n values at each session, (S, n), NaN before the first."""
    padded = np.concatenate([np.full(n, np.nan), x])
    return np.lib.stride_tricks.sliding_window_view(padded, n)[1:]
