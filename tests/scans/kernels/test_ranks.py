"""Comparing instruments within a session."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scans.kernels.ranks import percentile, top_per_group
from tests.scans.kernels import naive
from tests.scans.kernels.made import same

quick = settings(max_examples=60, deadline=None)


def market(seed: int, rows: int, columns: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Ratios with ties, exact and but for the last bits, some missing; and a mask."""
    rng = np.random.default_rng(seed)
    x = rng.integers(90, 111, (rows, columns)) / 100
    x *= 1 + rng.integers(-2, 3, x.shape) * 1e-15
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, rng.random(x.shape) < 0.8


shapes = {"rows": st.integers(0, 5), "columns": st.integers(1, 40), "seed": st.integers(0, 2**32)}


@quick
@given(**shapes)
def test_percentile_counts_those_below_and_half_of_those_equal(seed: int, rows: int, columns: int) -> None:
    x, mask = market(seed, rows, columns)
    expected = np.full(x.shape, np.nan)
    for row in range(rows):
        chosen = {i: float(x[row, i]) for i in range(columns) if mask[row, i] and not np.isnan(x[row, i])}
        for column, share in naive.average_ranks(chosen).items():
            expected[row, column] = share
    np.testing.assert_allclose(percentile(x, mask), expected, rtol=1e-12)


@quick
@given(**shapes)
def test_percentile_does_not_depend_on_the_order_of_columns_nor_on_other_sessions(
    seed: int, rows: int, columns: int
) -> None:
    x, mask = market(seed, rows, columns)
    order = np.random.default_rng(seed).permutation(columns)
    whole = percentile(x, mask)
    assert same(percentile(x[:, order], mask[:, order]), whole[:, order])
    assert same(percentile(x[1:], mask[1:]), whole[1:])


def test_percentile_of_rescaled_prices_is_the_same_to_the_last_bit() -> None:
    rng = np.random.default_rng(3)
    now, then = rng.integers(50, 60, (2, 4, 200)) * 5.0
    factors = rng.uniform(0.01, 60, 200)
    everyone = np.ones(now.shape, dtype=bool)
    rescaled = (now * factors) / (then * factors)
    assert (rescaled != now / then).any()
    assert same(percentile(rescaled, everyone), percentile(now / then, everyone))


def chosen_by_sorting(
    values: NDArray[np.float64], mask: NDArray[np.bool_], group: NDArray[np.int8], count: int
) -> NDArray[np.bool_]:
    kept = np.zeros(mask.shape, dtype=bool)
    for row in range(len(values)):
        for one in set(group[row].tolist()):
            members = [i for i in np.flatnonzero(mask[row]) if group[row, i] == one]
            members.sort(key=lambda i: (-np.nan_to_num(values[row, i], nan=-np.inf), i))
            kept[row, members[:count]] = True
    return kept


@quick
@given(**shapes, count=st.integers(0, 12))
def test_the_largest_of_each_group(seed: int, rows: int, columns: int, count: int) -> None:
    x, mask = market(seed, rows, columns)
    amount = np.round(x * 100) * 1e7  # exact ties: the earlier column, which is the lower code, stands first
    group = np.random.default_rng(seed).integers(-1, 3, x.shape).astype(np.int8)
    one = np.zeros_like(group)
    assert same(top_per_group(amount, mask, count), chosen_by_sorting(amount, mask, one, count))
    assert same(top_per_group(amount, mask, count, group), chosen_by_sorting(amount, mask, group, count))


def test_ranks_of_none_and_of_all() -> None:
    x, mask = market(1, 3, 10)
    assert np.isnan(percentile(x, np.zeros_like(mask))).all()
    assert same(top_per_group(x, mask, 10), mask)
    assert same(top_per_group(x, mask, 1000), mask)
    assert not top_per_group(x, np.zeros_like(mask), 3).any()
