"""Numbers of rows, against Python's own formatting of each."""

from __future__ import annotations

import numpy as np

from scans.operations.scan.answer_rows import numbers

COUNT = 20_000
EDGES = [
    0.0, -0.0, np.nan, np.inf, -np.inf, 1e10, 9999999999.4, 9999999999.6, 0.99999999995, 0.99999999994, 1e9,
    999999999.95, 1e22, 1e-13, 5e-324, 1.7e308, -1234567.89125, 0.1 + 0.2,
]  # fmt: skip


def test_numbers_are_those_of_the_text_of_ten_digits() -> None:
    random = np.random.default_rng(20260821)
    values = np.concatenate(
        [
            random.normal(size=COUNT) * 10.0 ** random.integers(-16, 16, COUNT),
            np.round(random.normal(size=COUNT) * 1e4, 2),
            random.integers(-(10**11), 10**11, COUNT).astype(np.float64),
            (random.integers(0, 10**10, COUNT) + 0.5) / 10.0 ** random.integers(0, 12, COUNT),  # halfway
            EDGES,
        ]
    )
    expected = [float(f"{value:.10g}") if np.isfinite(value) else None for value in values.tolist()]
    assert list(map(repr, numbers(values))) == list(map(repr, expected))


def test_no_numbers_are_an_empty_list() -> None:
    assert numbers(np.zeros(0)) == []
