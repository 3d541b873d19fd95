"""Tradability, holding periods, benchmarks and the calendar-time portfolio against the naive judge, on random markets
with daily limits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from marketdata.carried_caps import carried_caps
from scans.evaluation.benchmark_paths import NAMES, BenchmarkPaths, benchmark_paths
from scans.evaluation.calendar_time import calendar_time, newey_west
from scans.evaluation.holding_periods import LOCKED, NO_EXIT, PENDING, UNTRADED, HoldingPeriods, holding_periods
from scans.evaluation.holdings import PickSet
from scans.evaluation.matching import MISSING, cell_depths, matching_cells, quintiles, traits
from scans.evaluation.prices import Prices
from scans.evaluation.tradability import tradability
from tests.reference import bars, evaluation
from tests.reference.made_markets import DAYS, frames
from tests.scans.evaluation import limit_markets
from tests.scans.evaluation.markets import arrays

SESSIONS, INSTRUMENTS = 90, 14
HORIZONS = (1, 5, 20)
SEEDS = range(4)
ENTRIES = {"locked": LOCKED, "untraded": UNTRADED, "open": PENDING}


class Case:
    """A random market, picks on it, and both judgements."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        built = frames(limit_markets.limit_rows(seed, SESSIONS, INSTRUMENTS), SESSIONS)
        self.frames = limit_markets.with_limits(built)
        self.codes = sorted(self.frames)
        self.bars = limit_markets.daily_bars(self.frames, SESSIONS)
        self.tradability = tradability(self.bars, limited=True)
        self.prices = limit_markets.without_liquidation(arrays(self.frames, SESSIONS), self.frames, self.tradability)
        self.eligible = np.zeros((SESSIONS, len(self.codes)), dtype=bool)
        self.picks: list[tuple[pd.Timestamp, str]] = []
        for t, day in enumerate(DAYS[:SESSIONS]):
            chosen = bars.universe(built, day, min_bars=2, segments=limit_markets.SEGMENTS)
            self.eligible[t] = [code in chosen for code in self.codes]
            self.picks += [(day, code) for code in chosen if random.random() < 0.06]
        axis = DAYS[:SESSIONS].tolist()
        self.arrays = PickSet(
            np.array([axis.index(day) for day, _ in self.picks]),
            np.array([self.codes.index(code) for _, code in self.picks]),
        )
        self.periods: HoldingPeriods = holding_periods(
            self.arrays,
            HORIZONS,
            self.tradability,
            self.prices.traded,
            limit_markets.last_bars(self.frames, SESSIONS),
        )

    def eligible_codes(self, day: pd.Timestamp) -> list[str]:
        row = DAYS[:SESSIONS].tolist().index(day)
        return [code for code, is_eligible in zip(self.codes, self.eligible[row], strict=True) if is_eligible]

    def expected(self, horizon: int) -> list[evaluation.Holding]:
        return evaluation.holdings(self.picks, self.frames, DAYS[:SESSIONS], self.eligible_codes, horizon)


@pytest.fixture(scope="module", params=SEEDS)
def case(request: pytest.FixtureRequest) -> Case:
    return Case(int(request.param))


def clean(prices: Prices, periods: HoldingPeriods, column: Any, n: int) -> Any:
    """(P,): no suspected action between entry and exit."""
    entry, last = np.maximum(periods.entry, 0), np.maximum(periods.exit[:, n], 0)
    same: Any = prices.actions[entry, column] == prices.actions[last, column]
    return same


def test_what_can_be_bought_and_sold(case: Case) -> None:
    axis = DAYS[:SESSIONS]
    for name in ("buyable", "sellable", "liquidation"):
        expected = np.column_stack([
            case.frames[code][name].astype(float).reindex(axis).fillna(0.0).to_numpy() == 1 for code in case.codes
        ])  # fmt: skip
        if name == "liquidation":  # the reference counts an instrument's first bar and base prices it lacks as well
            expected &= case.bars.traded
            assert not (case.tradability.liquidation & case.bars.traded & ~expected).any()
        else:
            np.testing.assert_array_equal(getattr(case.tradability, name), expected)


def test_every_holding_period(case: Case) -> None:
    axis = DAYS[:SESSIONS].tolist()
    for n, horizon in enumerate(HORIZONS):
        expected = case.expected(horizon)
        is_clean = clean(case.prices, case.periods, case.arrays.column, n)
        for p, one in enumerate(expected):
            if one.entry is None:
                assert case.periods.entry[p] == ENTRIES[one.state]
                continue
            assert case.periods.entry[p] == axis.index(one.entry)
            if one.exit is None:
                assert case.periods.exit[p, n] == NO_EXIT
                continue
            assert case.periods.exit[p, n] == axis.index(one.exit)
            assert bool(case.periods.late[p, n]) == one.late
            assert bool(is_clean[p]) == (one.state == "judged")


