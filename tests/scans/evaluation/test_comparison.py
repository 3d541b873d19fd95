"""The bootstrap against a plain loop, the overlap against sets, and what intervals must do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scans.evaluation.bootstrap import Interval, block_length, bootstrap_means, percentile_interval, widening
from scans.evaluation.comparison import ExcessReturns, compare, overlap
from scans.evaluation.holding_periods import PickSet

SESSIONS = 130


def judged(seed: int, shift: float = 0.0, share: float = 0.6) -> ExcessReturns:
    random = np.random.default_rng(seed)
    session = np.repeat(np.arange(SESSIONS), random.poisson(share * 3, SESSIONS))
    return ExcessReturns(session, random.normal(shift, 0.05, len(session)))


def drawn_by_loop(
    first: list[tuple[int, float]],
    second: list[tuple[int, float]],
    block: int,
    draws: int,
    seed: int,
) -> list[float]:
    """Whole blocks of sessions one after the other, cut to length, everything picked on them collected."""
    blocks = math.ceil(SESSIONS / block)
    starts = np.random.default_rng(seed).integers(0, SESSIONS - block + 1, size=(draws, blocks))
    result = []
    for row in starts.tolist():
        sessions = [start + n for start in row for n in range(block)][:SESSIONS]
        means = []
        for version in (first, second):
            values = [excess for day in sessions for at, excess in version if at == day]
            means.append(math.fsum(values) / len(values))
        result.append(means[0] - means[1])
    return result


@pytest.mark.parametrize("block", [20, 25, 7])
def test_draws_against_a_plain_loop(block: int) -> None:
    versions = [judged(1), judged(2, 0.01)]
    sums: NDArray[np.float64] = np.stack([np.bincount(one.session, one.excess, SESSIONS)[:, None] for one in versions])
    counts = np.stack([np.bincount(one.session, minlength=SESSIONS)[:, None] for one in versions]).astype(float)
    lists = [list(zip(one.session.tolist(), one.excess.tolist(), strict=True)) for one in versions]
    expected = drawn_by_loop(lists[0], lists[1], block, draws=20, seed=5)
    result = bootstrap_means(sums, counts, block, draws=20, seed=5)
    np.testing.assert_allclose(result[:, 0, 0] - result[:, 1, 0], expected, rtol=1e-9)


def both(first: ExcessReturns, second: ExcessReturns, horizon: int = 5, **groups: Any) -> Any:
    every = {"": np.ones(SESSIONS, dtype=bool), **groups}
    return compare(first, second, horizon=horizon, groups=every, sessions=SESSIONS, horizons=5)


def test_a_version_does_not_differ_from_itself() -> None:
    one = both(judged(3), judged(3))[0]
    assert one.value == 0
    assert one.interval == Interval(0.0, 0.0)
    assert one.interval.apart == 0


def test_better_version_is_significant_and_chance_is_not() -> None:
    better = judged(4)
    worse = ExcessReturns(better.session, better.excess - 0.02)
    one = both(better, worse)[0]
    assert one.value == pytest.approx(0.02)
    assert one.interval.low == pytest.approx(0.02)
    assert one.corrected.apart == 1
    assert both(worse, better)[0].corrected.apart == -1
    text = [both(judged(seed), judged(seed + 50))[0].interval.apart for seed in range(12)]
    assert text.count(0) >= 9  # the same distribution: at 95 % hardly any is significant


def test_the_corrected_interval_is_wider_and_both_hold_the_difference() -> None:
    one = both(judged(6), judged(7, 0.004))[0]
    assert one.corrected.low < one.interval.low < one.value
    assert one.value < one.interval.high < one.corrected.high


def test_repeated_it_says_the_same() -> None:
    assert both(judged(8), judged(9)) == both(judged(8), judged(9))


def test_groups_count_their_sessions_alone() -> None:
    early = np.arange(SESSIONS) < 60
    first, second = judged(10), judged(11)
    result = both(first, second, early=early)[1]
    kept = first.session < 60
    assert result.group == "early"
    assert result.judged[0] == kept.sum()
    assert result.excess[0] == pytest.approx(first.excess[kept].mean())


def test_too_few_sessions_or_picks_give_no_interval() -> None:
    assert block_length(1) == 20
    assert block_length(60) == 60
    assert math.isnan(both(judged(1), judged(2), horizon=60)[0].interval.low)
    rare = ExcessReturns(np.array([3]), np.array([0.1]))
    one = both(rare, judged(2))[0]
    assert math.isnan(one.interval.low)
    assert one.interval.apart == 0
    nothing = ExcessReturns(np.array([], dtype=np.intp), np.array([]))
    assert math.isnan(both(nothing, judged(2))[0].value)
    assert percentile_interval(np.array([]), 0.0, 0.95, 1.0).apart == 0


@pytest.mark.parametrize(("free", "quantile"), [(5, 2.571), (9, 2.262), (25, 2.060)])
def test_few_blocks_widen_as_students_quantile_does(free: int, quantile: float) -> None:
    """Quantiles of Student's distribution at 97.5 % from a printed table; horizon 0 overlaps with nothing."""
    assert widening(0.95, 20 * (free + 1), 0) * 1.960 == pytest.approx(quantile, rel=0.01)


def test_overlapping_holdings_widen_by_what_blocks_miss() -> None:
    apart, overlapping = (widening(0.95, 10_000_000, horizon) for horizon in (0, 20))
    assert apart == pytest.approx(1, abs=1e-5)
    assert overlapping == pytest.approx(math.sqrt(1.5), abs=1e-5)  # a block as long as they: 2/3


def test_intervals_of_overlapping_noise_hold_the_truth() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for seed in range(60):
        noise = np.convolve(random.normal(size=519), np.ones(20), "valid")
        drawn = bootstrap_means(noise[None, :, None], np.ones((1, 500, 1)), 20, draws=300, seed=seed)
        result = percentile_interval(drawn[:, 0, 0], float(noise.mean()), 0.95, widening(0.95, 500, 20))
        covered += result.low < 0 < result.high
    assert covered >= 53  # 57 are expected; without widening 50


def test_overlap_against_sets() -> None:
    random = np.random.default_rng(12)
    versions = []
    for _ in range(2):
        names = {day: set(random.choice(9, random.integers(0, 5), replace=False)) for day in range(30)}
        versions.append(names)
    picks = []
    for names in versions:
        pairs = [(day, name) for day, chosen in names.items() for name in chosen]
        picks.append(PickSet(np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])))
    shares = [
        len(versions[0][day] & versions[1][day]) / len(versions[0][day] | versions[1][day])
        for day in range(30)
        if versions[0][day] | versions[1][day]
    ]
    result = overlap(picks[0], picks[1], 30, 9)
    assert result.jaccard == pytest.approx(sum(shares) / len(shares))
    assert result.both == sum(bool(versions[0][d]) and bool(versions[1][d]) for d in range(30))
    assert result.first_only == sum(bool(versions[0][d]) and not versions[1][d] for d in range(30))
    assert result.second_only == sum(not versions[0][d] and bool(versions[1][d]) for d in range(30))
    none = PickSet(np.array([], dtype=np.intp), np.array([], dtype=np.intp))
    assert math.isnan(overlap(none, none, 30, 9).jaccard)
