"""Volume by the direction of the price: signed volume and on-balance volume (scanner definitions, section 0).

`obv = cumsum(sign(C[t] - C[t-1]) V[t])`, and only its slope is used. Written with its increments d, the numerator
sum((j - middle) obv[j]) over the last n sessions is sum(d[j] j (n - j) / 2), j = 1 .. n-1: the level before the window
falls out, so the slope is computed from the signed volumes of the window alone, and every weight is positive.
"""

from __future__ import annotations

import numpy as np

from scans.kernels.arrays import Bools, Floats, check_window_length, kept_rows, tail
from scans.kernels.compare import above, falls, rises
from scans.kernels.slopes import spread
from scans.kernels.windows import weighted_sum


def signed_volume(close: Floats, volume: Floats, *, keep: int | None = None) -> Floats:
    """Volume with the sign of the close's change, (K, N): 0 on a tie and at the first bar, NaN before it."""
    rows = kept_rows(len(close), keep)
    return _signed(close, tail(volume, rows), rows, 1, -1)


def obv(close: Floats, volume: Floats) -> Floats:
    """On-balance volume, 0 at the first bar, (T, N). Its level depends on where history starts; its slope does not."""
    signed = signed_volume(close, volume)
    total = np.add.accumulate(np.where(np.isnan(signed), 0.0, signed), axis=0)
    total[np.isnan(signed)] = np.nan
    return total


def obv_sides(close: Floats, volume: Floats, n: int, *, keep: int | None = None) -> tuple[Floats, Floats]:
    """The numerator of the slope of obv over n as up - down, (K, N) each: the weighted volumes of the sessions that
    closed higher and of the sessions that closed lower."""
    check_window_length(n)
    rows = kept_rows(len(close), keep)
    reach = min(rows + n - 1, len(close))
    # Place 0 weighs nothing (its change came from before the window) but asks for a bar there.
    taps = [(j, j * (n - j) / 2) for j in range(n)]
    volume = tail(volume, reach)
    up = weighted_sum(_signed(close, volume, reach, 1, 0), n, taps, keep=rows)
    down = weighted_sum(_signed(close, volume, reach, 0, 1), n, taps, keep=rows)
    return up, down


def obv_slope(close: Floats, volume: Floats, n: int, *, keep: int | None = None) -> Floats:
    """Least squares slope of obv over the last n sessions, shares per session, (K, N); NaN for n = 1."""
    up, down = obv_sides(close, volume, n, keep=keep)
    up -= down
    with np.errstate(invalid="ignore"):
        return np.divide(up, spread(n), out=up)


def obv_rising(close: Floats, volume: Floats, n: int, *, keep: int | None = None) -> Bools:
    """slope(obv, n) > 0 by the ties rule, (K, N): up above down."""
    return above(*obv_sides(close, volume, n, keep=keep))


def net_shares(
    quantity: Floats, value: Floats, close: Floats, raw_close: Floats, volume: Floats, amount: Floats
) -> Floats:
    """Net buying of a session in adjusted shares: the quantity (raw shares) where one is recorded, else the value at
    the session's average price (its close where nothing traded); NaN where neither is."""
    with np.errstate(invalid="ignore", divide="ignore"):
        price = np.where(volume > 0, amount / volume, close)
        shares = quantity * (raw_close / close)
        return np.where(np.isnan(quantity), value / price, shares)


def _signed(close: Floats, volume: Floats, rows: int, higher: int, lower: int) -> Floats:
    """Volume of the last `rows` sessions times `higher`, `lower` or 0."""
    sign = rises(close, keep=rows).astype(np.int8) * np.int8(higher)
    sign += falls(close, keep=rows).astype(np.int8) * np.int8(lower)
    return volume * sign
