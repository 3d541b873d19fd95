"""Carried caps, by hand."""

from __future__ import annotations

import numpy as np

from marketdata.adjust import Sparse
from marketdata.carried_caps import carry

NAN = np.nan


def test_a_cap_grows_with_the_adjusted_close_until_the_next_recorded_one() -> None:
    close = np.array([[10.0, 5, 7], [12, 4, 7], [6, 4, 8], [9, 5, 8]])
    caps = np.array([[100.0, NAN, 0], [NAN, 80, NAN], [NAN, NAN, NAN], [50, NAN, NAN]])
    # The first instrument splits 2 : 1 at row 2: it closes at 6 where 6 is no change.
    factor = Sparse(np.array([2 * 3 + 0]), np.array([0.5]))
    before = np.full(3, NAN)
    carry(caps, close, factor, before, before)
    np.testing.assert_allclose(caps, [[100, NAN, NAN], [120, 80, NAN], [120, 80, NAN], [50, 100, NAN]])


def test_carrying_from_a_state_is_carrying_from_the_beginning() -> None:
    rng = np.random.default_rng(3)
    close = rng.uniform(5, 10, (40, 8))
    recorded = np.where(rng.random((40, 8)) < 0.05, rng.uniform(1e6, 2e6, (40, 8)), NAN)
    cells = np.sort(rng.choice(np.arange(8, 320), 12, replace=False))
    factor = Sparse(cells, rng.uniform(0.2, 2, 12))
    whole = recorded.copy()
    carry(whole, close, factor, np.full(8, NAN), np.full(8, NAN))
    for top in (1, 7, 39):
        part = recorded[top:].copy()
        factors = factor.look_up(np.arange(top * 8, top * 8 + 8), 1.0)
        carry(part, close, factor, whole[top - 1], close[top - 1] * factors)
        np.testing.assert_array_equal(part, whole[top:])


def test_nothing_goes_back_in_time() -> None:
    close = np.full((3, 1), 10.0)
    caps = np.array([[NAN], [70.0], [NAN]])
    carry(caps, close, Sparse(np.empty(0, np.intp), np.empty(0)), np.array([NAN]), np.array([NAN]))
    np.testing.assert_array_equal(caps, [[NAN], [70], [70]])
