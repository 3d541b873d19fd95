"""v3: what is particular to two horizons in one list."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scans.engines.registry import ENGINES
from tests.scans.engines import panels
from tests.scans.engines.asking import answer, features, lenient

ENGINE = ENGINES["v3"]


def test_a_half_that_fails_leaves_the_other_standing() -> None:
    made = panels.panel(3, sessions=180)
    index = panels.index(made, unknown=False)
    universe, whole = answer(ENGINE, made, index)
    measured = dict(features(ENGINE, made))
    del measured["rsi"]
    left = ENGINE.score(universe, measured, index, lenient(ENGINE))
    assert set(whole.ranks.strategy) == {"midterm", "pullback"}
    assert set(left.ranks.strategy) == {"midterm"}
    kept = whole.ranks.strategy == "midterm"
    np.testing.assert_array_equal(left.ranks.column, whole.ranks.column[kept])
    np.testing.assert_array_equal(left.ranks.score, whole.ranks.score[kept])
    assert all(note.startswith("pullback failed: KeyError: 'rsi'") for note in left.days.notes)


def test_pullback_is_closed_by_risk_and_by_regime_and_the_notes_say_so() -> None:
    made = panels.panel(3, sessions=180)
    calm = panels.index(made, unknown=False)
    calm = replace(calm, m=np.zeros_like(calm.m), range=np.full_like(calm.range, 0.03))
    rising, nervous = calm.m.copy(), calm.m.copy()
    rising[-60:] = 0.005
    nervous[-5:] = np.array([0.0, -0.012, 0.0, -0.02, 0.0])
    notes = {
        name: answer(ENGINE, made, replace(calm, m=m))[1].days.notes
        for name, m in (("calm", calm.m), ("rising", rising), ("nervous", nervous))
    }
    assert set(notes["calm"]) == {""}
    assert notes["rising"][-1] == "pullback closed: regime bull"
    assert list(notes["nervous"][-5:]) == [
        "",
        "pullback closed: short-term risk 1",
        "",
        "pullback closed: short-term risk 2",
        "",
    ]
    _, closed = answer(ENGINE, made, replace(calm, m=rising))
    last = closed.ranks.day == len(made.output_sessions) - 1
    assert "pullback" not in closed.ranks.strategy[last]


def test_midterm_stands_before_pullback_and_each_is_in_order() -> None:
    made = panels.panel(4, sessions=180, instruments=40)
    _, result = answer(ENGINE, made, panels.index(made, unknown=False))
    ranks = result.ranks
    for day in range(len(made.output_sessions)):
        at = ranks.day == day
        half = (ranks.strategy[at] == "pullback").astype(int)
        assert (np.diff(half) >= 0).all()
        for one in (0, 1):
            assert (np.diff(ranks.score[at][half == one]) <= 1e-9).all()
            assert (half == one).sum() <= 3
        assert len(set(ranks.column[at])) == at.sum()
    assert ((ranks.score >= 0) & (ranks.score <= 100 + 1e-9)).all()
    close = made["raw_close"][made.start :][ranks.day, ranks.column]
    midterm = ranks.strategy == "midterm"
    np.testing.assert_allclose(ranks.target, close * np.where(midterm, 1.10, 1.05))
    np.testing.assert_allclose(ranks.stop, close * np.where(midterm, 0.93, 0.98))
    assert set(ranks.holding_max[midterm]) == {15}
    assert set(ranks.holding_max[~midterm]) == {14}
