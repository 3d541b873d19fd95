"""Holdings worked out by hand, one for each thing that can happen to a pick."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from scans.evaluation.benchmarks import compute_benchmarks
from scans.evaluation.holdings import (
    DROPPED,
    JUDGED,
    NEVER,
    OPEN,
    PENDING,
    UNJUDGED,
    Holdings,
    PickSet,
    enter,
    follow,
    hold,
)
from scans.evaluation.prices import Prices
from scans.evaluation.statistics import compute_figures
from tests.reference.made_markets import frames, row
from tests.scans.evaluation.markets import arrays

SESSIONS = 14
HALTED = {"volume": 0.0, "open": 0.0, "high": 0.0, "low": 0.0}


def market(changes: dict[int, dict[str, Any] | None], code: str = "A", **options: Any) -> list[dict[str, Any]]:
    """Bars that open at 100 + t, close one higher and reach from 98 + t to 103 + t; `changes` replaces fields of a
    session or takes it away."""
    rows = []
    for t in range(SESSIONS):
        change = changes.get(t, {})
        if change is not None:
            plain = {"open": 100 + t, "high": 103 + t, "low": 98 + t, "code": code, **options}
            rows.append({**row(t, 101 + t, **plain), **change})
    return rows


def prices(rows: list[dict[str, Any]]) -> Prices:
    return arrays(frames(rows, SESSIONS), SESSIONS)


def picked(*days: int) -> PickSet:
    """Instrument A, picked on each of `days`."""
    return PickSet(np.array(days, dtype=np.intp), np.zeros(len(days), dtype=np.intp))


def holdings(rows: list[dict[str, Any]], day: int, horizon: int, costs: float = 0.0) -> Holdings:
    return hold(follow(prices(rows), picked(day), (horizon,)), horizon, costs=costs)


def one(values: Any) -> Any:
    """The only value of an array."""
    assert len(values) == 1
    return values[0]


def test_bought_at_the_next_open_never_at_the_close_of_the_scan() -> None:
    result = holdings(market({}), 0, 3)
    assert (one(result.state), one(result.entry), one(result.exit)) == (JUDGED, 1, 3)
    assert one(result.gross) == pytest.approx(104 / 101 - 1)
    assert one(result.best) == pytest.approx(106 / 101 - 1)
    assert one(result.worst) == pytest.approx(99 / 101 - 1)
    # The close of the scan is nowhere in it.
    assert one(holdings(market({0: {"close": 90, "low": 89}}), 0, 3).gross) == one(result.gross)


def test_a_horizon_of_one_session_is_open_to_close() -> None:
    result = holdings(market({}), 4, 1)
    assert (one(result.entry), one(result.exit)) == (5, 5)
    assert one(result.gross) == pytest.approx(106 / 105 - 1)
    assert result.step.tolist() == [[pytest.approx(106 / 105 - 1)]]


def test_a_halt_at_entry_is_waited_for() -> None:
    result = holdings(market({1: HALTED, 2: HALTED}), 0, 2)
    assert (one(result.entry), one(result.exit)) == (3, 4)
    assert one(result.gross) == pytest.approx(105 / 103 - 1)
    assert one(holdings(market(dict.fromkeys(range(1, 5), HALTED)), 0, 2).entry) == 5


def test_not_traded_within_five_sessions_is_dropped() -> None:
    result = holdings(market(dict.fromkeys(range(1, 6), HALTED)), 0, 2)
    assert (one(result.state), one(result.entry), one(result.exit)) == (NEVER, DROPPED, -1)
    assert math.isnan(one(result.net))
    assert not one(result.hit)


def test_delisting_in_a_holding_exits_at_the_last_traded_close() -> None:
    result = holdings(market(dict.fromkeys(range(4, SESSIONS), None)), 0, 8)
    assert (one(result.state), one(result.exit)) == (JUDGED, 8)
    assert one(result.gross) == pytest.approx(104 / 101 - 1)
    assert one(result.best) == pytest.approx(106 / 101 - 1)


def test_split_in_a_holding_is_no_loss() -> None:
    halved: dict[int, Any] = {t: {"open": 50, "high": 52, "low": 49, "close": 51} for t in range(3, SESSIONS)}
    halved[3] |= {"base_price": 51.5}  # half of 103, the close before
    result = holdings(market(halved), 0, 5)
    assert one(result.state) == JUDGED
    assert one(result.gross) == pytest.approx(102 / 101 - 1)
    assert one(result.worst) == pytest.approx(98 / 101 - 1)


def test_a_suspected_action_inside_is_not_judged() -> None:
    jump: dict[int, Any] = {t: {"open": 50, "high": 52, "low": 49, "close": 51} for t in range(3, SESSIONS)}
    assert one(holdings(market(jump), 0, 2).state) == JUDGED  # sold the day before
    result = holdings(market(jump), 0, 3)
    assert (one(result.state), one(result.exit)) == (UNJUDGED, 3)
    assert math.isnan(one(result.gross))
    assert one(holdings(market(jump), 2, 3).state) == JUDGED  # bought at the open after it


def test_past_the_end_of_the_data_is_open() -> None:
    assert one(holdings(market({}), SESSIONS - 4, 3).state) == JUDGED
    assert one(holdings(market({}), SESSIONS - 4, 4).state) == OPEN
    assert enter(prices(market({})), picked(SESSIONS - 1)).tolist() == [PENDING]
    # Not dropped before the five sessions are over; and a delisted instrument's horizon is open like any other.
    late = market({SESSIONS - 2: HALTED, SESSIONS - 1: HALTED})
    assert one(holdings(late, SESSIONS - 3, 1).state) == OPEN
    assert one(holdings(market(dict.fromkeys(range(11, SESSIONS), None)), 9, 8).state) == OPEN


def test_costs_are_taken_off_each_return_and_decide_hits() -> None:
    result = holdings(market({}), 0, 3, costs=0.05)
    assert one(result.gross) == pytest.approx(104 / 101 - 1)
    assert one(result.net) == pytest.approx(104 / 101 - 1.05)
    assert not one(result.hit)
    assert one(holdings(market({}), 0, 3, costs=0.02).hit)
    assert not one(holdings(market({3: {"close": 101}}), 0, 3).hit)  # neither won nor lost


def test_picks_that_overlap_are_holdings_of_their_own() -> None:
    rows = market({})
    both = hold(follow(prices(rows), picked(0, 1), (3,)), 3)
    assert both.entry.tolist() == [1, 2]
    assert both.gross.tolist() == [
        pytest.approx(104 / 101 - 1),
        pytest.approx(105 / 102 - 1),
    ]
    fallen = rows[:3] + market({t: {"close": 90} for t in range(3, SESSIONS)})[3:]
    both = hold(follow(prices(fallen), picked(0, 1), (3,)), 3)
    result = compute_figures(both, (both.net, both.net))
    # Session 3 holds both: each falls from 103 to 90; before, both rose; after, the second stands still.
    assert result.worst_drawdown == pytest.approx(90 / 103 - 1)
    assert result.turnover == 0.0
    assert result.picks == result.judged == 2


def test_a_version_without_picks_has_counts_of_zero_and_no_figures() -> None:
    over = prices(market({}))
    paths = follow(over, picked(), (1, 5))
    beside = compute_benchmarks(over, paths, np.ones((SESSIONS, 1), dtype=bool))
    nothing = hold(paths, 5)
    result = compute_figures(nothing, beside.beside(nothing))
    assert (result.picks, result.judged, result.dropped, result.open, result.unjudged) == (0,) * 5
    assert all(
        math.isnan(getattr(result, name))
        for name in ("hit_rate", "mean", "median", "standard_error", "worst_drawdown", "turnover")
    )


def test_the_excess_is_over_what_could_be_picked_that_day() -> None:
    flat = [row(t, 100, code="B", market_cap=300.0) for t in range(SESSIONS)]
    jump = [row(t, 100 if t < 2 else 300, code="C", market_cap=900.0) for t in range(SESSIONS)]
    over = prices(market({}, market_cap=100.0) + flat + jump)
    paths = follow(over, picked(0), (3,))
    result = hold(paths, 3, costs=0.01)
    gross = 104 / 101 - 1
    eligible = np.ones((SESSIONS, 3), dtype=bool)
    cap, equal = compute_benchmarks(over, paths, eligible).beside(result)
    # C has a suspected action inside and is left out.
    assert one(equal) == pytest.approx(gross - 0.01 - gross / 2)
    assert one(cap) == pytest.approx(gross - 0.01 - gross / 4)
    eligible[0, 1] = False  # B could not be picked on the day of the scan
    assert one(compute_benchmarks(over, paths, eligible).beside(result)[1]) == pytest.approx(-0.01)
