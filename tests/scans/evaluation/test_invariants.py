"""What must not matter to a judgement: the scale of an instrument's prices, the order of the instruments, and whatever
happened after a holding ended."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from scans.evaluation.holding_periods import PickSet
from scans.evaluation.holdings import OPEN
from scans.evaluation.prices import Prices
from scans.evaluation.statistics import compute_figures
from scans.evaluation.tradability import DailyBars
from tests.scans.evaluation import limit_markets
from tests.scans.evaluation.cases import HORIZONS, Case, judge, random_case

pytestmark = pytest.mark.slow

SEEDS = range(3)
PRICES = ("open", "high", "low", "close")
TABLES = (*PRICES, "traded", "actions", "market_cap")
BARS = ("low", "high", "close", "raw_close", "traded", "segment")


@pytest.fixture(params=SEEDS)
def case(request: pytest.FixtureRequest) -> Case:
    return random_case(int(request.param))


def figures(case: Case, prices: Prices, daily: DailyBars, picks: PickSet, eligible: Any, last_bars: Any) -> list[Any]:
    holdings, benchmarks, returns = judge(prices, daily, picks, eligible, last_bars, case.costs)
    places = np.arange(len(picks))
    return [asdict(compute_figures(holdings, benchmarks, returns, horizon, places)) for horizon in HORIZONS]


def same(case: Case, others: list[Any]) -> None:
    for horizon, other in zip(HORIZONS, others, strict=True):
        own = asdict(case.figures(horizon))
        for name in ("equal", "cap", "segment", "matched"):
            own |= {f"{name} {key}": value for key, value in own.pop(name).items() if key != "interval"}
            other |= {f"{name} {key}": value for key, value in other.pop(name).items() if key != "interval"}
        assert other == pytest.approx(own, rel=1e-9, abs=1e-12, nan_ok=True)


def test_rescaling_an_instrument_changes_nothing(case: Case) -> None:
    scale = np.random.default_rng(1).choice([0.02, 0.5, 1.0, 7.0, 300.0], len(case.codes))
    prices = replace(case.prices, **{name: getattr(case.prices, name) * scale for name in PRICES})
    daily = replace(case.bars, **{name: getattr(case.bars, name) * scale for name in ("low", "high", "close")})
    last_bars = limit_markets.last_bars(case.frames, case.sessions)
    same(case, figures(case, prices, daily, case.picks, case.eligible, last_bars))


def test_the_order_of_instruments_changes_nothing(case: Case) -> None:
    order = np.random.default_rng(2).permutation(len(case.codes))
    turned = {name: np.ascontiguousarray(getattr(case.prices, name)[:, order]) for name in TABLES}
    prices = replace(case.prices, codes=case.prices.codes[order], **turned)
    columns: dict[str, Any] = {name: np.ascontiguousarray(getattr(case.bars, name)[:, order]) for name in BARS}
    daily = replace(case.bars, **columns)
    picks = PickSet(case.picks.day, np.argsort(order)[case.picks.column])
    last_bars = limit_markets.last_bars(case.frames, case.sessions)[order]
    same(case, figures(case, prices, daily, picks, case.eligible[:, order], last_bars))


@pytest.mark.parametrize("end", [45, 70])
def test_later_data_change_no_closed_holding(case: Case, end: int) -> None:
    """Except of what later proves to have left the market for good."""
    prices = replace(case.prices, **{name: getattr(case.prices, name)[:end] for name in ("sessions", *TABLES)})
    shorter: dict[str, Any] = {name: getattr(case.bars, name)[:end] for name in ("sessions", *BARS)}
    daily = replace(case.bars, **shorter)
    early = np.flatnonzero(case.picks.day < end)
    picks = PickSet(case.picks.day[early], case.picks.column[early])
    has_left = np.full(len(case.codes), end - 1)
    then, benchmarks, _ = judge(prices, daily, picks, case.eligible[:end], has_left, case.costs)
    closed = then.state != OPEN
    assert closed.any()
    for name in ("state", "gross", "net", "best", "worst", "hit"):
        now = getattr(case.holdings, name)[early]
        np.testing.assert_array_equal(getattr(then, name)[closed], now[closed])
    np.testing.assert_allclose(benchmarks.returns[closed], case.benchmarks.returns[early][closed], rtol=1e-9)


def test_the_day_of_the_scan_is_never_paid(case: Case) -> None:
    day = int(case.picks.day[len(case.picks) // 2])
    places = np.flatnonzero(case.picks.day == day)
    picks = PickSet(case.picks.day[places], case.picks.column[places])
    other = {name: getattr(case.prices, name).copy() for name in PRICES}
    for field in other.values():
        field[: day + 1] *= np.pi
    last_bars = limit_markets.last_bars(case.frames, case.sessions)
    changed, _, _ = judge(replace(case.prices, **other), case.bars, picks, case.eligible, last_bars, case.costs)
    assert ((changed.periods.entry > day) | (changed.periods.entry < 0)).all()
    np.testing.assert_array_equal(case.holdings.gross[places], changed.gross)
