"""Markets with picks, judged by the product and by the reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scans.evaluation.benchmark_paths import NAMES, Benchmarks, benchmark_paths
from scans.evaluation.calendar_time import DailyReturns, daily_returns
from scans.evaluation.holding_periods import LOCKED, NO_EXIT, PENDING, UNTRADED, PickSet, holding_periods
from scans.evaluation.holdings import STATES, Holdings, hold
from scans.evaluation.prices import Prices
from scans.evaluation.statistics import Figures, compute_figures
from scans.evaluation.tradability import DailyBars, tradability
from tests.reference import bars, evaluation
from tests.reference.made_markets import DAYS, frames
from tests.scans.evaluation import limit_markets
from tests.scans.evaluation.markets import Pick, arrays

Chooser = Callable[[pd.Timestamp, Sequence[str]], Iterable[str]]
HORIZONS = (1, 5, 20)
ENTRIES = {"locked": LOCKED, "untraded": UNTRADED, "open": PENDING}
EXCURSIONS = ("gross", "net", "best", "worst")


def judge(
    prices: Prices, daily: DailyBars, picks: PickSet, eligible: Any, last_bars: Any, costs: float
) -> tuple[Holdings, Benchmarks, DailyReturns]:
    """The product's judgement of `picks` by one rule."""
    periods = holding_periods(picks, HORIZONS, tradability(daily, limited=True), prices.traded, last_bars)
    holdings = hold(prices, picks, periods, lambda entry, last, column: np.full(len(entry), costs))
    rule = np.zeros(len(picks), dtype=np.intp)
    universe = limit_markets.universe(prices, daily, eligible)
    benchmarks = benchmark_paths(prices, picks, rule, periods, universe)
    return holdings, benchmarks, daily_returns(prices, benchmarks)


class Case:
    """A market of raw bars with the picks that `choose` takes of the eligible codes of each day, and its judgement."""

    def __init__(
        self, rows: list[dict[str, Any]], sessions: int, choose: Chooser, *, costs: float = 0.0, min_bars: int = 2
    ) -> None:
        built = frames(rows, sessions)
        self.costs, self.sessions = costs, sessions
        self.holdings: Holdings
        self.benchmarks: Benchmarks
        self.returns: DailyReturns
        self.frames = limit_markets.with_limits(built)
        self.codes = sorted(self.frames)
        self.bars = limit_markets.daily_bars(self.frames, sessions)
        self.tradability = tradability(self.bars, limited=True)
        self.prices = limit_markets.without_liquidation(arrays(self.frames, sessions), self.frames, self.tradability)
        self.eligible = np.zeros((sessions, len(self.codes)), dtype=bool)
        self.listed: list[Pick] = []
        for t, day in enumerate(DAYS[:sessions]):
            chosen = bars.universe(built, day, min_bars=min_bars, segments=limit_markets.SEGMENTS)
            self.eligible[t] = [code in chosen for code in self.codes]
            self.listed += [(day, code) for code in choose(day, list(chosen))]
        axis = DAYS[:sessions].tolist()
        self.picks = PickSet(
            np.array([axis.index(day) for day, _ in self.listed], dtype=np.intp),
            np.array([self.codes.index(code) for _, code in self.listed], dtype=np.intp),
        )
        last_bars = limit_markets.last_bars(self.frames, sessions)
        self.holdings, self.benchmarks, self.returns = judge(
            self.prices, self.bars, self.picks, self.eligible, last_bars, costs
        )

    def figures(self, horizon: int, some: Any = None) -> Figures:
        """The product's figures of the picks `some` (places), of all where it is None."""
        places = np.arange(len(self.picks)) if some is None else some
        return compute_figures(self.holdings, self.benchmarks, self.returns, horizon, places)

    def expected(self, horizon: int) -> list[evaluation.Holding]:
        """The reference's judgement."""
        return evaluation.holdings(
            self.listed, self.frames, DAYS[: self.sessions], self._eligible_codes, horizon, costs=self.costs
        )

    def _eligible_codes(self, day: pd.Timestamp) -> list[str]:
        row = DAYS[: self.sessions].tolist().index(day)
        return [code for code, is_eligible in zip(self.codes, self.eligible[row], strict=True) if is_eligible]


def random_case(seed: int, *, sessions: int = 90, instruments: int = 14, share: float = 0.3) -> Case:
    """A random market with daily limits, of whose eligible codes a share is picked each day."""
    random = np.random.default_rng(seed)
    return Case(
        limit_markets.limit_rows(seed, sessions, instruments),
        sessions,
        lambda day, codes: [code for code in codes if random.random() < share],
        costs=(0.0, 0.004)[seed % 2],
    )


def agree(case: Case, n: int, expected: list[evaluation.Holding]) -> None:
    """Every holding over the horizon of index `n` is that of the reference: state, sessions, returns, benchmarks."""
    axis = DAYS[: case.sessions].tolist()
    holdings, periods = case.holdings, case.holdings.periods
    assert [STATES[code] for code in holdings.state[:, n]] == [one.state for one in expected]
    entries = [ENTRIES[one.state] if one.entry is None else axis.index(one.entry) for one in expected]
    assert periods.entry.tolist() == entries
    exits = [NO_EXIT if one.exit is None else axis.index(one.exit) for one in expected]
    assert periods.exit[:, n].tolist() == exits
    assert periods.late[:, n].tolist() == [one.late for one in expected]
    assert holdings.hit[:, n].tolist() == [one.hit for one in expected]
    for name in EXCURSIONS:
        ours = getattr(holdings, name)[:, n]
        np.testing.assert_allclose(ours, [getattr(one, name) for one in expected], rtol=0, atol=1e-12)
    is_judged = [one.state == "judged" for one in expected]
    for b, name in enumerate(NAMES):
        excess = holdings.net[is_judged, n] - case.benchmarks.returns[is_judged, n, b]
        theirs = [getattr(one, name) for one in expected if one.state == "judged"]
        np.testing.assert_allclose(excess, theirs, rtol=0, atol=1e-11)
    hits = [one.universe_hits for one in expected if one.state == "judged"]
    np.testing.assert_allclose(case.benchmarks.hits[is_judged, n], hits, rtol=0, atol=1e-12)


def agree_in_figures(case: Case, horizon: int, expected: list[evaluation.Holding], some: Any = None) -> None:
    """All figures are those of the reference."""
    ours = asdict(case.figures(horizon, some))
    flat = {name: value for name, value in ours.items() if name not in (*NAMES, "detectable")}
    for name in NAMES:
        flat |= {name: ours[name]["mean"], f"{name}_coverage": ours[name]["coverage"]}
        value, error = evaluation.calendar_time(expected, case.frames, name, horizon)
        assert ours[name]["error"] == pytest.approx(error, abs=1e-12, nan_ok=True)
        assert ours[name]["by_date"] == pytest.approx(value, abs=1e-12, nan_ok=True)
        low, high = ours[name]["interval"]["low"], ours[name]["interval"]["high"]
        assert math.isnan(low) or (low + high) / 2 == pytest.approx(value, abs=1e-12)
        assert math.isnan(low) or (high - low) / 2 == pytest.approx(1.959964 * error, rel=1e-6)
    summary = evaluation.summary(expected, case.frames, case.codes)
    assert flat == pytest.approx(summary, rel=1e-10, abs=1e-12, nan_ok=True)
    errors = [ours[name]["error"] for name in ("equal", "matched")]
    assert math.isnan(ours["detectable"]) or ours["detectable"] == pytest.approx(2.801585 * max(errors), rel=1e-6)
