"""What each error of the product says of picks on a world: whether their excess differs from 0 at 5 %."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scans.evaluation.benchmark_paths import NAMES, Universe, benchmark_paths
from scans.evaluation.calendar_time import TWO_SIDED, Portfolio, daily_returns, portfolio
from scans.evaluation.comparison import ExcessReturns, compare
from scans.evaluation.holding_periods import PickSet, holding_periods
from scans.evaluation.holdings import hold
from scans.evaluation.matching import traits
from scans.evaluation.permutation import permutation_test, universe_excess
from tests.benchmarks.world_markets import BEFORE, DAYS, INSTRUMENTS, Floats, World

LEVEL = 0.05
CLUSTERED, DIFFERENCE, PERMUTATION = "clustered by date", "bootstrap difference", "permutation"
ERRORS = (*(f"calendar time, {name}" for name in NAMES), CLUSTERED, DIFFERENCE, PERMUTATION)

Verdicts = dict[str, int]
"""Error -> 1 ahead, -1 behind, 0 neither."""


class Judge:
    """The picks of one world over some horizons."""

    def __init__(self, world: World, horizons: tuple[int, ...]) -> None:
        self.world, self.horizons = world, horizons
        eligible = np.ones((BEFORE + DAYS, INSTRUMENTS), dtype=bool)
        eligible[:BEFORE] = False
        cap = world.cap[: len(eligible)]
        segment = np.broadcast_to(world.segment, eligible.shape)
        self._universe = Universe([eligible], cap, segment, traits(world.prices.close, cap, 0, len(eligible)))
        self._last = np.full(INSTRUMENTS, len(world.prices.close) - 1)
        self._excess = [
            universe_excess(world.prices, eligible, world.tradability, self._last, horizon) for horizon in horizons
        ]

    def verdicts(self, versions: Sequence[PickSet], others: Sequence[PickSet]) -> list[list[Verdicts]]:
        """For each of `versions` and each horizon what every error says of its picks; the bootstrap of their difference
        to the picks in the same place of `others`."""
        prices = self.world.prices
        every = PickSet(*(np.concatenate([getattr(picks, name) for picks in versions]) for name in ("day", "column")))
        periods = holding_periods(every, self.horizons, self.world.tradability, prices.traded, self._last)
        holdings = hold(prices, every, periods, lambda entry, last, column: np.zeros(len(entry)))
        rule = np.zeros(len(every), dtype=np.intp)
        returns = daily_returns(prices, benchmark_paths(prices, every, rule, periods, self._universe))
        ends = np.cumsum([len(picks) for picks in versions])
        return [
            [
                self._verdicts(n, picks, other, portfolio(returns, holdings, n, np.arange(end - len(picks), end)))
                for n in range(len(self.horizons))
            ]
            for picks, other, end in zip(versions, others, ends.tolist(), strict=True)
        ]

    def mean_excess(self, picks: PickSet, n: int) -> float:
        """The mean excess of the picks over the mean of everything, over the horizon of index `n`."""
        return float(self._excess[n][picks.day, picks.column].mean())

    def _verdicts(self, n: int, picks: PickSet, other: PickSet, held: Portfolio) -> Verdicts:
        horizon, excess = self.horizons[n], self._excess[n]
        result = {
            f"calendar time, {name}": beside.interval.apart for name, beside in zip(NAMES, held.excess, strict=True)
        }
        own = excess[picks.day, picks.column]
        result[CLUSTERED] = sign(float(own.mean()), TWO_SIDED * clustered_error(own, picks))
        returns = [ExcessReturns(chosen.day - BEFORE, excess[chosen.day, chosen.column]) for chosen in (picks, other)]
        (difference,) = compare(
            *returns, horizon=horizon, groups={"": np.ones(DAYS, dtype=bool)}, sessions=DAYS, horizons=1
        )
        result[DIFFERENCE] = difference.interval.apart
        p_value = permutation_test(excess, picks.day, picks.column, horizon, draws=399)
        result[PERMUTATION] = int(np.sign(own.mean())) if p_value <= LEVEL else 0
        return result


def sign(value: float, error: float) -> int:
    """1 where `value` exceeds `error`, -1 where it lies below minus `error`, else 0."""
    return int(value > error) - int(value < -error)


def clustered_error(values: Floats, picks: PickSet) -> float:
    """The error of the mean clustered by the date of the pick, as evaluations of revision 1 had it."""
    _, date = np.unique(picks.day, return_inverse=True)
    totals = np.bincount(date, weights=values - values.mean())
    return float(np.sqrt((totals**2).sum() * len(totals) / (len(totals) - 1)) / len(values))
