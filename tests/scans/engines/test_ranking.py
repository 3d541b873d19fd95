"""Ranking against Python's own sort, and what counts as a tie."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scans.engines.ranking import group_positions, order_picks
from tests.scans.engines import panels

few = st.integers(0, 3)


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(st.tuples(st.booleans(), few, few, st.integers(0, 1)), min_size=24, max_size=24),
    parts=st.booleans(),
)
def test_order_is_score_then_turnover_then_code(cells: list[tuple[bool, int, int, int]], parts: bool) -> None:
    matched, score, amount, part = (np.array(one).reshape(3, 8) for one in zip(*cells, strict=True))
    universe = panels.bare_universe(3, 8, amount.astype(float))
    picks = order_picks(universe, matched, score, part if parts else None)
    wanted = sorted(
        (day, part[day, column] if parts else 0, -score[day, column], -amount[day, column], column)
        for day in range(3)
        for column in range(8)
        if matched[day, column]
    )
    result = zip(picks.day.tolist(), picks.column.tolist(), strict=True)
    assert list(result) == [(key[0], key[-1]) for key in wanted]
    count = np.bincount(picks.day, minlength=3)
    assert picks.rank.tolist() == [place for n in count for place in range(1, n + 1)]


def test_scores_that_differ_in_the_last_bits_are_tied() -> None:
    universe = panels.bare_universe(1, 3, np.array([[1.0, 3.0, 2.0]]))
    score = np.array([[0.3, 0.1 + 0.2, 0.3 * (1 - 1e-10)]])
    picks = order_picks(universe, np.ones((1, 3), dtype=bool), score)
    assert picks.column.tolist() == [1, 2, 0]
    apart = order_picks(universe, np.ones((1, 3), dtype=bool), np.array([[0.3, 0.3, 0.31]]))
    assert apart.column.tolist() == [2, 1, 0]


@given(keys=st.lists(st.tuples(few, few), max_size=30))
def test_position_counts_within_equal_keys(keys: list[tuple[int, int]]) -> None:
    first, second = (np.array([key[n] for key in keys], dtype=int) for n in (0, 1))
    wanted = [keys[: at + 1].count(key) for at, key in enumerate(keys)]
    assert group_positions(first, second).tolist() == wanted
