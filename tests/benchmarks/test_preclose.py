"""The arithmetic of bars cut before the close, by hand."""

from __future__ import annotations

import pytest

from tests.benchmarks.preclose import Bar, cut, overlap


@pytest.mark.parametrize(
    ("bar", "part", "share", "tick", "expected"),
    [
        # 10,000 -> 10,500 on ticks of 10: half the way is 10,250; the high of 10,600 stays, the low of 9,900 too.
        ((10_000, 10_600, 9_900, 10_500, 1_000), 0.5, 0.9, 10, (10_000, 10_600, 9_900, 10_250, 900)),
        # Closed at its high: so far the high is the last price. 0.7 x 500 = 350.
        ((10_000, 10_500, 9_900, 10_500, 1_000), 0.7, 0.9, 10, (10_000, 10_350, 9_900, 10_350, 900)),
        # Closed at its low: the low so far is the last price; 9,955 goes to the tick 9,960 (round half to even).
        ((10_000, 10_100, 9_950, 9_950, 1_000), 0.9, 0.95, 10, (10_000, 10_100, 9_960, 9_960, 950)),
        ((10_000, 10_600, 9_900, 10_503, 1_000), 1.0, 1.0, 10, (10_000, 10_600, 9_900, 10_503, 1_000)),
        ((0, 0, 0, 5_000, 0), 0.5, 0.9, 10, (0, 0, 0, 5_000, 0)),
    ],
)
def test_a_bar_is_cut_by_the_model(bar: Bar, part: float, share: float, tick: float, expected: Bar) -> None:
    assert cut(bar, part, share, tick) == pytest.approx(expected)


def test_the_overlap_counts_early_picks_hits_and_picks_at_the_close() -> None:
    assert overlap(["a", "b", "c"], ["b", "c", "d", "e"]) == (3, 2, 4)
    assert overlap([], ["a"]) == (0, 0, 1)
