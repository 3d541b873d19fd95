"""The reference's bars, worked out by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from tests.reference import bars
from tests.reference.made_markets import DAYS, frames, row


def test_a_split_scales_what_came_before() -> None:
    a = frames([row(0, 100), row(1, 110), row(2, 24, base_price=22, volume=50)], 3)["A"]
    assert a["factor"].tolist() == [1, 1, pytest.approx(0.2)]
    assert a["C"].tolist() == pytest.approx([20, 22, 24])
    assert a["V"].tolist() == pytest.approx([50, 50, 50])
    assert a["A"].tolist() == [1000, 1100, 1200]
    assert not a["suspected"].any()


def test_ratio_replaces_a_missing_base_price() -> None:
    a = frames([row(0, 100), row(1, 55, ratio=0.5), row(2, 60, base_price=60, ratio=9)], 3)["A"]
    assert a["factor"].tolist() == pytest.approx([1, 0.5, 60 / 55])
    assert not a["suspected"].any()


def test_no_trade_bars_are_filled_and_the_filling_goes_on_after_the_last_bar() -> None:
    nothing = {"open": 0, "high": 0, "low": 0, "volume": 0}
    rows = [row(1, 100), row(2, 999, **nothing), row(4, 999, base_price=50, **nothing), row(5, 52)]
    a = frames(rows, 8)["A"]
    assert a.index[0] == DAYS[1]
    assert a["rawC"].tolist() == [100, 100, 100, 50, 52, 52, 52]
    assert a["C"].tolist() == pytest.approx([50, 50, 50, 50, 52, 52, 52])
    assert a["H"].tolist() == a["L"].tolist() == a["C"].tolist()
    assert a["traded"].tolist() == [True, False, False, False, True, False, False]
    assert a["recorded"].tolist() == [True, True, False, True, True, False, False]
    assert a["A"].tolist() == [1000, 0, 0, 0, 520, 0, 0]
    assert a["age"].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_a_first_bar_without_trade_takes_its_base_price_or_else_its_close() -> None:
    assert frames([row(0, 70, volume=0)], 1)["A"]["rawC"].tolist() == [70]
    assert frames([row(0, 70, volume=0, base_price=80)], 1)["A"]["rawC"].tolist() == [80]


def test_a_ratio_on_a_halted_day_moves_the_price() -> None:
    a = frames([row(0, 100), row(1, 100, volume=0, ratio=0.1), row(2, 11)], 3)["A"]
    assert a["rawC"].tolist() == [100, 10, 11]
    assert a["C"].tolist() == pytest.approx([10, 10, 11])
    assert not a["suspected"].any()


def test_open_high_and_low_of_zero_take_the_close() -> None:
    a = frames([row(0, 100, open=0, high=105, low=0)], 1)["A"]
    assert a[["O", "H", "L", "C"]].iloc[0].tolist() == [100, 105, 100, 100]


@pytest.mark.parametrize(
    ("close", "fields", "expected"),
    [
        (131, {}, False),
        (132, {}, True),
        (69, {}, False),
        (68, {}, True),
        (200, {"base_price": 190}, False),
        (200, {"ratio": 1.9}, False),
        (200, {"volume": 0}, False),
    ],
)
def test_suspected_corporate_actions(close: float, fields: dict[str, Any], expected: bool) -> None:
    rows = [row(0, 100), row(1, close, **fields)]
    assert bool(frames(rows, 2)["A"]["suspected"].iloc[1]) is expected
    assert not frames(rows, 2, daily_limit=False)["A"]["suspected"].any()


def test_eligible_again_252_sessions_after_a_suspected_action() -> None:
    result = frames([row(day, 100 if day < 10 else 200) for day in range(300)], 300)
    assert result["A"]["suspected"].tolist().index(True) == 10
    eligible = [bool(bars.universe(result, day, min_bars=3)) for day in DAYS[:300]]
    assert [t for t in range(1, 300) if eligible[t] != eligible[t - 1]] == [2, 10, 10 + 252]


def test_the_limit_takes_the_largest_turnovers_of_each_segment() -> None:
    sizes = {"A": ("KOSPI", 5), "B": ("KOSPI", 7), "C": ("KOSPI", 5), "D": ("KOSDAQ", 1)}
    sizes["E"] = ("KONEX", 9)
    rows = [row(0, 100, code=c, segment=s, volume=v) for c, (s, v) in sizes.items()]
    result = frames(rows, 1)
    assert sorted(bars.universe(result, DAYS[0], min_bars=1)) == ["A", "B", "C", "D"]
    assert sorted(bars.universe(result, DAYS[0], min_bars=1, limit=2)) == ["A", "B", "D"]
    assert sorted(bars.universe(result, DAYS[0], min_bars=1, limit={"KOSPI": 1})) == ["B", "D"]


def test_a_bar_on_a_closed_day_is_refused() -> None:
    with pytest.raises(ValueError, match="not a session"):
        bars.build(pd.DataFrame([row(1, 100)]), [DAYS[0], DAYS[2]])
