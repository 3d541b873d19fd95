"""Equal slots: cases by hand, and a naive portfolio of dictionaries on random trades."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from scans.evaluation.prices import Prices
from scans.evaluation.slot_portfolio import REASONS, Trades, trade_slots
from scans.evaluation.trade_lifecycle import follow_plans
from tests.scans.evaluation.test_lives import plan, prices

NAN = math.nan


def trades(*rows: tuple[int, int, float, int, float], costs: float = 0.0, limit: float = math.inf) -> Trades:
    """Trades of (column, entered, entry, left, exit)."""
    column, entered, entry, left, end = (list(values) for values in zip(*rows, strict=True))
    return Trades(
        np.array(column),
        np.array(entered),
        np.array(entry, dtype=float),
        np.array(left),
        np.array(end, dtype=float),
        np.full(len(rows), costs),
        np.full(len(rows), limit),
    )


def test_two_slots_by_hand() -> None:
    """1,000 in two slots. A: 500 at 10, worth 550 at 11, sold at 12 for 600. B: 500 at 20, still open at 18: 450. The
    order of C finds no slot; that of session 2 does, since A was sold on session 1: 1,050 / 2 = 525, all of it cash."""
    close = np.array([[11.0, 20.0, 5.0], [12.0, 18.0, 5.0], [12.0, 18.0, 6.0]])
    done = trade_slots(
        close,
        trades((0, 0, 10, 1, 12), (1, 0, 20, -1, NAN), (2, 1, 5, -1, NAN), (2, 2, 5, -1, NAN)),
        slots=2,
        capital=1000,
    )
    assert [REASONS[reason] for reason in done.reason] == ["bought", "bought", "full", "bought"]
    assert done.order.tolist() == [500, 500, 0, 525]
    assert done.equity.tolist() == [1050, 1050, 600 + 450 - 525 + 525 * 6 / 5]
    assert done.invested.tolist() == [1050, 450, 450 + 630]
    assert done.positions.tolist() == [2, 1, 2]


def test_costs_are_paid_half_at_the_entry_and_half_at_the_exit() -> None:
    """99 of 100 buy at 1 % costs of a side: 100 / 1.01 = 99.0099 of shares and 0.990099 of costs."""
    done = trade_slots(np.array([[10.0], [10.0]]), trades((0, 0, 10, 1, 11), costs=0.02), slots=1, capital=100)
    assert done.order[0] == pytest.approx(100 / 1.01)
    assert done.equity[0] == pytest.approx(100 / 1.01)
    assert done.equity[1] == pytest.approx(100 / 1.01 * 1.1 - 1 / 1.01)
    assert done.paid == pytest.approx(2 / 1.01)


def test_an_order_is_no_more_than_its_share_of_turnover_and_a_name_is_held_once() -> None:
    done = trade_slots(
        np.full((2, 1), 10.0), trades((0, 0, 10, -1, NAN), (0, 1, 10, -1, NAN), limit=30.0), slots=2, capital=100
    )
    assert done.order.tolist() == [30, 0]
    assert REASONS[done.reason[1]] == "in_portfolio"
    nothing = trade_slots(np.full((1, 1), 10.0), trades((0, 0, 10, -1, NAN), limit=0.0), slots=2, capital=100)
    assert REASONS[nothing.reason[0]] == "no_cash"
    assert nothing.equity.tolist() == [100]


@pytest.mark.parametrize(
    ("bars", "equity"),
    [
        # bought at 100; a gap below the stop of 95 sells at the open of 90
        ([(100, 100, 100, 100), (100, 101, 99, 100), (90, 92, 89, 91)], 90.0),
        # a gap above the target of 110 sells at the open of 115
        ([(100, 100, 100, 100), (100, 101, 99, 100), (115, 120, 114, 118)], 115.0),
        # target and stop in one bar: the stop counts
        ([(100, 100, 100, 100), (100, 112, 94, 100)], 95.0),
        # suspended, then the target
        ([(100, 100, 100, 100), (100, 101, 99, 100), None, None, (108, 111, 107, 109)], 110.0),
        # suspended to the end: worth its last close
        ([(100, 100, 100, 100), (100, 101, 99, 98), None, None], 98.0),
    ],
)
def test_gaps_both_levels_in_a_bar_and_suspensions_by_hand(bars: Any, equity: float) -> None:
    market: Prices = prices(bars)
    lives = follow_plans(market, plan())
    only = trades((0, int(lives.entered[0]), float(lives.entry[0]), int(lives.left[0]), float(lives.exit[0])))
    done = trade_slots(market.close, only, slots=1, capital=100.0)
    assert done.equity[-1] == pytest.approx(equity)


def naive(close: Any, rows: list[dict[str, float]], slots: int, capital: float) -> list[float]:
    """The portfolio, trade by trade with plain numbers."""
    cash, equity = capital, capital
    own: list[dict[str, float]] = []
    curve = []
    for t in range(len(close)):
        for row in rows:
            if row["entered"] != t or len(own) == slots or any(held["column"] == row["column"] for held in own):
                continue
            money = min(equity / slots, row["limit"], cash / (1 + row["costs"] / 2))
            if money > 0:
                cash -= money * (1 + row["costs"] / 2)
                own.append({**row, "shares": money / row["entry"], "money": money})
        for held in [held for held in own if held["left"] == t]:
            cash += held["shares"] * held["exit"] - held["money"] * held["costs"] / 2
            own.remove(held)
        equity = cash + sum(held["shares"] * close[t][int(held["column"])] for held in own)
        curve.append(equity)
    return curve


@pytest.mark.parametrize("seed", range(20))
def test_against_a_naive_portfolio(seed: int) -> None:
    random = np.random.default_rng(seed)
    close = 100 * np.cumprod(1 + random.normal(0, 0.03, (60, 8)), axis=0)
    count = 120
    entered = np.sort(random.integers(0, 60, count))
    left = np.where(random.random(count) < 0.8, np.minimum(entered + random.integers(0, 15, count), 60), -1)
    left[left == 60] = -1
    chosen = Trades(
        column=random.integers(0, 8, count),
        entered=entered,
        entry=random.uniform(80, 120, count),
        left=left,
        exit=random.uniform(80, 120, count),
        costs=random.uniform(0, 0.01, count),
        limit=np.where(random.random(count) < 0.2, random.uniform(0, 300, count), 1e9),
    )
    slots = int(random.integers(1, 6))
    names = ("column", "entered", "entry", "left", "exit", "costs", "limit")
    rows = [{name: float(getattr(chosen, name)[n]) for name in names} for n in range(count)]
    done = trade_slots(np.asarray(close, dtype=np.float64), chosen, slots=slots, capital=1000.0)
    assert done.equity == pytest.approx(naive(close, rows, slots, 1000.0))
