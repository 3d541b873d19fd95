"""The reference's v3 and vcp, worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib

from tests.reference import v3, vcp
from tests.reference.made_markets import DAYS


def frame(close: Any, volume: Any = 100.0, scale: float = 1.0, **more: Any) -> pd.DataFrame:
    close = np.asarray(close, dtype=np.float64)
    values = {"O": close, "H": close, "L": close, "C": close, "V": volume, "rawV": volume}
    values |= {"A": 2e9, "rawC": close * scale} | more
    return pd.DataFrame(values, index=DAYS[: len(close)])


def test_midterm_of_steady_growth() -> None:
    bars = frame(1000 * 1.002 ** np.arange(130))
    # R^2 is 1, vma(5) / vma(20) is 1, the close is the high
    expected = 40 * 0.8 + 25 + 20 * 0.2 / 0.7 + 15
    assert v3.midterm(bars, 0.8) == pytest.approx(expected)
    assert v3.midterm(bars, 0.7) == pytest.approx(expected - 4)
    assert v3.midterm(bars, 0.69) is None
    assert v3.midterm(frame(1000 * 0.998 ** np.arange(130)), 0.8) is None
    assert v3.midterm(frame([1000.0] * 130), 0.8) is None
    # 3 % a session: ema20 lies 9.5 sessions behind
    assert v3.midterm(frame(1000 * 1.03 ** np.arange(130)), 0.8) is None
    high = np.where(np.arange(130) == 100, 1e9, 1000 * 1.002 ** np.arange(130))
    assert v3.midterm(frame(1000 * 1.002 ** np.arange(130), H=high), 0.8) is None


def test_r_squared() -> None:
    assert v3.r_squared([1, 2, 3, 4]) == pytest.approx(1)
    assert v3.r_squared([1, 1, 1]) == 0
    assert v3.r_squared([0, 1, 0, 1]) == pytest.approx(np.corrcoef(range(4), [0, 1, 0, 1])[0, 1] ** 2)


def test_pullback_after_steady_growth() -> None:
    close = 1000 * np.concatenate([1.003 ** np.arange(300), 1.003**299 * 0.99 ** np.arange(1, 4)])
    volume = np.array([100.0] * 298 + [60.0] * 5)
    ratio = 60 / ((15 * 100 + 5 * 60) / 20)
    distance = close[-1] / talib.EMA(close, 20)[-1] - 1
    strength = talib.RSI(close, 14)[-1]
    parts = [1 - abs(distance) / 0.03, (1 - ratio) / 0.5, 1 - abs(strength - 47.5) / 7.5]
    assert all(0 < part < 1 for part in parts)
    assert v3.pullback(frame(close, volume)) == pytest.approx(100 * sum(parts) / 3, rel=1e-6)
    assert v3.pullback(frame(close)) is None  # the volume did not dry up
    assert v3.pullback(frame(close, volume, O=close * 1.001)) is None
    assert v3.pullback(frame(close[:-3], volume[3:])) is None  # no fall yet


def contraction() -> pd.DataFrame:
    """200 bars at 50, then 60 at 118 under a high of 120 with lows 96, 105.6 and 110.4; the last close is 119."""
    close = np.array([50.0] * 200 + [118.0] * 59 + [119.0])
    high = np.array([50.0] * 200 + [120.0] * 60)
    low = np.array([50.0] * 200 + [96.0] * 20 + [105.6] * 20 + [110.4] * 20)
    volume = np.array([100.0] * 250 + [40.0] * 10)
    return frame(close, volume, 20.0, H=high, L=low)


def test_vcp_by_hand() -> None:
    bars = contraction()
    assert vcp.depths(bars) == pytest.approx((0.20, 0.12, 0.08))
    assert vcp.template(bars, 0.9) == [True] * 7
    assert vcp.template(bars, 0.7) == [True] * 6 + [False]
    row = vcp.judged("A", bars, 0.9, None, vcp.PARAMS)
    assert row is not None
    # u = 40 / 88 is below 0.5
    expected = 25 + 25 * 0.6 / 0.75 + 20 * 0.83 + 15 * (1 - (120 / 119 - 1) / 0.10) + 15 * 0.9
    assert row["score"] == pytest.approx(expected)
    assert row["label"] == "S"
    plan = [row[name] for name in ("entry", "stop", "target")]
    assert plan == pytest.approx([2400, 0.93 * 2400, 2880])
    assert not row["breakout"]
    assert vcp.judged("A", bars, 0.9, None, {**vcp.PARAMS, "price_min": 2381}) is None
    assert vcp.strength(bars["C"]) == pytest.approx(0.4 * 119 / 50 + 0.6 * 119 / 50)


def test_vcp_breakout() -> None:
    bars = contraction()
    last = bars.index[-1]
    bars.loc[last, ["C", "H", "V"]] = [121.0, 122.0, 150.0]
    row = vcp.judged("A", bars, 0.9, None, vcp.PARAMS)
    assert row is not None
    assert row["breakout"]
    bars.loc[last, "V"] = 120.0  # 1.5 times the mean of 50 is above
    row = vcp.judged("A", bars, 0.9, None, vcp.PARAMS)
    assert row is not None
    assert not row["breakout"]


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ((0.20, 0.15, 0.1125), True),
        ((0.20, 0.16, 0.10), True),
        ((0.20, 0.16, 0.11), False),
        ((0.20, 0.21, 0.09), False),
        ((0.36, 0.10, 0.05), False),
        ((0.07, 0.03, 0.01), False),
        ((0.08, 0.06, 0.045), True),
    ],
)
def test_contracting(ranges: tuple[float, float, float], expected: bool) -> None:
    assert vcp.contracting(*ranges) is expected


def test_dry_up_and_grade() -> None:
    result = [vcp.dry_up(u) for u in (0.29, 0.3, 0.5, 0.7, 1.0)]
    assert result == [1.0, 0.83, 0.67, 0.44, 0.22]
    assert [vcp.grade(score) for score in (80, 70, 60)] == ["S", "A", "B"]


def test_flow() -> None:
    bars = contraction()  # 40 shares a session at the end
    columns = {"foreign": [1.0, 1, 1, 1, 1], "institution": [1.0, 1, -1, -1, -1]}
    flows = pd.DataFrame(columns, index=bars.index[-5:])
    # 5 / 200 is above 2 %; -1 / 200 is above -2 %; both bought on two of five
    share = 0.4 * 0.8 + 0.3 * 0.4 + 0.3 * 0.4
    assert vcp.flow_score(bars, flows) == pytest.approx(share)
    plain = vcp.judged("A", bars, 0.9, None, vcp.PARAMS)
    blended = vcp.judged("A", bars, 0.9, flows, {**vcp.PARAMS, "flow_weight": 0.25})
    assert plain is not None
    assert blended is not None
    assert blended["score"] == pytest.approx(0.75 * plain["score"] + 25 * share)
    assert math.isnan(vcp.flow_score(bars, flows.iloc[1:]))
