"""The reference's judgement of picks in revision 2, worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from tests.reference import evaluation, fills
from tests.reference.evaluation import Holding
from tests.reference.made_markets import DAYS, frames, row

SESSIONS = 90
LOCKED_UP = {"open": 130, "high": 130, "low": 130, "close": 130, "base_price": 100}
LOCKED_DOWN = {"open": 70, "high": 70, "low": 70, "close": 70, "base_price": 100}
HALTED = {"volume": 0}


def market(
    changes: dict[int, dict[str, Any] | None], code: str = "A", sessions: int = SESSIONS, **options: Any
) -> list[dict[str, Any]]:
    """Bars that open at 100 and close at 100, between 90 and 110, whose base price is 100; `changes` replaces fields of
    a session or takes it away."""
    rows = []
    for t in range(sessions):
        change = changes.get(t, {})
        if change is not None:
            plain = {"open": 100.0, "high": 110.0, "low": 90.0, "base_price": 100.0, "code": code, **options}
            rows.append({**row(t, 100.0, **plain), **change})
    return rows


def made(*rows: list[dict[str, Any]], sessions: int = SESSIONS) -> dict[str, pd.DataFrame]:
    result = frames([one for some in rows for one in some], sessions)
    return {code: fills.with_limits(frame) for code, frame in result.items()}


def holding(rows: list[dict[str, Any]], t: int, horizon: int, costs: float = 0.0, sessions: int = SESSIONS) -> Holding:
    return evaluation.hold(made(rows, sessions=sessions), DAYS[:sessions], DAYS[t], "A", horizon, costs)


@pytest.mark.parametrize(
    ("base", "session", "segment", "expected"),
    [
        # Rows of the exchange: 067390 and 290690 on 2024-01-02, 009415 on 2024-01-04, and the official example of 2021.
        (1_545, "2024-01-02", "KOSDAQ", (1_082, 2_005)),
        (4_015, "2024-01-02", "KOSDAQ", (2_815, 5_210)),
        (4_875, "2024-01-04", "KOSPI", (3_415, 6_330)),
        (9_940, "2021-06-01", "KOSPI", (6_960, 12_900)),
        (1_999, "2024-01-02", "KOSPI", (1_400, 2_595)),
        (4_975, "2024-01-02", "KOSPI", (3_485, 6_460)),
        (201_000, "2024-01-02", "KOSPI", (141_000, 261_000)),
        (10_000, "2024-01-02", "KONEX", (8_500, 11_500)),
        (10_000, "2014-01-02", "KOSPI", (8_500, 11_500)),
    ],
)
def test_limits(base: int, session: str, segment: str, expected: tuple[float, float]) -> None:
    assert fills.limits(base, pd.Timestamp(session), segment) == expected


def test_a_base_price_that_is_no_whole_won_has_limits_without_a_grid() -> None:
    assert fills.limits(100.5, DAYS[0], "KOSPI") == pytest.approx((100.5 * 0.71, 100.5 * 1.29))


def test_a_session_locked_at_the_upper_limit_is_passed_over() -> None:
    after = {"base_price": 130, "open": 120, "close": 125, "low": 119, "high": 129}
    one = holding(market({1: LOCKED_UP, 2: after}), 0, 1)
    assert (one.state, one.entry, one.exit) == ("judged", DAYS[2], DAYS[2])
    assert one.gross == pytest.approx(125 / 120 - 1)


def test_a_session_that_leaves_the_upper_limit_can_be_bought() -> None:
    one = holding(market({1: {**LOCKED_UP, "low": 129}}), 0, 1)
    assert one.entry == DAYS[1]
    assert one.gross == 0.0


def test_five_locked_sessions_drop_the_pick_as_locked_and_five_halted_ones_as_untraded() -> None:
    price, rising = 100, {}
    for t in range(1, 6):
        _, top = fills.limits(price, DAYS[t], "KOSPI")
        rising[t] = {"open": top, "high": top, "low": top, "close": top, "base_price": price}
        price = int(top)
    assert holding(market({**rising}), 0, 1).state == "locked"
    assert holding(market(dict.fromkeys(range(1, 6), HALTED)), 0, 1).state == "untraded"
    assert holding(market({**rising, 5: HALTED}), 0, 1).state == "locked"
    assert holding(market({1: HALTED}, sessions=4), 0, 1, sessions=4).entry == DAYS[2]
    assert holding(market(dict.fromkeys(range(1, 4), HALTED), sessions=4), 0, 1, sessions=4).state == "open"


def test_an_exit_locked_at_the_lower_limit_or_halted_moves_on_and_is_late() -> None:
    after = {"base_price": 70, "open": 72, "close": 74, "low": 71, "high": 75}
    one = holding(market({3: LOCKED_DOWN, 4: after}), 0, 3)
    assert (one.exit, one.late) == (DAYS[4], True)
    assert one.gross == pytest.approx(74 / 100 - 1)
    assert one.worst == pytest.approx(70 / 100 - 1)
    halted = holding(market({3: HALTED, 4: HALTED, 5: {"close": 105}}), 0, 3)
    assert (halted.exit, halted.late) == (DAYS[5], True)
    assert halted.gross == pytest.approx(0.05)
    plain = holding(market({}), 0, 3)
    assert (plain.exit, plain.late) == (DAYS[3], False)


def test_a_halt_that_lasts_is_open_and_a_delisting_exits_at_the_last_traded_close() -> None:
    halted = market(dict.fromkeys(range(3, SESSIONS), HALTED))
    assert holding(halted, 0, 3).state == "open"
    gone = market({2: {"close": 104}, **dict.fromkeys(range(3, SESSIONS), None)})
    one = holding(gone, 0, 20)
    assert (one.state, one.exit, one.late) == ("judged", DAYS[2], False)
    assert one.gross == pytest.approx(0.04)


def test_liquidation_is_a_return_and_no_suspected_action() -> None:
    """Halted on 3 and 4, then traded at a tenth without a limit, then gone."""
    fall = {5: {"open": 8, "high": 12, "low": 6, "close": 10, "base_price": math.nan}}
    fall[6] = {"open": 9, "high": 9, "low": 2, "close": 3, "base_price": 10}
    one = holding(market({3: HALTED, 4: HALTED, **fall, **dict.fromkeys(range(7, SESSIONS), None)}), 0, 5)
    assert (one.state, one.exit) == ("judged", DAYS[5])
    assert one.gross == pytest.approx(10 / 100 - 1)
    longer = holding(market({3: HALTED, 4: HALTED, **fall, **dict.fromkeys(range(7, SESSIONS), None)}), 0, 20)
    assert longer.exit == DAYS[6]
    assert longer.gross == pytest.approx(3 / 100 - 1)


def test_a_suspected_action_inside_is_not_judged() -> None:
    jump = {
        t: {"open": 50, "high": 52, "low": 49, "close": 50, "base_price": math.nan if t == 3 else 50}
        for t in range(3, SESSIONS)
    }
    assert holding(market({**jump}), 0, 2).state == "judged"
    assert holding(market({**jump}), 0, 3).state == "unjudged"
    assert holding(market({**jump}), 2, 3).state == "judged"  # bought at the open after it


def test_costs_may_depend_on_the_day_of_the_exit() -> None:
    def by_year(entry: pd.Timestamp, last: pd.Timestamp) -> float:
        return 0.05 if last >= DAYS[3] else 0.01

    result = made(market({}))
    nets = [evaluation.hold(result, DAYS[:SESSIONS], DAYS[0], "A", horizon, by_year).net for horizon in (1, 3)]
    assert nets == pytest.approx([-0.01, -0.05])


def test_caps_are_carried_forward_with_the_close_and_never_back() -> None:
    changes: dict[int, dict[str, Any] | None] = {2: {"market_cap": 500.0}, 4: {"close": 110.0}}
    frame = made(market(changes))["A"]
    assert math.isnan(evaluation.carried_cap(frame, DAYS[1]))
    assert evaluation.carried_cap(frame, DAYS[3]) == pytest.approx(500.0)
    assert evaluation.carried_cap(frame, DAYS[4]) == pytest.approx(550.0)


def ten(caps: int = 10) -> dict[str, pd.DataFrame]:
    """Ten instruments a..j that close at 100 + n on session 2; the first `caps` of them have a market cap of n + 1."""
    rows = []
    for n in range(10):
        cap = float(n + 1) if n < caps else math.nan
        segment = "KOSPI" if n < 5 else "KOSDAQ"
        rows.append(market({2: {"close": 100.0 + n}}, code="abcdefghij"[n], segment=segment, market_cap=cap))
    return made(*rows)


def test_benchmarks_by_hand() -> None:
    """Bought at 100 on session 1, sold on 2: the members make 0 to 9 %."""
    result = ten()
    codes = list("abcdefghij")
    (one,) = evaluation.holdings([(DAYS[0], "c")], result, DAYS[:SESSIONS], lambda day: codes, 2)
    assert one.net == pytest.approx(0.02)
    assert one.equal == pytest.approx(0.02 - 0.045)
    weights = range(1, 11)
    assert one.cap == pytest.approx(0.02 - sum(w * (w - 1) for w in weights) / sum(weights) / 100)
    kospi = range(1, 6)
    assert one.segment == pytest.approx(0.02 - sum(w * (w - 1) for w in kospi) / sum(kospi) / 100)


def test_a_benchmark_by_cap_is_empty_and_never_equal_where_a_tenth_and_more_lack_one() -> None:
    codes = list("abcdefghij")
    (one,) = evaluation.holdings([(DAYS[0], "c")], ten(caps=9), DAYS[:SESSIONS], lambda day: codes, 2)
    assert math.isfinite(one.cap)
    (one,) = evaluation.holdings([(DAYS[0], "c")], ten(caps=8), DAYS[:SESSIONS], lambda day: codes, 2)
    assert math.isnan(one.cap)
    assert one.segment == pytest.approx(0.02 - sum(w * (w - 1) for w in range(1, 6)) / 15 / 100)


def test_quintiles_and_their_ties() -> None:
    assert evaluation.quintiles(dict.fromkeys("ecadb", 1.0)) == {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4}
    values = {"a": 3.0, "b": math.nan, "c": 1.0, "d": 2.0}
    assert evaluation.quintiles(values) == {"c": 0, "d": 1, "a": 3, "b": -1}


def test_a_cell_with_fewer_than_five_members_gives_way_to_a_coarser_one() -> None:
    """Caps 1 to 50 and no history of 60 sessions: volatility and return say nothing, so cells are quintiles of size."""
    rows = [market({}, code=f"{n:02}", sessions=3, market_cap=float(n + 1)) for n in range(50)]
    result = made(*rows, sessions=3)
    codes = sorted(result)
    assert evaluation.matching_cell(result, DAYS[0], codes, "07") == codes[:10]
    assert evaluation.matching_cell(result, DAYS[0], codes[:20], "07") == codes[:20]  # four a quintile


def test_newey_west_against_the_sum_over_all_pairs() -> None:
    values = [0.01, -0.02, 0.03, 0.0, 0.015, -0.01, 0.02, 0.005]
    centre = sum(values) / 8
    total = sum(
        max(0.0, 1 - abs(a - b) / 6) * (values[a] - centre) * (values[b] - centre) for a in range(8) for b in range(8)
    )
    assert evaluation.newey_west(values) == pytest.approx(math.sqrt(total) / 8)
    assert math.isnan(evaluation.newey_west([0.01]))


def test_the_calendar_time_portfolio_weighs_each_pick_date_alike() -> None:
    """Two picks of session 0 and one of session 1, held for two sessions each."""
    codes = list("abcde")
    changes: dict[str, dict[int, dict[str, Any] | None]] = {
        "a": {1: {"close": 102.0}, 2: {"base_price": 102.0, "close": 103.0}},
        "b": {1: {"close": 98.0}, 2: {"base_price": 98.0, "close": 98.0}},
    }
    result = made(*(market(changes.get(code, {}), code=code) for code in codes))
    picks = [(DAYS[0], "a"), (DAYS[0], "b"), (DAYS[1], "c")]
    ours = evaluation.holdings(picks, result, DAYS[:SESSIONS], lambda day: codes, 2)
    value, error = evaluation.calendar_time(ours, result, "equal", 2)
    first_market = (103 + 98 + 300) / 500  # at the end of session 2, bought at 100 on session 1
    second_market = (103 + 98 + 300) / 500 - 1  # on session 2, bought at its open of 100
    days = [
        (0.02 - 0.0 + -0.02 - 0.0) / 2,
        ((103 / 102 - first_market + 1.0 - first_market) / 2 + 0.0 - second_market) / 2,
        0.0,  # base prices of 100: everything stands still on session 3
    ]
    assert value == pytest.approx(sum(days) / 3 * 2)
    assert error == pytest.approx(evaluation.newey_west(days) * 2)


def test_a_late_holding_keeps_its_share_of_its_cohort() -> None:
    """a and b are bought on session 1 for one session; b cannot be sold before session 3."""
    codes = list("abcde")
    after = {"base_price": 70, "open": 70, "low": 69, "high": 80, "close": 77}
    result = made(
        *(market({}, code=code) for code in "acde"),
        market({1: {**LOCKED_DOWN, "open": 100}, 2: {**HALTED, "close": 70}, 3: after}, code="b"),
    )
    picks = [(DAYS[0], "a"), (DAYS[0], "b")]
    ours = evaluation.holdings(picks, result, DAYS[:SESSIONS], lambda day: codes, 1)
    assert [(one.exit, one.late) for one in ours] == [(DAYS[1], False), (DAYS[3], True)]
    value, _ = evaluation.calendar_time(ours, result, "equal", 1)
    levels = [1.0, 0.94, 0.94, (4 + 0.77) / 5]  # of the benchmark: b falls to 70, then rises to 77
    market_moves = [levels[n + 1] / levels[n] - 1 for n in range(3)]
    days = [
        ((0.0 - market_moves[0]) + (-0.3 - market_moves[0])) / 2,
        (0.0 - market_moves[1]) / 2,
        (77 / 70 - 1 - market_moves[2]) / 2,
    ]
    assert value == pytest.approx(sum(days) / 3)


def test_one_position_per_name_and_the_mean_without_the_ten_best_names() -> None:
    moves = {3: {"close": 103}, 4: {"base_price": 103}, 8: {"close": 108}, 9: {"base_price": 108}}
    result = made(market({**moves}))
    picks = [(DAYS[t], "A") for t in (0, 1, 2, 5)]
    ours = evaluation.holdings(picks, result, DAYS[:SESSIONS], lambda day: ["A"], 3)
    assert [one.date for one in evaluation.single_positions(ours)] == [DAYS[0], DAYS[5]]  # held from 1 to 3
    figures = evaluation.summary(ours, result, ["A"])
    assert figures["positions"] == 2
    assert figures["position_mean"] == pytest.approx((0.03 + 0.08) / 2)
    assert math.isnan(figures["mean_without_best"])
    assert (figures["hit_rate"], figures["universe_hit_rate"], figures["turnover"]) == (0.5, 0.5, 0.0)
