"""Every kernel over bars, under one call, with what it promises; `test_invariants` holds each of them to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scans.kernels import (
    arrays,
    averages,
    compare,
    counts,
    oscillators,
    ranges,
    slopes,
    volume,
    windows,
)
from tests.scans.kernels.made import Bars


@dataclass(frozen=True)
class Kernel:
    """compute(bars, keep) gives (K, N).

    window: how many sessions a value looks at, itself included; 0 where it looks at all of history. price and volume:
    by which power of a rescaling of the prices (of the volumes) its values grow; bars: from how many bars since the
    first one it is defined (0: always).
    """

    compute: Callable[[Bars, int | None], NDArray[Any]]
    window: int
    price: int = 0
    volume: int = 0
    bars: int = 1


RECURSIVE = 0

KERNELS: Mapping[str, Kernel] = {
    "shift": Kernel(lambda b, k: arrays.shift(b.close, 3, keep=k), 4, price=1, bars=4),
    "bars": Kernel(lambda b, k: arrays.bars(b.close, keep=k), RECURSIVE, bars=0),
    "ema": Kernel(lambda b, k: averages.ema(b.close, 5, keep=k), RECURSIVE, price=1),
    "wilder": Kernel(lambda b, k: averages.wilder(b.close, 5, keep=k), RECURSIVE, price=1),
    "ema_chain": Kernel(lambda b, k: averages.ema_chain(b.close, 4, 4, keep=k)[3], RECURSIVE, price=1),
    "dema": Kernel(lambda b, k: averages.dema(b.close, 5, keep=k), RECURSIVE, price=1),
    "tema": Kernel(lambda b, k: averages.tema(b.close, 5, keep=k), RECURSIVE, price=1),
    "sma": Kernel(lambda b, k: averages.sma(b.close, 7, keep=k), 7, price=1, bars=7),
    "macd line": Kernel(lambda b, k: oscillators.macd(b.close, keep=k).line, RECURSIVE, price=1),
    "macd signal": Kernel(lambda b, k: oscillators.macd(b.close, keep=k).signal, RECURSIVE, price=1),
    "macd osc": Kernel(lambda b, k: oscillators.macd(b.close, keep=k).osc, RECURSIVE, price=1),
    "osc up": Kernel(lambda b, k: oscillators.osc_sides(b.close, keep=k).up, RECURSIVE, price=1),
    "osc down": Kernel(lambda b, k: oscillators.osc_sides(b.close, keep=k).down, RECURSIVE, price=1),
    "osc_positive": Kernel(
        lambda b, k: oscillators.osc_positive(oscillators.osc_sides(b.close, keep=k)),
        RECURSIVE,
        bars=0,
    ),
    "osc_rises": Kernel(
        lambda b, k: arrays.tail(
            oscillators.osc_rises(oscillators.osc_sides(b.close, keep=None if k is None else k + 1)),
            arrays.kept_rows(len(b.close), k),
        ),
        RECURSIVE,
        bars=0,
    ),
    "rsi": Kernel(lambda b, k: oscillators.rsi(b.close, 5, keep=k), RECURSIVE),
    "rsi_tema": Kernel(lambda b, k: oscillators.rsi_tema_dema(b.close, 5, keep=k)[0], RECURSIVE),
    "rsi_dema": Kernel(lambda b, k: oscillators.rsi_tema_dema(b.close, 5, keep=k)[1], RECURSIVE),
    "rolling_sum": Kernel(lambda b, k: windows.rolling_sum(b.close, 11, keep=k), 11, price=1, bars=11),
    "rolling_max": Kernel(lambda b, k: windows.rolling_max(b.high, 13, keep=k), 13, price=1, bars=13),
    "rolling_min": Kernel(lambda b, k: windows.rolling_min(b.low, 3, keep=k), 3, price=1, bars=3),
    "rolling_max partial": Kernel(lambda b, k: windows.rolling_max(b.high, 13, partial=True, keep=k), 13, price=1),
    "rolling_min partial": Kernel(lambda b, k: windows.rolling_min(b.low, 6, partial=True, keep=k), 6, price=1),
    "true_range": Kernel(lambda b, k: ranges.true_range(b.high, b.low, b.close, keep=k), 2, price=1),
    "true_range inside": Kernel(
        lambda b, k: ranges.true_range(b.high, b.low, b.close, inside=True, keep=k),
        2,
        price=1,
        bars=2,
    ),
    "atr": Kernel(lambda b, k: ranges.atr(b.high, b.low, b.close, 6, keep=k), 7, price=1, bars=6),
    "depth": Kernel(lambda b, k: ranges.depth(b.high, b.low, 9, keep=k), 9, bars=9),
    "place": Kernel(lambda b, k: ranges.place(b.close, b.high, b.low, 4, keep=k), 4, bars=4),
    "change": Kernel(lambda b, k: ranges.change(b.close, 5, keep=k), 6, bars=6),
    "ratio": Kernel(lambda b, k: ranges.ratio(b.close, 5, keep=k), 6, bars=6),
    "slope": Kernel(lambda b, k: slopes.slope(b.close, 8, keep=k), 8, price=1, bars=8),
    "rising": Kernel(lambda b, k: slopes.rising(b.close, 7, keep=k), 7, bars=0),
    "not_falling": Kernel(lambda b, k: slopes.not_falling(b.close, 6, keep=k), 6, bars=0),
    "r_squared": Kernel(lambda b, k: slopes.r_squared(np.log(b.close), 12, keep=k), 12, bars=12),
    "deviation": Kernel(lambda b, k: slopes.deviation(b.close, 10, keep=k), 10, price=1, bars=10),
    "signed_volume": Kernel(lambda b, k: volume.signed_volume(b.close, b.volume, keep=k), 2, volume=1),
    "obv_slope": Kernel(lambda b, k: volume.obv_slope(b.close, b.volume, 6, keep=k), 6, volume=1, bars=6),
    "obv_rising": Kernel(lambda b, k: volume.obv_rising(b.close, b.volume, 6, keep=k), 6, bars=0),
    "rises": Kernel(lambda b, k: compare.rises(b.close, keep=k), 2, bars=0),
    "falls": Kernel(lambda b, k: compare.falls(b.close, keep=k), 2, bars=0),
    "crosses_above": Kernel(lambda b, k: compare.crosses_above(b.close, b.open, keep=k), 2, bars=0),
    "rolling_count": Kernel(lambda b, k: counts.rolling_count(b.close > b.open, 9, keep=k), 9, bars=0),
    "rolling_share": Kernel(lambda b, k: counts.rolling_share(b.close > b.open, 9, of=b.volume >= 0, keep=k), 9),
    "streak": Kernel(lambda b, k: counts.streak(b.close > b.open, keep=k), RECURSIVE, bars=0),
    "rolling_median": Kernel(lambda b, k: counts.rolling_median(b.volume, 8, keep=k), 8, volume=1, bars=8),
    "share_below": Kernel(lambda b, k: counts.share_below(b.high - b.low, b.close * 0.004, 7, keep=k), 7),
}
