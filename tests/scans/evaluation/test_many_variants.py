"""The best of many variants: against figures of the papers, a naive version and simulated worlds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from marketdata.panel import Floats
from scans.evaluation.data_snooping import snooping_test
from scans.evaluation.deflated_sharpe import best_deflated_sharpe, deflated_sharpe, expected_best
from scans.evaluation.overfitting import overfitting_probability
from scans.evaluation.walk_forward import walk_forward


def world(seed: int, sessions: int = 500, count: int = 60) -> Floats:
    """Variants without skill, some wilder than others, that move together."""
    random = np.random.default_rng(seed)
    own = random.standard_normal((sessions, count)) * random.uniform(0.5, 2, count)
    return np.asarray(0.01 * (own + 0.5 * random.standard_normal((sessions, 1))))


@pytest.mark.slow
def test_in_worlds_without_skill_the_best_is_seldom_taken_for_good() -> None:
    verdicts = [snooping_test(world(seed), draws=300) for seed in range(200)]
    assert sum(verdict.reality_check <= 0.05 for verdict in verdicts) <= 10
    assert sum(verdict.superior_ability <= 0.05 for verdict in verdicts) <= 10


def test_planted_skill_is_found() -> None:
    found = 0
    for seed in range(50):
        returns = world(seed)
        returns[:, 7] += 0.3 * returns[:, 7].std()
        found += snooping_test(returns, draws=300).reality_check <= 0.05
    assert found >= 40


def test_few_sessions_give_no_verdict() -> None:
    assert np.isnan(snooping_test(world(1, sessions=99)).reality_check)


def test_deflated_sharpe_of_the_paper() -> None:
    """Bailey and López de Prado (2014): 100 variants, five years of days, 2.5 a year, skewness -3, kurtosis 10."""
    threshold = expected_best(0.5 / 250, 100)
    assert threshold == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(2.5 / 250**0.5, threshold, 1250, -3, 10) == pytest.approx(0.9004, abs=5e-5)


def test_deflated_sharpe_falls_with_the_number_of_variants() -> None:
    returns = world(3, count=60)
    returns[:, 0] += 0.0012
    few, many = best_deflated_sharpe(returns[:, :3]), best_deflated_sharpe(returns)
    assert 0 <= many < few <= 1


def naive_overfitting(returns: Floats, parts: int) -> float:
    length = len(returns) // parts
    used = returns[len(returns) - length * parts :]
    blocks = [used[n * length : (n + 1) * length] for n in range(parts)]
    below = []
    for chosen in itertools.combinations(range(parts), parts // 2):
        inside = np.concatenate([blocks[n] for n in chosen])
        outside = np.concatenate([blocks[n] for n in range(parts) if n not in chosen])
        best = int(np.argmax(inside.mean(0) / inside.std(0)))
        ratios = outside.mean(0) / outside.std(0)
        rank = sum(ratios < ratios[best]) + 1
        below.append(rank / (len(ratios) + 1) <= 0.5)
    return float(np.mean(below))


@pytest.mark.parametrize("seed", range(5))
def test_overfitting_against_the_naive_version(seed: int) -> None:
    returns = world(seed, sessions=53, count=8)
    assert overfitting_probability(returns, 6) == naive_overfitting(returns, 6)


def test_overfitting_of_skill_and_of_noise() -> None:
    noise = np.mean([overfitting_probability(world(seed, count=20)) for seed in range(20)])
    assert 0.4 < noise < 0.6
    skilled = world(1, count=20)
    skilled[:, 4] += 0.3 * skilled[:, 4].std()
    assert overfitting_probability(skilled) < 0.02


def test_walk_forward_sees_nothing_of_a_fold_nor_of_the_gap_before_it() -> None:
    """The choice of each fold stays when everything from the gap on is replaced, and the best variant there is not
    chosen for it."""
    returns = world(5, sessions=300, count=10)
    folds = walk_forward(returns, start=120, length=30, gap=20)
    assert [(fold.start, fold.end) for fold in folds] == [(n, n + 30) for n in range(120, 300, 30)]
    for fold in folds:
        leaked = returns.copy()
        leaked[fold.start - 20 :] = 0
        leaked[fold.start - 20 :, (fold.variant + 1) % 10] = np.linspace(1, 2, 300 - fold.start + 20)
        assert walk_forward(leaked, start=fold.start, length=30, gap=20)[0].variant == fold.variant
        naive = [column[: fold.start - 20].mean() / column[: fold.start - 20].std(ddof=1) for column in returns.T]
        assert fold.variant == int(np.argmax(naive))


def test_walk_forward_rolls() -> None:
    returns = world(6, sessions=200, count=4)
    folds = walk_forward(returns, start=100, length=40, gap=10, span=50)
    assert [(fold.first, fold.last) for fold in folds] == [(40, 90), (80, 130), (120, 170)]


def test_walk_forward_needs_sessions_before_the_first_fold() -> None:
    with pytest.raises(ValueError, match="nothing lies before"):
        walk_forward(world(1), start=20, length=20, gap=20)


def halved(returns: Floats, *rounds: int) -> Floats:
    """`returns` whose worse half ends in each of `rounds`, sessions each."""
    returns, left = returns.copy(), np.arange(returns.shape[1])
    for sessions in rounds:
        ratios = returns[:sessions, left].mean(0) / returns[:sessions, left].std(0)
        order = np.argsort(-ratios)
        returns[sessions:, left[order[len(left) // 2 :]]] = np.nan
        left = left[order[: len(left) // 2]]
    return returns


@pytest.mark.slow
def test_halving_in_worlds_without_skill_is_seldom_taken_for_skill() -> None:
    """The best of those that are left is tested against all that were tried."""
    verdicts = [snooping_test(halved(world(seed, 300, 24), 50, 100, 200), draws=200) for seed in range(200)]
    assert sum(verdict.reality_check <= 0.05 for verdict in verdicts) <= 10
    assert sum(verdict.superior_ability <= 0.05 for verdict in verdicts) <= 10


def test_planted_skill_is_found_through_halving() -> None:
    count = 0
    for seed in range(50):
        returns = world(seed, 500, 24)
        returns[:, 7] += 0.3 * returns[:, 7].std()
        count += snooping_test(halved(returns, 60, 120, 240), draws=200).reality_check <= 0.05
    assert count >= 40


def test_variants_that_dropped_out_count() -> None:
    """What dropped out makes the best one more likely to be luck, and its ratio more deflated."""
    returns = halved(world(3, count=40), 60, 120)
    left = returns[:, np.isfinite(returns).all(axis=0)]
    all_tried, left_alone = snooping_test(returns), snooping_test(left)
    assert all_tried.reality_check > left_alone.reality_check
    assert best_deflated_sharpe(returns) < best_deflated_sharpe(left)
