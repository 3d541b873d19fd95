"""Tradability, holding periods, benchmarks and the calendar-time portfolio against the naive judge, on random markets
with daily limits."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from scans.evaluation.benchmark_paths import NAMES
from scans.evaluation.calendar_time import daily_excess, newey_west
from scans.evaluation.holdings import STATES
from scans.evaluation.matching import MISSING, Cells, quintiles, traits, value_order
from scans.evaluation.statistics import Excess
from scans.evaluation.tradability import tradability
from tests.reference import evaluation
from tests.reference.made_markets import DAYS
from tests.scans.evaluation.cases import HORIZONS, agree, agree_in_figures, random_case

pytestmark = pytest.mark.slow

SEEDS = range(7)


class Judged:
    """A random market with the judgement of the reference over each horizon."""

    def __init__(self, seed: int) -> None:
        self.case = random_case(seed)
        self.expected = [self.case.expected(horizon) for horizon in HORIZONS]


@pytest.fixture(scope="module", params=SEEDS)
def judged(request: pytest.FixtureRequest) -> Judged:
    return Judged(int(request.param))


@pytest.mark.slow
def test_what_can_be_bought_and_sold(judged: Judged) -> None:
    case = judged.case
    axis = DAYS[: case.sessions]
    for name in ("buyable", "sellable", "liquidation"):
        expected = np.column_stack([
            case.frames[code][name].astype(float).reindex(axis).fillna(0.0).to_numpy() == 1 for code in case.codes
        ])  # fmt: skip
        if name == "liquidation":  # the reference counts an instrument's first bar and base prices it lacks as well
            expected &= case.bars.traded
            assert not (case.tradability.liquidation & case.bars.traded & ~expected).any()
        else:
            np.testing.assert_array_equal(getattr(case.tradability, name), expected)


def test_every_holding(judged: Judged) -> None:
    for n, expected in enumerate(judged.expected):
        agree(judged.case, n, expected)


def test_every_figure(judged: Judged) -> None:
    for horizon, expected in zip(HORIZONS, judged.expected, strict=True):
        agree_in_figures(judged.case, horizon, expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_daily_excess_has_the_mean_and_the_error_of_the_portfolio(judged: Judged, name: str) -> None:
    case = judged.case
    for n, horizon in enumerate(HORIZONS):
        some = np.flatnonzero(case.holdings.judged[:, n])
        daily = daily_excess(case.returns, case.holdings, n, some, name)
        daily = daily[np.isfinite(daily)]
        excess, error = evaluation.calendar_time(judged.expected[n], case.frames, name, horizon)
        assert daily.mean() * horizon == pytest.approx(excess, abs=1e-12)
        assert newey_west(daily) * horizon == pytest.approx(error, abs=1e-12)


def test_a_group_has_the_figures_of_its_picks_alone(judged: Judged) -> None:
    some = np.flatnonzero(judged.case.picks.column % 2 == 0)
    expected = [judged.expected[1][place] for place in some.tolist()]
    agree_in_figures(judged.case, HORIZONS[1], expected, some)


def test_no_picks_give_counts_of_zero_and_no_figures() -> None:
    figures = asdict(random_case(0).figures(5, np.array([], dtype=np.intp)))
    assert (figures["picks"], figures["judged"], figures["positions"]) == (0, 0, 0)
    floats = {name for name, value in figures.items() if isinstance(value, float) and math.isnan(value)}
    assert {"mean", "hit_rate", "universe_hit_rate", "worst_drawdown", "turnover", "detectable"} <= floats
    assert Excess(**figures["matched"]).coverage != 1


@pytest.mark.slow
def test_these_are_three_thousand_holdings_with_everything_that_can_happen() -> None:
    holdings = [random_case(seed).holdings for seed in SEEDS]
    states = np.concatenate([one.state.ravel() for one in holdings])
    assert len(states) >= 3_000
    assert set(states.tolist()) == set(range(len(STATES)))
    assert sum(int(one.periods.late.sum()) for one in holdings) > 100


def test_without_a_daily_limit_everything_that_traded_can_be_bought_and_sold() -> None:
    case = random_case(0)
    free = tradability(case.bars, limited=False)
    np.testing.assert_array_equal(free.buyable, case.bars.traded)
    np.testing.assert_array_equal(free.sellable, case.bars.traded)
    assert not free.liquidation.any()


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
    table_of_traits = traits(close, cap[40:], 40, 30)
    rows, columns = np.array([0, 29]), np.arange(50)
    (cells,) = Cells.of(table_of_traits, rows, [np.ones((2, 50), dtype=bool)])
    for place, day in enumerate((axis[40], axis[69])):
        for code, low, high in zip(codes, *cells.ranges(np.full(50, place), columns), strict=True):
            members = [codes[member] for member in sorted(cells.order[place, low:high])]
            assert members == evaluation.matching_cell(table, day, codes, code)


def test_quintiles_leave_out_who_is_no_member() -> None:
    values = np.array([[2.0, 2.0, 2.0, 1.0, math.nan, 2.0, 2.0], [5.0, 1.0, math.nan, 3.0, 2.0, 4.0, 9.0]])
    members = np.array([[True] * 7, [True, True, True, True, True, True, False]])
    order = value_order(values)
    assert order.tolist() == [3, 0, 1, 2, 5, 6, 8, 11, 10, 12, 7, 13]
    assert quintiles(order, members).tolist() == [[1, 2, 3, 1, MISSING, 4, 5], [5, 1, MISSING, 3, 2, 4, MISSING]]


def test_newey_west_of_independent_values_is_near_the_plain_error_and_of_repeated_ones_larger() -> None:
    values = np.random.default_rng(1).normal(size=2_000)
    plain = values.std() / math.sqrt(len(values))
    assert newey_west(values) == pytest.approx(plain, rel=0.15)
    assert newey_west(np.repeat(values, 4)) > 1.5 * plain / 2  # four times as many values say no more
    assert newey_west(values[:40]) == pytest.approx(evaluation.newey_west(values[:40].tolist()))
