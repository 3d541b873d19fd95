"""The kernels against TA-Lib, column by column.

TA-Lib starts its recursive averages from simple means. With the first bar repeated before itself often enough those
means are that bar's value, which is where ours start, so the two must agree from the first bar on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import talib
from numpy.typing import NDArray

from scans.kernels import averages, oscillators, ranges, slopes, volume, windows
from tests.scans.kernels.made import Bars, bars

Values = NDArray[np.float64]
REPEATED = 120


def column_by_column(function: Callable[..., Values], *arrays: Values) -> Values:
    """TA-Lib's function over the columns' bars; NaN before the first bar."""
    answer = np.full_like(arrays[0], np.nan)
    for column in range(answer.shape[1]):
        first = int(np.isnan(arrays[0][:, column]).sum())
        taken = [np.ascontiguousarray(x[first:, column]) for x in arrays]
        if first < len(answer):
            answer[first:, column] = function(*taken)
    return answer


def started(function: Callable[..., Values]) -> Callable[..., Values]:
    """The function on bars that stood still for a while before the first one."""

    def of(*columns: Values) -> Values:
        still = (np.concatenate([np.repeat(one[:1], REPEATED), one]) for one in columns)
        return function(*still)[REPEATED:]

    return of


def recursive(function: Callable[..., Values], *arrays: Values) -> Values:
    return column_by_column(started(function), *arrays)


def rsi(close: Values) -> Values:
    """TA-Lib's, but for the middle instead of 0 as long as nothing has moved."""
    return np.where(np.maximum.accumulate(close != close[0]), talib.RSI(close, 14), 50.0)


RECURSIVE: dict[str, tuple[Callable[[Bars], Values], Callable[[Bars], Values]]] = {
    "ema": (
        lambda b: averages.ema(b.close, 26),
        lambda b: recursive(lambda c: talib.EMA(c, 26), b.close),
    ),
    "dema": (
        lambda b: averages.dema(b.close, 10),
        lambda b: recursive(lambda c: talib.DEMA(c, 10), b.close),
    ),
    "tema": (
        lambda b: averages.tema(b.close, 20),
        lambda b: recursive(lambda c: talib.TEMA(c, 20), b.close),
    ),
    "rsi": (lambda b: oscillators.rsi(b.close, 14), lambda b: recursive(rsi, b.close)),
    "wilder": (
        lambda b: averages.wilder(ranges.true_range(b.high, b.low, b.close), 14),
        lambda b: recursive(lambda h, low, c: talib.ATR(h, low, c, 14), b.high, b.low, b.close),
    ),
    "macd line": (
        lambda b: oscillators.macd(b.close).line,
        lambda b: recursive(lambda c: talib.MACD(c)[0], b.close),
    ),
    "macd signal": (
        lambda b: oscillators.macd(b.close).signal,
        lambda b: recursive(lambda c: talib.MACD(c)[1], b.close),
    ),
    "macd osc": (
        lambda b: oscillators.macd(b.close).osc,
        lambda b: recursive(lambda c: talib.MACD(c)[2], b.close),
    ),
}


@pytest.mark.parametrize(("ours", "theirs"), RECURSIVE.values(), ids=RECURSIVE.keys())
@pytest.mark.parametrize("shape", [(200, 4), (7, 30), (1, 2), (90, 1)])
def test_recursive_from_the_first_bar_on(
    ours: Callable[[Bars], Values], theirs: Callable[[Bars], Values], shape: tuple[int, int]
) -> None:
    b = bars(*shape, seed=11)
    np.testing.assert_allclose(ours(b), theirs(b), rtol=1e-9, atol=1e-9)


WINDOWED: dict[str, tuple[Callable[[Bars], Values], Callable[[Bars], Values]]] = {
    "sma": (
        lambda b: averages.sma(b.volume, 20),
        lambda b: column_by_column(lambda v: talib.SMA(v, 20), b.volume),
    ),
    "sum": (
        lambda b: windows.rolling_sum(b.volume, 13),
        lambda b: column_by_column(lambda v: talib.SUM(v, 13), b.volume),
    ),
    "max": (
        lambda b: windows.rolling_max(b.high, 50),
        lambda b: column_by_column(lambda h: talib.MAX(h, 50), b.high),
    ),
    "min": (
        lambda b: windows.rolling_min(b.low, 3),
        lambda b: column_by_column(lambda low: talib.MIN(low, 3), b.low),
    ),
    "slope": (
        lambda b: slopes.slope(b.close, 20),
        lambda b: column_by_column(lambda c: talib.LINEARREG_SLOPE(c, 20), b.close),
    ),
    "slope of obv": (
        lambda b: volume.obv_slope(b.close, b.volume, 20),
        lambda b: column_by_column(lambda c, v: talib.LINEARREG_SLOPE(talib.OBV(c, v), 20), b.close, b.volume),
    ),
    "deviation": (
        lambda b: slopes.deviation(b.close, 20, ddof=0),
        lambda b: column_by_column(lambda c: talib.STDDEV(c, 20), b.close),
    ),
    "rate of change": (
        lambda b: ranges.change(b.close, 60),
        lambda b: column_by_column(lambda c: talib.ROCP(c, 60), b.close),
    ),
}


@pytest.mark.parametrize(("ours", "theirs"), WINDOWED.values(), ids=WINDOWED.keys())
@pytest.mark.parametrize("shape", [(170, 4), (21, 30), (65, 1)])
def test_windows(ours: Callable[[Bars], Values], theirs: Callable[[Bars], Values], shape: tuple[int, int]) -> None:
    b = bars(*shape, seed=7)
    # TA-Lib keeps running sums, so its own rounding (of prices squared for the deviation) is the looser of the two.
    np.testing.assert_allclose(ours(b), theirs(b), rtol=1e-8, atol=1e-4)


def test_true_range_and_its_mean() -> None:
    b = bars(300, 3, seed=9)
    theirs = column_by_column(talib.TRANGE, b.high, b.low, b.close)
    has_value = ~np.isnan(theirs)  # TA-Lib has none at the first bar
    ours = ranges.true_range(b.high, b.low, b.close)
    assert np.array_equal(ours[has_value], theirs[has_value])
    mean = column_by_column(lambda r: talib.SMA(r, 14), ours)
    np.testing.assert_allclose(ranges.atr(b.high, b.low, b.close, 14), mean, rtol=1e-10)


def test_r_squared_is_the_squared_correlation_with_time() -> None:
    b = bars(300, 3, seed=8, late=False)
    log = np.log(b.close)
    time = np.arange(300.0)
    theirs = column_by_column(lambda c: talib.CORREL(time, c, 60), log) ** 2
    np.testing.assert_allclose(slopes.r_squared(log, 60), theirs, rtol=0, atol=1e-6)