def test_every_benchmark(case: Case) -> None:
    over = limit_markets.universe(case.prices, case.bars, case.eligible)
    paths = benchmark_paths(case.prices, case.arrays, case.periods, over)
    for n, horizon in enumerate(HORIZONS):
        expected = case.expected(horizon)
        length = case.periods.exit[:, n] - case.periods.entry + 1
        ours = paths[n].at_exit(length)
        for p, one in enumerate(expected):
            if one.state != "judged":
                continue
            beside = [one.net - getattr(one, name) for name in NAMES]
            np.testing.assert_allclose(ours[p], beside, rtol=0, atol=1e-11)


def test_the_calendar_time_portfolio(case: Case) -> None:
    over = limit_markets.universe(case.prices, case.bars, case.eligible)
    paths = benchmark_paths(case.prices, case.arrays, case.periods, over)
    for n, horizon in enumerate(HORIZONS):
        expected = case.expected(horizon)
        for name in NAMES:
            value, error = evaluation.calendar_time(expected, case.frames, case.eligible_codes, name, horizon)
            excess = daily_excess(case, paths[n], n, name)
            ours = calendar_time(case.arrays.day, case.periods.entry, excess, horizon)
            assert ours.excess == pytest.approx(value, abs=1e-12, nan_ok=True)
            assert ours.error == pytest.approx(error, abs=1e-12, nan_ok=True)


def daily_excess(case: Case, paths: BenchmarkPaths, n: int, name: str) -> Any:
    """(P, L): each judged holding's daily return less that of the benchmark."""
    periods, column = case.periods, case.arrays.column
    beside = paths.daily(name)
    row = periods.entry[:, None] + np.arange(beside.shape[1])
    at = np.clip(row, 0, SESSIONS - 1)
    close = case.prices.close[at, column[:, None]]
    before = np.column_stack([case.prices.open[at[:, 0], column], close[:, :-1]])
    judged = (periods.exit[:, n] >= 0) & clean(case.prices, periods, column, n)
    is_held = judged[:, None] & (row <= periods.exit[:, n][:, None]) & (periods.entry >= 0)[:, None]
    return np.where(is_held, close / before - 1 - beside, np.nan)


def test_the_markets_hold_everything_that_can_happen() -> None:
    states, late = set(), 0
    for seed in SEEDS:
        for one in Case(seed).expected(5):
            states.add(one.state)
            late += one.late
    assert states == {"judged", "locked", "untraded", "open", "unjudged"}
    assert late


def test_without_a_daily_limit_everything_that_traded_can_be_bought_and_sold() -> None:
    case = Case(0)
    free = tradability(case.bars, limited=False)
    np.testing.assert_array_equal(free.buyable, case.bars.traded)
    np.testing.assert_array_equal(free.sellable, case.bars.traded)
    assert not free.liquidation.any()


def test_carried_caps_by_hand() -> None:
    nan = math.nan
    cap = np.array([[nan, 0.0], [100.0, nan], [nan, nan], [300.0, 7.0]])
    close = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.0], [4.0, 2.0]])
    expected = [[nan, nan], [100.0, nan], [150.0, nan], [300.0, 7.0]]
    np.testing.assert_array_equal(carried_caps(cap, close), expected)


def test_cells_against_the_reference() -> None:
    """Fifty instruments over 70 sessions with caps: the members of each cell, and what is too small gives way."""
    random = np.random.default_rng(5)
    close = np.exp(np.cumsum(random.normal(0, 0.02, (70, 50)), axis=0)) * 1000
    cap = np.broadcast_to(random.permutation(50) * 1e9 + 1e9, (70, 50)).copy()
    cap[:, :3] = np.nan
    codes = [f"{n:02}" for n in range(50)]
    axis = DAYS[:70]
    table = {
        code: pd.DataFrame({"C": close[:, n], "market_cap": cap[:, n]}, index=axis) for n, code in enumerate(codes)
    }
    result = traits(close, cap, np.array([40, 69]))
    members = np.ones(50, dtype=bool)
    for row, day in enumerate((axis[40], axis[69])):
        cells = matching_cells(result, row, members)
        depths = cell_depths(cells, np.arange(50))
        for n, code in enumerate(codes):
            expected = evaluation.matching_cell(table, day, codes, code)
            cell = cells[depths[n]]
            assert [codes[m] for m in np.flatnonzero(cell == cell[n])] == expected


def test_quintiles_leave_out_who_is_no_member() -> None:
    values = np.array([5.0, 1.0, math.nan, 3.0, 2.0, 4.0, 9.0])
    members = np.array([True, True, True, True, True, True, False])
    assert quintiles(values, members).tolist() == [4, 0, MISSING, 2, 1, 3, MISSING]


def test_newey_west_of_independent_values_is_near_the_plain_error_and_of_repeated_ones_larger() -> None:
    values = np.random.default_rng(1).normal(size=2_000)
    plain = values.std() / math.sqrt(len(values))
    assert newey_west(values) == pytest.approx(plain, rel=0.15)
    assert newey_west(np.repeat(values, 4)) > 1.5 * plain / 2  # four times as many values say no more
    assert newey_west(values[:40]) == pytest.approx(evaluation.newey_west(values[:40].tolist()))
