"""The reference's index and regimes, worked out by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from tests.reference import index
from tests.reference.made_markets import DAYS, frames, row


def test_index_weights_by_the_caps_before_and_equally_where_fewer_than_half_have_one() -> None:
    moves = {"A": (100, 110, 121, 300.0), "B": (100, 100, 90, 100.0), "C": (50, 51, 51, math.nan)}
    rows = []
    for code, (*closes, cap) in moves.items():
        rows += [row(t, c, code=code, market_cap=cap) for t, c in enumerate(closes)]
    result = index.market_index(frames(rows, 3), DAYS[:3])
    assert math.isnan(result["m"].iloc[0])
    assert result["m"].iloc[1:].tolist() == pytest.approx([0.075, 0.05])
    rows = [{**r, "market_cap": math.nan} if r["code"] != "A" else r for r in rows]
    result = index.market_index(frames(rows, 3), DAYS[:3])
    assert result["m"].iloc[1:].tolist() == pytest.approx([(0.1 + 0.02) / 3, 0.0])


def test_index_range_and_the_new_start_after_a_missing_session() -> None:
    rows = [row(t, 100, high=103, low=99) for t in (0, 1, 3, 4)]
    result = index.market_index(frames(rows, 5), DAYS[:5])
    assert result["missing"].tolist() == [False, False, True, False, False]
    assert result["range"].tolist() == pytest.approx([math.nan, 0.04, math.nan, 0.04, 0.04], nan_ok=True)
    assert result["m"].tolist() == pytest.approx([math.nan, 0, math.nan, math.nan, 0], nan_ok=True)


def regimes_of(moves: list[float], spans: list[float] | None = None) -> pd.DataFrame:
    spans = spans or [0.03] * len(moves)
    frame = pd.DataFrame({"m": moves, "range": spans, "missing": False}, index=DAYS[: len(moves)])
    return index.regimes(frame)


def test_daily_regimes_and_their_adjustments() -> None:
    moves = [math.nan, 0.02, 0.01, -0.01, -0.011, -0.025, -0.026]
    result = regimes_of(moves, [0.05] * 7)
    assert result["daily"].tolist() == [
        "neutral",
        "bull",
        "neutral",
        "neutral",
        "bear",
        "bear",
        "crash",
    ]
    assert result["rsi_threshold"].tolist()[:6] == [58, 65, 58, 58, 47, 47]
    assert result["min_signals"].tolist()[:6] == [3, 2, 3, 3, 5, 5]
    assert regimes_of(moves, [0.019] * 7)["rsi_threshold"].tolist()[4] == 44


def test_short_risk() -> None:
    result = regimes_of([-0.02, -0.015, -0.01, 0.0, -0.02], [0.03, 0.03, 0.041, 0.041, 0.041])
    assert result["short_risk"].tolist() == [2, 1, 1, 1, 3]


def test_trend_enters_high_from_neutral_keeps_and_leaves() -> None:
    up = 1.055 ** (1 / 20) - 1
    calm = regimes_of([math.nan] + [up] * 40)
    assert set(calm["trend"]) == {"neutral"}  # 5.5 % is not enough from neutral
    strong = 1.07 ** (1 / 20) - 1
    result = regimes_of([math.nan] + [strong] * 20 + [0.0] * 20)["trend"].tolist()
    assert result[19] == "neutral"  # r20 not yet defined
    # 20 - k sessions of 0.339 % are above 2 % while k <= 14; m10 stays at or above 0
    assert result[20:] == ["bull"] * 15 + ["neutral"] * 6


def test_trend_crash_is_judged_first_and_4_percent_are_enough_after_it() -> None:
    still = [math.nan, *[0.0] * 20]
    after = regimes_of([*still, -0.0511, *[0.0] * 5])["trend"].tolist()
    assert after[-6:] == ["crash"] * 5 + ["bear"]  # r20 -5.1 %, m10 -0.5 %
    # r20 ends at 5.3 % twice, once after a crash
    assert regimes_of([*still, -0.06, 0.12])["trend"].tolist()[-2:] == ["crash", "bull"]
    assert regimes_of([*still, -0.04, 0.0967])["trend"].tolist()[-2:] == ["neutral", "neutral"]


def test_trend_starts_anew_after_an_unknown_session() -> None:
    strong = 1.07 ** (1 / 20) - 1
    result = regimes_of([math.nan, *[strong] * 25, math.nan, *[strong] * 20])["trend"].tolist()
    assert result[25] == "bull"
    assert result[26:46] == ["neutral"] * 20
    assert result[46] == "bull"
