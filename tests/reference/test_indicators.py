"""The reference's indicators: by hand, and against TA-Lib far from the start (it starts its averages otherwise)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib

from tests.reference import indicators
from tests.reference.made_markets import DAYS


def series(values: Any) -> indicators.Floats:
    return pd.Series(np.asarray(values, dtype="float64"))


@pytest.fixture(scope="module")
def walk() -> pd.DataFrame:
    """900 bars of a rising, restless stock: asymmetric so that a mirrored formula would show."""
    chance = np.random.default_rng(7)
    close = 10_000 * np.exp(np.cumsum(chance.normal(0.0006, 0.02, 900)))
    opened = close * np.exp(chance.normal(0, 0.006, 900))
    spread = np.exp(np.abs(chance.normal(0, 0.008, 900)))
    volume = np.exp(chance.normal(10, 0.7, 900))
    high, low = np.maximum(opened, close) * spread, np.minimum(opened, close) / spread**0.5
    columns = {"O": opened, "H": high, "L": low, "C": close, "V": volume}
    return pd.DataFrame(columns, index=DAYS)


def test_ema_by_hand_and_by_talib(walk: pd.DataFrame) -> None:
    assert indicators.ema(series([1, 2, 4]), 3).tolist() == [1, 1.5, 2.75]
    assert indicators.wilder(series([0, 4, 8]), 4).tolist() == [0, 1, 2.75]
    close, prices = walk["C"], walk["C"].to_numpy()
    for ours, theirs in (
        (indicators.ema(close, 20), talib.EMA(prices, 20)),
        (indicators.dema(close, 10), talib.DEMA(prices, 10)),
        (indicators.tema(close, 20), talib.TEMA(prices, 20)),
    ):
        assert ours.iloc[-1] == pytest.approx(theirs[-1], rel=1e-9)


def test_rsi_macd_atr_obv_and_slope_by_talib(walk: pd.DataFrame) -> None:
    high, low, close, volume = (walk[name] for name in ("H", "L", "C", "V"))
    prices = close.to_numpy()
    assert indicators.rsi(close, 14).iloc[-1] == pytest.approx(talib.RSI(prices, 14)[-1], rel=1e-9)
    for ours, theirs in zip(indicators.macd(close), talib.MACD(prices, 12, 26, 9), strict=True):
        assert ours.iloc[-1] == pytest.approx(theirs[-1], rel=1e-9)
    up, down = indicators.osc_sides(close)
    assert (up - down).iloc[-1] == pytest.approx(indicators.macd(close)[2].iloc[-1], rel=1e-6)
    mean_range = talib.SMA(talib.TRANGE(high.to_numpy(), low.to_numpy(), prices), 14)
    assert indicators.atr(high, low, close, 14).to_numpy()[20:] == pytest.approx(mean_range[20:])
    for values in (close, indicators.obv(close, volume)):
        expected = talib.LINEARREG_SLOPE(np.asarray(values, dtype=np.float64), 20)[19:]
        assert indicators.slope(values, 20).to_numpy()[19:] == pytest.approx(expected, rel=1e-6, abs=1e-6)
    theirs = talib.OBV(prices, volume.to_numpy())
    # theirs starts with the first volume
    assert indicators.obv(close, volume).to_numpy() == pytest.approx(theirs - volume.iloc[0])


def test_the_sides_of_a_slope_are_its_sign(walk: pd.DataFrame) -> None:
    close, volume = walk["C"], walk["V"]
    for t in range(20, 120):
        part = walk.iloc[:t]
        assert indicators.above(*indicators.slope_sides(part["C"], 20)) == (indicators.slope(close, 20).iloc[t - 1] > 0)
        rising = indicators.slope(indicators.obv(close, volume), 20).iloc[t - 1] > 0
        assert indicators.above(*indicators.obv_sides(part["C"], part["V"], 20)) == rising


def test_rsi_tema_is_floored_and_neutral_without_changes() -> None:
    assert indicators.rsi_tema(series([5, 5, 5]), 14).tolist() == [50, 50, 50]
    assert indicators.rsi_tema(series([5, 6, 6, 7]), 14).tolist()[1:] == [100, 100, 100]
    jump = series([100, 120, *[119.5 - i / 2 for i in range(12)]])
    result = indicators.rsi_tema(jump, 14).tolist()
    assert min(result) == 0  # the smoothed gain overshoots below 0 and is floored
    assert indicators.strength(series([3, -1, -1]), series([1, 2, -2])).tolist() == [75, 0, 50]


def test_ties() -> None:
    assert not indicators.above(100 * (1 + 1e-10), 100)
    assert indicators.above(100 * (1 + 1e-8), 100)
    assert indicators.at_least(100, 100 * (1 + 1e-10))
    assert not indicators.at_least(math.nan, 1)
    assert not indicators.above(math.nan, 1)
    assert indicators.sign_of_change(series([1, 1 + 1e-12, 2, 1])) == [0, 0, 1, -1]


def test_percentiles_are_average_ranks() -> None:
    result = indicators.percentiles({"a": 1.0, "b": 2.0, "c": 2.0 * (1 + 1e-12), "d": 3.0})
    assert result == {"a": 0.25, "b": 0.625, "c": 0.625, "d": 1.0}
