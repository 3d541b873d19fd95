"""Cohorts that many variants share, against the figures of each variant by itself."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from scans.evaluation import calendar_time
from scans.evaluation.calendar_time import daily_excess, portfolio
from scans.evaluation.shared_cohorts import SharedCohorts
from scans.evaluation.statistics import compute_figures, portfolio_figures, turnover
from tests.scans.evaluation.cases import random_case

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("cells", [1_000_000, 500])
def test_every_variant_has_the_figures_of_its_picks_alone(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether all cohorts are added up at once or a few at a time; one variant is empty, two are the same."""
    monkeypatch.setattr(calendar_time, "CELLS", cells)
    case, random = random_case(3), np.random.default_rng(8)
    day = case.picks.day
    variants = [np.flatnonzero((random.random(len(day)) < 0.7) | (day % 3 == 0)) for _ in range(4)]
    variants += [variants[0], np.zeros(0, dtype=np.intp)]
    cohorts = SharedCohorts.of(day, variants)
    distinct = {tuple(places[day[places] == of_day]) for places in variants for of_day in np.unique(day[places])}
    assert len(np.unique(cohorts.cohort)) == len(distinct) < sum(len(np.unique(day[places])) for places in variants)
    for n, horizon in enumerate(case.holdings.periods.horizons):
        returns, rows = cohorts.returns(case.returns, case.holdings, n)
        for places, own in zip(variants, rows, strict=True):
            pooled, new_names = returns.portfolio(own), turnover(day[places], case.holdings.picks.column[places])
            shared = portfolio_figures(case.holdings, case.benchmarks, pooled, horizon, places, new_names)
            alone = compute_figures(case.holdings, case.benchmarks, case.returns, horizon, places)
            np.testing.assert_equal(asdict(shared), asdict(alone))
            judged = places[case.holdings.judged[places, n]]
            np.testing.assert_array_equal(
                returns.daily_excess(own, "matched"), daily_excess(case.returns, case.holdings, n, judged, "matched")
            )
            basket = portfolio(case.returns, case.holdings, n, judged).basket
            np.testing.assert_array_equal(returns.portfolio(own).basket, basket)
