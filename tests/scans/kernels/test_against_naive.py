"""The kernels against loops over one instrument at a time, on ticks, ties, halts and late listings."""

from __future__ import annotations

import functools
import itertools
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
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
from tests.reference import indicators as reference
from tests.scans.kernels import naive
from tests.scans.kernels.made import Bars, bars, per_column

Values = NDArray[np.float64]
Sample = tuple[Callable[[Bars], NDArray[Any]], Callable[[Bars], Values]]


def series(function: Callable[..., Iterable[float]], *arguments: int) -> Callable[..., list[float]]:
    """A function of the reference, which takes pandas series, as one of lists."""

    def of(*columns: Sequence[float]) -> list[float]:
        taken = (pd.Series(list(column), dtype="float64") for column in columns)
        return [float(value) for value in function(*taken, *arguments)]

    return of


def at_each(function: Callable[..., tuple[float, float]], *arguments: int) -> Callable[..., list[float]]:
    """The verdict `up above down` of a reference that answers for the last session only."""

    def of(*columns: Sequence[float]) -> list[float]:
        verdicts = []
        for t in range(len(columns[0])):
            taken = (pd.Series(list(column[: t + 1]), dtype="float64") for column in columns)
            verdicts.append(float(reference.above(*function(*taken, *arguments))))
        return verdicts

    return of


def osc_rises(close: Sequence[float]) -> list[float]:
    up, down = (list(side) for side in reference.osc_sides(pd.Series(close)))
    later = [reference.above(up[t] + down[t - 1], down[t] + up[t - 1]) for t in range(1, len(up))]
    return [0.0, *map(float, later)]


def macd(part: int) -> Callable[[pd.Series[float]], pd.Series[float]]:
    return lambda close: reference.macd(close)[part]


def window(n: int, of: Callable[[Sequence[float]], float], partial: bool = False) -> Callable[..., list[float]]:
    return functools.partial(naive.windowed, n=n, of=of, partial=partial)


