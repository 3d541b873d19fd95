"""The reference's index and regimes, worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from tests.reference import index
from tests.reference.made_markets import DAYS, frames, row


def test_equal_weights_and_weights_by_the_caps_before_are_two_series() -> None:
    moves = {"A": (100, 110, 121, 300.0), "B": (100, 100, 90, 100.0)}
    rows = [
        row(t, c, code=code, market_cap=cap) for code, (*closes, cap) in moves.items() for t, c in enumerate(closes)
    ]
    equal, by_cap = both(rows, 3)
    assert equal == pytest.approx([math.nan, 0.05, 0.0], nan_ok=True)
    assert by_cap == pytest.approx([math.nan, 0.075, 0.05], nan_ok=True)  # 3 : 1, whatever the closes do


def test_caps_are_carried_with_the_adjusted_close_and_never_back() -> None:
    # A: 300 recorded at 0; its close doubles at 1 and is split in two at 2, so 600 at 1 and 2. B: 200 recorded at 1.
    rows = [row(0, 100, market_cap=300.0), row(1, 200, base_price=100.0), row(2, 100, base_price=100.0), row(3, 110)]
    rows += [row(t, c, code="B", market_cap=200.0 if t == 1 else math.nan) for t, c in enumerate((10, 10, 10, 9))]
    equal, by_cap = both(rows, 4)
    assert equal == pytest.approx([math.nan, 0.5, 0.0, 0.0], nan_ok=True)
    # At 1 half have a cap at 0; at 3 the weights are 600 and 200.
    assert by_cap == pytest.approx([math.nan, math.nan, 0.0, (600 * 0.1 - 200 * 0.1) / 800], nan_ok=True)


def test_caps_of_nine_in_ten_are_enough_and_of_less_are_not() -> None:
    def moves(without: int, of: int) -> float:
        names = [f"{n:03d}" for n in range(of)]
        rows = [
            row(t, 100 + 10 * t * (n == 0), code=code, market_cap=math.nan if n >= of - without else 100.0)
            for n, code in enumerate(names)
            for t in (0, 1)
        ]
        return both(rows, 2)[1][1]

    assert moves(1, 10) == pytest.approx(0.1 / 9)
    assert moves(2, 20) == pytest.approx(0.1 / 18)
    assert math.isnan(moves(1, 9))
    assert math.isnan(moves(3, 20))


def test_caps_are_carried_across_a_missing_session_after_which_m_is_unknown_once() -> None:
    rows = [row(t, c, market_cap=100.0 if t == 0 else math.nan) for t, c in ((0, 10), (1, 12), (3, 12), (4, 15))]
    rows += [row(t, 5, code="B", market_cap=200.0 if t == 0 else math.nan) for t in (0, 1, 3, 4)]
    equal, by_cap = both(rows, 5)
    assert equal == pytest.approx([math.nan, 0.1, math.nan, math.nan, 0.125], nan_ok=True)
    assert by_cap == pytest.approx([math.nan, 0.2 / 3, math.nan, math.nan, 0.25 * 120 / 320], nan_ok=True)


def test_a_series_never_switches_its_weighting() -> None:
    # No instrument has a cap from session 2 on but in the record of session 0: own-cap goes on by carried caps.
    rows = [
        row(t, 100 * (1 + up) ** t, code=code, market_cap=cap if t == 0 else math.nan)
        for code, up, cap in (("A", 0.1, 100.0), ("B", 0.0, 300.0))
        for t in range(4)
    ]
    equal, by_cap = both(rows, 4)
    assert equal[1:] == pytest.approx([0.05] * 3)
    weights = [100 * 1.1**t for t in range(3)]
    assert by_cap[1:] == pytest.approx([0.1 * a / (a + 300) for a in weights])


def both(rows: list[dict[str, Any]], sessions: int) -> tuple[list[float], list[float]]:
    """m of own-equal and of own-cap."""
    made = frames(rows, sessions)
    equal, by_cap = (
        index.market_index(made, DAYS[:sessions], series=series)["m"].tolist()
        for series in (index.OWN_EQUAL, index.OWN_CAP)
    )
    return equal, by_cap


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
