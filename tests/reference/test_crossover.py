"""The reference's v1 and v2, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference import crossover, v1, v2
from tests.reference.outcome import ranked


def test_ranking() -> None:
    rows = [("b", 8.0, 5.0), ("a", 8.0, 5.0), ("c", 8.0 - 1e-12, 9.0), ("d", 9.0, 1.0)]
    result = ranked([{"code": c, "score": s, "A": a} for c, s, a in rows], top_n=3)
    assert [(r["rank"], r["code"]) for r in result] == [(1, "d"), (2, "c"), (3, "a")]


def test_strategies_and_labels() -> None:
    def of(names: str, longterm_trend: int = 2) -> tuple[int, str]:
        signals = {name: name in names.split() for name in crossover.POINTS}
        points = crossover.points_of(signals, crossover.SEVEN)
        return points, crossover.strategy(points, signals, longterm_trend=longterm_trend)

    assert of("cross volume macd tema obv above5") == (12, "swing")
    assert of("cross volume tema obv above5") == (11, "position")  # momentum 5, trend 6
    assert of("cross volume macd rsi tema above5") == (11, "swing")
    assert of("cross macd tema obv") == (8, "position")
    assert of("volume cross macd tema") == (8, "swing")
    assert of("macd rsi tema obv above5") == (8, "position")
    assert of("cross volume tema") == (7, "longterm")
    assert of("cross volume tema", 3) == (7, "watch")
    assert of("tema obv above5", 3) == (6, "longterm")
    assert of("cross volume") == (5, "watch")
    assert [crossover.label(score) for score in (10, 8, 6, 5.9)] == [
        "strong buy",
        "buy candidate",
        "watch",
        "candidate",
    ]


def test_adjusted_points_of_v2() -> None:
    result = [v2.adjusted(*pair) for pair in [(8, 3), (7, 3), (5, 3), (6, 1)]]
    assert result == [2, 3, 2, 5]


def quiet(**changed: Any) -> crossover.Measures:
    """A measured instrument that passes every filter of v1 with one signal, obv; nothing of it adds risk."""
    signals: dict[str, Any] = dict.fromkeys(("osc_positive", "crossed", "tema_rises"), False)
    signals |= {"A": 2e9, "turnover": 2e9, "price": 5000.0, "C": 100.0, "ema60": 95.0, "V": 10.0}
    signals |= {"tema20": 100.2, "dema10": 99.8, "gap": 0.004, "ext": -0.002, "atr_share": 0.02}
    signals |= {"vma5": 10.0, "vma20": 10.0, "rsi_tema": 50.0, "rsi_dema": 55.0, "dema_rises": True}
    signals |= {"obv_rises": True, "osc_rising": 3, "ups": 3, "sessions_above": 0}
    return crossover.Measures(**(signals | changed))


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({}, []),
        ({"turnover": 1e9, "price": 2000.0, "ema60": 100.0, "gap": 0.002, "ext": 0.015}, []),
        ({"turnover": 0.99e9}, ["turnover"]),
        ({"price": 1999.0}, ["price"]),
        ({"ema60": 100.1}, ["ema60"]),
        ({"rsi_tema": 83.0}, ["rsi"]),
        ({"rsi_tema": 70.0, "V": 30.0}, ["overheat"]),
        ({"gap": 0.0019}, ["gap"]),
        ({"gap": 0.0151}, ["gap"]),
        ({"ext": 0.0151}, ["ext"]),
        ({"atr_share": 0.041}, ["atr"]),
        ({"dema_rises": False}, ["dema"]),
        ({"dema10": 100.0}, ["dema"]),
        ({"V": 30.1, "osc_rising": 2}, ["risk"]),
        ({"osc_rising": 2, "ups": 4}, []),
    ],
)
def test_filters_of_v1(changed: dict[str, Any], broken: list[str]) -> None:
    result = v1.filters(quiet(**changed), 58, v1.PARAMS)
    assert [name for name, holds in result.items() if not holds] == broken


def test_risk_of_v2() -> None:
    hot = quiet(rsi_tema=76.0, V=26.0, ext=0.01)
    assert v2.risk(hot, 5) == 0
    assert v2.risk(hot, 6) == 3 + 2 + 2
    assert v2.risk(quiet(rsi_tema=81.0), 6) == 2 + 3


def test_signals_by_hand() -> None:
    body = crossover.signals(quiet(V=18.0, vma20=15.0), vol_mult=1.8, rsi_threshold=58)
    assert body["volume"]
    assert body["obv"]
    assert not body["rsi"]
    assert crossover.signals(quiet(rsi_tema=60.0, rsi_dema=62.9), vol_mult=2, rsi_threshold=58)["rsi"]
    assert not crossover.signals(quiet(rsi_tema=60.0, rsi_dema=63.0), vol_mult=2, rsi_threshold=58)["rsi"]


def test_rising_run() -> None:
    zero = [0.0] * 5
    assert crossover.rising_run([5.0, 1, 2, 3, 4], zero) == 3
    assert crossover.rising_run([1.0, 2, 3, 4, 4], zero) == 0


def test_fallback_of_v1() -> None:
    three = quiet(sessions_above=3, osc_positive=True)
    at_step_1 = quiet(sessions_above=3, V=21.0)  # obv, above5 and a volume of 2.1 means
    two = quiet(sessions_above=3)
    one = quiet()
    passed = {"A": three, "B": at_step_1, "C": two, "D": one}

    def result(needed: int, wanted: int) -> tuple[int, str]:
        step, rows = v1.fallback(passed, needed, wanted, 58, v1.PARAMS)
        return step, "".join(row["code"] for row in rows)

    assert [result(3, wanted) for wanted in (1, 2, 3, 9)] == [
        (0, "A"),
        (1, "AB"),
        (2, "ABC"),
        (2, "ABC"),
    ]
    assert [result(4, wanted) for wanted in (0, 1)] == [(0, ""), (1, "AB")]
    # a bull's two signals are not tightened to three at step 1
    assert [result(2, wanted) for wanted in (3, 4)] == [(0, "ABC"), (2, "ABC")]
    assert result(1, 4) == (0, "ABCD")