SAMPLES: dict[str, Sample] = {
    "ema": (
        lambda b: averages.ema(b.close, 12),
        lambda b: per_column(series(reference.ema, 12), b.close),
    ),
    "wilder": (
        lambda b: averages.wilder(b.close, 14),
        lambda b: per_column(series(reference.wilder, 14), b.close),
    ),
    "dema": (
        lambda b: averages.dema(b.close, 10),
        lambda b: per_column(series(reference.dema, 10), b.close),
    ),
    "tema": (
        lambda b: averages.tema(b.close, 20),
        lambda b: per_column(series(reference.tema, 20), b.close),
    ),
    "sma": (
        lambda b: averages.sma(b.volume, 19),
        lambda b: per_column(series(reference.sma, 19), b.volume),
    ),
    "macd line": (
        lambda b: oscillators.macd(b.close).line,
        lambda b: per_column(series(macd(0)), b.close),
    ),
    "macd signal": (
        lambda b: oscillators.macd(b.close).signal,
        lambda b: per_column(series(macd(1)), b.close),
    ),
    "macd osc": (
        lambda b: oscillators.macd(b.close).osc,
        lambda b: per_column(series(macd(2)), b.close),
    ),
    "osc rises": (
        lambda b: oscillators.osc_rises(oscillators.osc_sides(b.close)),
        lambda b: per_column(osc_rises, b.close),
    ),
    "rsi": (
        lambda b: oscillators.rsi(b.close, 14),
        lambda b: per_column(series(reference.rsi, 14), b.close),
    ),
    "rsi_tema": (
        lambda b: oscillators.rsi_tema_dema(b.close, 14)[0],
        lambda b: per_column(series(reference.rsi_tema, 14), b.close),
    ),
    "rsi_dema": (
        lambda b: oscillators.rsi_tema_dema(b.close, 14)[1],
        lambda b: per_column(series(reference.rsi_dema, 14), b.close),
    ),
    "true_range": (
        lambda b: ranges.true_range(b.high, b.low, b.close),
        lambda b: per_column(series(reference.true_range), b.high, b.low, b.close),
    ),
    "true_range inside": (
        lambda b: ranges.true_range(b.high, b.low, b.close, inside=True),
        lambda b: per_column(naive.true_range_inside, b.high, b.low, b.close),
    ),
    "atr": (
        lambda b: ranges.atr(b.high, b.low, b.close, 14),
        lambda b: per_column(series(reference.atr, 14), b.high, b.low, b.close),
    ),
    "depth": (
        lambda b: ranges.depth(b.high, b.low, 20),
        lambda b: per_column(functools.partial(naive.depth, n=20), b.high, b.low),
    ),
    "place": (
        lambda b: ranges.place(b.close, b.high, b.low, 3),
        lambda b: per_column(functools.partial(naive.place, n=3), b.close, b.high, b.low),
    ),
    "change": (
        lambda b: ranges.change(b.close, 22),
        lambda b: per_column(functools.partial(naive.change, n=22), b.close),
    ),
    "slope": (
        lambda b: slopes.slope(b.close, 20),
        lambda b: per_column(series(reference.slope, 20), b.close),
    ),
    "slope odd": (
        lambda b: slopes.slope(b.close, 7),
        lambda b: per_column(series(reference.slope, 7), b.close),
    ),
    "rising": (
        lambda b: slopes.rising(b.close, 5),
        lambda b: per_column(at_each(reference.slope_sides, 5), b.close),
    ),
    "r_squared": (
        lambda b: slopes.r_squared(np.log(b.close), 60),
        lambda b: per_column(window(60, naive.r_squared), np.log(b.close)),
    ),
    "deviation": (
        lambda b: slopes.deviation(b.close, 20),
        lambda b: per_column(window(20, statistics.stdev), b.close),
    ),
    "obv": (
        lambda b: volume.obv(b.close, b.volume),
        lambda b: per_column(series(reference.obv), b.close, b.volume),
    ),
    "obv_slope": (
        lambda b: volume.obv_slope(b.close, b.volume, 20),
        lambda b: per_column(lambda c, v: series(reference.slope, 20)(series(reference.obv)(c, v)), b.close, b.volume),
    ),
    "obv_rising": (
        lambda b: volume.obv_rising(b.close, b.volume, 8),
        lambda b: per_column(at_each(reference.obv_sides, 8), b.close, b.volume),
    ),
    "signed_volume": (
        lambda b: volume.signed_volume(b.close, b.volume),
        lambda b: per_column(lambda c, v: [0.0, *np.diff(series(reference.obv)(c, v))], b.close, b.volume),
    ),
    "rolling_sum": (
        lambda b: windows.rolling_sum(b.volume, 11),
        lambda b: per_column(window(11, sum), b.volume),
    ),
    "rolling_max": (
        lambda b: windows.rolling_max(b.high, 52),
        lambda b: per_column(window(52, max), b.high),
    ),
    "rolling_max partial": (
        lambda b: windows.rolling_max(b.high, 100, partial=True),
        lambda b: per_column(window(100, max, partial=True), b.high),
    ),
    "rolling_min": (
        lambda b: windows.rolling_min(b.low, 20),
        lambda b: per_column(window(20, min), b.low),
    ),
    "rolling_min partial": (
        lambda b: windows.rolling_min(b.low, 31, partial=True),
        lambda b: per_column(window(31, min, partial=True), b.low),
    ),
    "median odd": (
        lambda b: counts.rolling_median(b.volume, 19),
        lambda b: per_column(window(19, statistics.median), b.volume),
    ),
    "median even": (
        lambda b: counts.rolling_median(b.volume, 10),
        lambda b: per_column(window(10, statistics.median), b.volume),
    ),
    "share_below": (
        lambda b: counts.share_below(b.high - b.low, averages.sma(b.high - b.low, 5), 59, least=20),
        lambda b: per_column(
            lambda h, low: (lambda r: naive.share_below(r, naive.windowed(r, 5, statistics.fmean), 59, 20))(
                [x - y for x, y in zip(h, low, strict=True)]
            ),
            b.high,
            b.low,
        ),
    ),
}


@pytest.mark.parametrize(("kernel", "loop"), SAMPLES.values(), ids=SAMPLES.keys())
@pytest.mark.parametrize("shape", [(150, 4), (9, 11), (1, 3), (130, 1)])
def test_kernel_equals_loop(
    kernel: Callable[[Bars], NDArray[Any]],
    loop: Callable[[Bars], Values],
    shape: tuple[int, int],
) -> None:
    b = bars(*shape, seed=shape[0])
    answer, expected = kernel(b), loop(b)
    if answer.dtype.kind == "b":
        expected = np.nan_to_num(expected, nan=0.0).astype(bool)
        assert np.array_equal(answer, expected)
    else:
        np.testing.assert_allclose(answer, expected, rtol=1e-9, atol=1e-9)


