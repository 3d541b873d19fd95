"""What every kernel promises (see `scans.kernels.arrays`), for bars of any shape."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scans.kernels.catalogue import KERNELS, RECURSIVE, Kernel
from tests.scans.kernels.made import Bars, Floats, bars, same, some_bars

every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())
few = settings(max_examples=12, deadline=None)


@every_kernel
@few
@given(b=some_bars(), keep=st.integers(0, 80))
def test_keep_gives_the_last_rows_of_the_whole_bit_for_bit(kernel: Kernel, b: Bars, keep: int) -> None:
    whole = kernel.compute(b, None)
    assert whole.shape == b.close.shape
    assert same(kernel.compute(b, keep), whole[max(len(whole) - keep, 0) :])


@every_kernel
@few
@given(b=some_bars(), at=st.integers(0, 6), shuffle=st.randoms(use_true_random=False))
def test_an_instrument_has_the_same_values_in_any_company(
    kernel: Kernel, b: Bars, at: int, shuffle: random.Random
) -> None:
    whole = kernel.compute(b, None)
    count = whole.shape[1]
    shards = [kernel.compute(b.columns(part), None) for part in (slice(0, at), slice(at, None))]
    assert same(np.hstack(shards), whole)
    mixed = np.array(sorted(range(count), key=lambda _: shuffle.random()))
    assert same(kernel.compute(b.columns(mixed), None), whole[:, mixed])
    alone = int(mixed[0])
    assert same(kernel.compute(b.columns([alone]), None), whole[:, [alone]])


@every_kernel
@few
@given(b=some_bars(), until=st.integers(1, 70))
def test_nothing_looks_ahead(kernel: Kernel, b: Bars, until: int) -> None:
    whole = kernel.compute(b, None)
    assert same(kernel.compute(b.rows(slice(0, until)), None), whole[:until])


WINDOWED = {name: one for name, one in KERNELS.items() if one.window != RECURSIVE}


@pytest.mark.parametrize("kernel", WINDOWED.values(), ids=WINDOWED.keys())
@few
@given(b=some_bars(), cut=st.integers(1, 60))
def test_a_window_does_not_know_what_stood_before_it(kernel: Kernel, b: Bars, cut: int) -> None:
    whole = kernel.compute(b, None)[cut:]
    later = kernel.compute(b.rows(slice(cut, None)), None)
    full = kernel.window - 1
    assert same(later[full:], whole[full:])


@every_kernel
@few
@given(b=some_bars())
def test_values_begin_where_they_are_defined_and_go_on(kernel: Kernel, b: Bars) -> None:
    values = kernel.compute(b, None)
    unlisted = np.isnan(b.close).sum(axis=0)
    since_first = np.arange(len(values))[:, None] - unlisted + 1
    if kernel.bars:
        assert np.array_equal(~np.isnan(values), since_first >= kernel.bars)
    else:
        assert values.dtype.kind in "bi"
        assert not values[since_first < 1].any()


@pytest.mark.slow
@every_kernel
@few
@given(b=some_bars(), seed=st.integers(0, 1000))
def test_rescaling_an_instrument_moves_no_verdict_and_scales_the_rest(kernel: Kernel, b: Bars, seed: int) -> None:
    factors: Floats = np.random.default_rng(seed).uniform(0.02, 70.0, (1, b.close.shape[1]))
    before = kernel.compute(b, None)
    after = kernel.compute(b.rescaled(factors), None)
    if before.dtype.kind in "bi":
        assert same(after, before)
        return
    expected = before * factors**kernel.price / factors**kernel.volume
    sizes = {1: b.close * factors, 0: np.ones_like(b.close)}  # what rounding is measured by
    size = np.nanmax(sizes[kernel.price], initial=0.0) if not kernel.volume else 0.0
    np.testing.assert_allclose(after, expected, rtol=1e-9, atol=1e-11 * size)


@every_kernel
def test_read_only_input_is_left_alone(kernel: Kernel) -> None:
    b = bars(40, 5, seed=3)
    before = b.each(np.copy)
    result = kernel.compute(b, None)
    assert not any(np.shares_memory(result, x) for x in (b.open, b.high, b.low, b.close, b.volume))
    for name in ("open", "high", "low", "close", "volume"):
        assert same(getattr(b, name), getattr(before, name))


@every_kernel
@pytest.mark.parametrize("shape", [(0, 3), (30, 0), (1, 1), (2, 40)])
def test_small_and_empty_shapes(kernel: Kernel, shape: tuple[int, int]) -> None:
    assert kernel.compute(bars(*shape), None).shape == shape
    assert kernel.compute(bars(*shape), 1).shape == (min(shape[0], 1), shape[1])


@pytest.mark.slow
@every_kernel
def test_a_wide_and_a_long_market_agree_with_their_parts(kernel: Kernel) -> None:
    """Larger than one run of the cache in either direction."""
    wide, long = bars(20, 2600, seed=5), bars(1500, 40, seed=6)
    assert same(
        kernel.compute(wide, None)[:, 1700:1703],
        kernel.compute(wide.columns(slice(1700, 1703)), None),
    )
    assert same(kernel.compute(long, None)[:, 7:9], kernel.compute(long.columns(slice(7, 9)), None))
    assert same(kernel.compute(long, 3), kernel.compute(long, None)[-3:])
