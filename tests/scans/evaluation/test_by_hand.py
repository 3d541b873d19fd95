"""Holdings worked out by hand, one for each thing that can happen to a pick, and all of them against the reference."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from scans.evaluation.holdings import STATES
from tests.reference import fills
from tests.reference.made_markets import DAYS
from tests.reference.test_evaluation import HALTED, LOCKED_DOWN, LOCKED_UP, SESSIONS, market
from tests.scans.evaluation.cases import HORIZONS, Case, agree, agree_in_figures

Changes = dict[int, dict[str, Any] | None]


def rising_at_the_limit() -> Changes:
    """Five sessions in a row locked at the upper limit."""
    price = 100
    changes: Changes = {}
    for t in range(1, 6):
        _, top = fills.limits(price, DAYS[t], "KOSPI")
        changes[t] = {"open": top, "high": top, "low": top, "close": top, "base_price": price}
        price = int(top)
    changes[6] = {"base_price": price}
    return changes


def gone(*after: int) -> Changes:
    return dict.fromkeys(range(after[0], SESSIONS))


LIQUIDATION: Changes = {
    3: HALTED,
    4: HALTED,
    5: {"open": 8, "high": 12, "low": 6, "close": 10, "base_price": math.nan},
    6: {"open": 9, "high": 9, "low": 2, "close": 3, "base_price": 10},
}
JUMP: Changes = {
    t: {"open": 50, "high": 52, "low": 49, "close": 50, "base_price": math.nan if t == 3 else 50}
    for t in range(3, SESSIONS)
}
AFTER_LOCKED = {"base_price": 130, "open": 120, "close": 125, "low": 119, "high": 129}
AFTER_FALL = {"base_price": 70, "open": 72, "close": 74, "low": 71, "high": 75}

# Picked on session 0, held for 5 sessions: state, row of entry and exit, late, return before costs.
EVENTS: dict[str, tuple[Changes, tuple[str, int | None, int | None, bool, float]]] = {
    "plain": ({5: {"close": 103}, 6: {"base_price": 103}}, ("judged", 1, 5, False, 0.03)),
    "locked once": ({1: LOCKED_UP, 2: AFTER_LOCKED, 3: {"base_price": 125}}, ("judged", 2, 6, False, 100 / 120 - 1)),
    "locked": (rising_at_the_limit(), ("locked", None, None, False, math.nan)),
    "untraded": (dict.fromkeys(range(1, 6), HALTED), ("untraded", None, None, False, math.nan)),
    "halted before": ({1: HALTED, 2: HALTED}, ("judged", 3, 7, False, 0.0)),
    "late": ({5: LOCKED_DOWN, 6: AFTER_FALL, 7: {"base_price": 74}}, ("judged", 1, 6, True, 74 / 100 - 1)),
    "halted at the end": ({5: HALTED, 6: HALTED, 7: {"close": 105}}, ("judged", 1, 7, True, 0.05)),
    "halted for good": (dict.fromkeys(range(5, SESSIONS), HALTED), ("open", 1, None, False, math.nan)),
    "delisted": ({2: {"close": 104}, **gone(3)}, ("judged", 1, 2, False, 0.04)),
    "liquidated": ({**LIQUIDATION, **gone(7)}, ("judged", 1, 5, False, 10 / 100 - 1)),
    "suspected": (JUMP, ("unjudged", 1, 5, False, math.nan)),
}
NAMES = sorted(EVENTS)


@pytest.fixture(scope="module")
def case() -> Case:
    """All of them in one market, picked on each of the first six sessions, with costs."""
    rows = [row for n, name in enumerate(NAMES) for row in market(EVENTS[name][0], code=f"{n:02}")]
    days = set(DAYS[:6])
    return Case(rows, SESSIONS, lambda day, codes: codes if day in days else [], costs=0.004, min_bars=1)


@pytest.mark.parametrize("name", NAMES)
def test_what_happens_to_a_pick(case: Case, name: str) -> None:
    state, entry, last, late, gross = EVENTS[name][1]
    (place,) = np.flatnonzero((case.picks.day == 0) & (case.picks.column == NAMES.index(name)))
    holdings, n = case.holdings, HORIZONS.index(5)
    assert STATES[holdings.state[place, n]] == state
    assert entry is None or holdings.periods.entry[place] == entry
    assert last is None or holdings.periods.exit[place, n] == last
    assert bool(holdings.periods.late[place, n]) == late
    assert holdings.gross[place, n] == pytest.approx(gross, nan_ok=True)
    assert holdings.net[place, n] == pytest.approx(gross - 0.004, nan_ok=True)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_all_of_them_against_the_reference(case: Case, horizon: int) -> None:
    expected = case.expected(horizon)
    agree(case, HORIZONS.index(horizon), expected)
    agree_in_figures(case, horizon, expected)


def single(changes: Changes, *days: int, costs: float = 0.0) -> Case:
    """One instrument, picked on some sessions."""
    chosen = {DAYS[day] for day in days}
    return Case(market(changes), SESSIONS, lambda day, codes: codes if day in chosen else [], costs=costs, min_bars=1)


def test_the_close_of_the_scan_is_never_paid() -> None:
    plain, other = single({5: {"close": 103}}, 0), single({0: {"close": 90}, 5: {"close": 103}}, 0)
    assert plain.holdings.gross[0, 1] == other.holdings.gross[0, 1] == pytest.approx(0.03)


def test_best_and_worst_are_the_highs_and_lows_while_held() -> None:
    held = single({1: {"low": 85}, 5: {"high": 125}, 6: {"high": 128, "low": 80}}, 0).holdings
    assert held.best[0, 1] == pytest.approx(0.25)
    assert held.worst[0, 1] == pytest.approx(-0.15)


def test_costs_decide_hits() -> None:
    for costs, hit in ((0.0, True), (0.02, True), (0.05, False)):
        assert single({5: {"close": 103}, 6: {"base_price": 103}}, 0, costs=costs).holdings.hit[0, 1] == hit
    assert not single({}, 0).holdings.hit[0, 1]  # neither won nor lost


def test_picks_that_overlap_are_holdings_of_their_own() -> None:
    falls: Changes = {
        5: {"close": 90},
        6: {"base_price": 90, "open": 90, "low": 85, "close": 90},
        7: {"base_price": 90},
    }
    case = single(falls, 0, 1, 2)
    assert case.holdings.periods.entry.tolist() == [1, 2, 3]
    figures = case.figures(5)
    assert figures.picks == figures.judged == 3
    assert figures.positions == 1
    assert figures.turnover == 0.0
    assert figures.worst_drawdown == pytest.approx(-0.1)


def test_ahead_and_behind_need_both_equal_and_matched() -> None:
    case = single({}, 0)
    figures = case.figures(5)
    assert figures.standing == ""
    assert math.isnan(figures.equal.interval.low)  # five sessions are too few
