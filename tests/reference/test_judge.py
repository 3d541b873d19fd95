"""The reference's judgement of picks, worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from tests.reference import judge
from tests.reference.judge import Holding
from tests.reference.made_markets import DAYS, frames, row

SESSIONS = 12


def market(changes: dict[int, dict[str, Any] | None], code: str = "A") -> list[dict[str, Any]]:
    """Bars that open at 100 + t and close one higher; `changes` replaces fields of a session or takes it away."""
    rows = []
    for t in range(SESSIONS):
        change = changes.get(t, {})
        if change is not None:
            plain = {"open": 100 + t, "high": 103 + t, "low": 98 + t, "code": code}
            rows.append({**row(t, 101 + t, **plain), **change})
    return rows


def holding(rows: list[dict[str, Any]], t: int, horizon: int, costs: float = 0.0) -> Holding:
    return judge.hold(frames(rows, SESSIONS), DAYS[:SESSIONS], DAYS[t], "A", horizon, costs)


def test_plain_holding() -> None:
    one = holding(market({}), 0, 3)
    assert (one.state, one.entry, one.exit) == ("judged", DAYS[1], DAYS[3])
    assert one.gross == pytest.approx(104 / 101 - 1)
    assert one.best == pytest.approx(106 / 101 - 1)
    assert one.worst == pytest.approx(99 / 101 - 1)
    assert one.hit
    assert holding(market({}), 0, 1).gross == pytest.approx(102 / 101 - 1)
    costly = holding(market({}), 0, 3, 0.05)
    assert costly.net == pytest.approx(104 / 101 - 1.05)
    assert not costly.hit


def test_halt_at_entry_waits_up_to_five_sessions() -> None:
    halted = {"volume": 0}
    one = holding(market({1: halted, 2: halted}), 0, 2)
    assert (one.entry, one.exit) == (DAYS[3], DAYS[4])
    assert one.gross == pytest.approx(105 / 103 - 1)
    assert holding(market(dict.fromkeys(range(1, 5), halted)), 0, 2).entry == DAYS[5]
    assert holding(market(dict.fromkeys(range(1, 6), halted)), 0, 2).state == "dropped"


def test_halt_and_delisting_in_a_holding_exit_at_the_last_traded_close() -> None:
    assert holding(market({3: {"volume": 0}}), 0, 3).gross == pytest.approx(103 / 101 - 1)
    gone = holding(market(dict.fromkeys(range(3, SESSIONS), None)), 0, 10)
    assert (gone.state, gone.exit) == ("judged", DAYS[10])
    assert gone.gross == pytest.approx(103 / 101 - 1)
    assert holding(market(dict.fromkeys(range(1, SESSIONS), None)), 0, 5).state == "dropped"


def test_split_in_a_holding_is_adjusted() -> None:
    split: dict[int, dict[str, float]] = {
        t: {"open": 50, "high": 52, "low": 49, "close": 51} for t in range(3, SESSIONS)
    }
    split[3] |= {"base_price": 51.5}  # half of 103
    one = holding(market({**split}), 0, 5)
    assert one.state == "judged"
    assert one.gross == pytest.approx(102 / 101 - 1)
    assert one.worst == pytest.approx(98 / 101 - 1)


def test_a_suspected_action_inside_is_not_judged() -> None:
    jump = {t: {"open": 50, "high": 52, "low": 49, "close": 51} for t in range(3, SESSIONS)}
    assert holding(market({**jump}), 0, 2).state == "judged"
    assert holding(market({**jump}), 0, 3).state == "unjudged"
    assert holding(market({**jump}), 2, 3).state == "judged"  # bought at the open after it


def test_the_end_of_the_record_is_open() -> None:
    assert holding(market({}), SESSIONS - 4, 3).state == "judged"
    assert holding(market({}), SESSIONS - 4, 4).state == "open"
    assert holding(market({}), SESSIONS - 1, 1).state == "open"
    assert holding(market({11: {"volume": 0}}), SESSIONS - 2, 1).state == "open"


def test_excess_over_everything_eligible() -> None:
    flat = [row(t, 100, code="B", market_cap=300.0) for t in range(SESSIONS)]
    rising = [{**bar, "market_cap": 100.0} for bar in market({})]
    jump = [row(t, 100 if t < 2 else 300, code="C", market_cap=900.0) for t in range(SESSIONS)]
    result = frames(rising + flat + jump, SESSIONS)
    picks = [(DAYS[0], "A")]
    one = judge.holdings(picks, result, DAYS[:SESSIONS], lambda day: "ABC", 3, costs=0.01)[0]
    gross = 104 / 101 - 1
    assert one.excess_equal == pytest.approx(gross - 0.01 - gross / 2)  # C is not judged
    assert one.excess_cap == pytest.approx(gross - 0.01 - gross / 4)


def made(date: int, code: str, net: float) -> Holding:
    return Holding(DAYS[date], code, "judged", DAYS[date + 1], DAYS[date + 1], net=net, hit=net > 0)


def test_figures() -> None:
    result = [made(0, "A", 0.1), made(0, "B", 0.2), made(1, "A", -0.3), made(1, "C", 0.4)]
    # centre 0.1: sums by date 0.1 and -0.1
    assert judge.standard_error(result) == pytest.approx(math.sqrt(0.02 * 2) / 4)
    assert judge.turnover(result) == 0.5
    many = [made(t, "A", t / 100) for t in range(12)]
    rows = frames(market({}), SESSIONS + 1)
    figures = judge.summary(many[:11], rows)
    assert figures["mean_without_best"] == 0
    assert figures["hit_rate"] == pytest.approx(10 / 11)
    assert figures["median"] == pytest.approx(0.05)
    assert math.isnan(judge.standard_error(many[:1]))


def test_worst_drawdown_of_the_basket() -> None:
    falling = [row(t, c, open=100) for t, c in enumerate([100, 100, 90, 80])]
    still = [row(t, 100, code="B") for t in range(4)]
    result = frames(falling + still, 4)
    sessions = DAYS[:4]
    picks: list[tuple[Any, str]] = [(DAYS[0], "A"), (DAYS[0], "B")]
    held_both = judge.holdings(picks, result, sessions, lambda day: "AB", 3)
    # A: 0, -10 %, -1/9; B: 0; the basket averages the two
    expected = (1 - 0.05) * (1 - 1 / 18) - 1
    assert judge.worst_drawdown(held_both, result, 0.0) == pytest.approx(expected)
    assert judge.worst_drawdown([], {}, 0.0) is not None
    assert pd.isna(judge.worst_drawdown([], {}, 0.0))
