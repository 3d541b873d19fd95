"""The order that scores give to picks, against pandas' rank correlation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from scans.evaluation.score_order import score_order


def test_correlation_and_fifths_against_pandas() -> None:
    random = np.random.default_rng(3)
    day = np.repeat(np.arange(40), random.integers(2, 12, 40))
    score = random.integers(0, 6, len(day)).astype(float)  # with ties
    excess = 0.01 * score + random.normal(0, 0.05, len(day))
    excess[::17] = math.nan
    table = pd.DataFrame({"day": day, "score": score, "excess": excess}).dropna()
    correlations = []
    for _, group in table.groupby("day"):
        if len(group) >= 5 and group["score"].nunique() > 1:
            correlations.append(group["score"].rank().corr(group["excess"].rank()))
    order = score_order(day, score, excess, 5)
    assert order.dates == len(correlations)
    assert order.correlation == pytest.approx(np.mean(correlations))
    assert 0 < order.error < order.correlation
    ordered = table.sort_values("score", kind="stable")["excess"].to_numpy()
    assert order.fifths == pytest.approx([part.mean() for part in np.array_split(ordered, 5)])


def test_too_few_picks_have_no_correlation() -> None:
    order = score_order(np.array([0, 0, 1]), np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.3]), 1)
    assert (order.dates, math.isnan(order.correlation), math.isnan(order.error)) == (0, True, True)