def holds(b: Bars) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return b.close > b.open, b.volume > 9000.0


@pytest.mark.parametrize("shape", [(40, 3), (4, 9), (1, 1)])
def test_counts_shares_and_streaks_of_booleans(shape: tuple[int, int]) -> None:
    b = bars(*shape, seed=1)
    up, busy = holds(b)
    as_floats = (
        up.astype(float),
        busy.astype(float),
    )  # no NaN: a session before the first bar is a False one
    count = per_column(window(5, sum, partial=True), as_floats[0])
    assert np.array_equal(counts.rolling_count(up, 5), count)
    assert np.array_equal(counts.rolling_share(up, 5), count / 5)
    among = per_column(functools.partial(naive.share_among, n=10), *as_floats)
    np.testing.assert_array_equal(counts.rolling_share(up, 10, of=busy), among)
    assert np.array_equal(counts.streak(up), per_column(naive.streak, as_floats[0]))


def test_bars_count_from_the_first_one() -> None:
    b = bars(60, 9, seed=2)
    counted = per_column(lambda c: list(range(1, len(c) + 1)), b.close)
    assert np.isnan(counted).any()
    assert np.array_equal(arrays.bars(b.close), np.nan_to_num(counted, nan=0.0))


def test_rises_falls_and_crossings() -> None:
    b = bars(120, 5, seed=4)
    signs = per_column(series(reference.sign_of_change), b.close)
    assert np.array_equal(compare.rises(b.close), signs > 0)
    assert np.array_equal(compare.falls(b.close), signs < 0)
    fast, slow = averages.ema(b.close, 3), averages.ema(b.close, 8)

    def crossing(a: Sequence[float], c: Sequence[float]) -> list[float]:
        over = [reference.above(x, y) for x, y in zip(a, c, strict=True)]
        return [0.0, *(float(now and not then) for then, now in itertools.pairwise(over))]

    expected = np.nan_to_num(per_column(crossing, fast, slow), nan=0.0).astype(bool)
    assert expected.any()
    assert np.array_equal(compare.crosses_above(fast, slow), expected)


def test_a_flat_stock_is_exactly_flat() -> None:
    close = np.full((300, 2), 12345.67)
    close[:7, 1] = np.nan
    for value in (averages.ema(close, 60), averages.dema(close, 10), averages.tema(close, 20)):
        assert np.array_equal(value, close, equal_nan=True)
    listed = ~np.isnan(close)
    assert (oscillators.rsi_tema_dema(close)[0][listed] == 50).all()
    assert (oscillators.rsi(close)[listed] == 50).all()
    full = listed & (arrays.bars(close) >= 60)
    assert (slopes.slope(close, 60)[full] == 0).all()
    assert (slopes.r_squared(np.log(close), 60)[full] == 0).all()
    assert (ranges.place(close, close, close, 20)[arrays.bars(close) >= 20] == 0.5).all()
    assert not slopes.rising(close, 60).any()
    assert np.array_equal(slopes.not_falling(close, 60), full)


def test_one_gain_fades_from_a_dema_through_zero_without_noise() -> None:
    """n sessions after a single gain, 2 e1 = e2 exactly: neither gain nor loss is left, whatever rounding says."""
    close = np.full((40, 60), 1000.0) * np.linspace(0.013, 71.0, 60)
    close[10:] *= 1.01
    of_dema = oscillators.rsi_tema_dema(close, 14)[1]
    assert (of_dema[10] == 100).all()
    assert (of_dema[24] == 50).all()


def test_prices_that_differ_in_the_last_bits_alone_have_not_moved() -> None:
    """So they do where a factor is undone by division: 0.1 * 3 is not 0.3."""
    close = np.full((80, 3), 0.3) * [1.0, 7.7, 1e6]
    close[1::3] *= 0.1 * 3 / 0.3
    assert (np.diff(close, axis=0) != 0).any()
    assert (oscillators.rsi(close, 14) == 50).all()
    assert (np.array(oscillators.rsi_tema_dema(close, 14)) == 50).all()
    assert not volume.signed_volume(close, np.ones_like(close)).any()
    assert not slopes.rising(close, 20).any()
    assert (ranges.place(close, close, close, 20)[19:] == 0.5).all()
    level = np.full_like(close, close.max(axis=0))
    assert (counts.share_below(close, level, 10) == 0).all()
    assert (counts.share_below(close, level * 1.001, 10) == 1).all()
