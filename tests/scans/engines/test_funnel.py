"""The funnel of conditions: what each leaves, and who came nearest, counted by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scans.engines.conditions import Condition
from scans.engines.funnel import Branch, branches

CODES = ["A", "B", "C", "D", "E"]


def condition(group: str, name: str, values: Sequence[float], least: float) -> Condition:
    """value >= least."""
    value = np.array([values])
    return Condition(group, name, value, "value >= {}", value >= least, (least,))


UNIVERSE = condition("universe", "eligible", [1, 1, 1, 1, 0], 1)
TURNOVER = condition("filter", "turnover", [100, 90, 50, 99, 100], 100)
STRENGTH = condition("gate", "strength", [4, 5, 5, 8, 9], 5)
POINTS = condition("signal", "points", [0, 0, 0, 0, 0], 1)


def steps(branch: Branch) -> list[tuple[str, int]]:
    return [(step.name, step.left) for step in branch.steps]


def test_steps_end_with_the_condition_that_leaves_none() -> None:
    (branch,) = branches([UNIVERSE, TURNOVER, STRENGTH, condition("gate", "last", [1, 1, 1, 1, 1], 1)], (), CODES)
    assert steps(branch) == [("eligible", 4), ("turnover", 1), ("strength", 0)]
    assert branch.steps[1].rule == "value >= 100"


def test_conditions_that_count_points_leave_everybody() -> None:
    (branch,) = branches([UNIVERSE, POINTS], (), CODES)
    assert steps(branch) == [("eligible", 4)]
    assert not branch.nearest


def test_nearest_fail_the_fewest_by_the_smallest_share_of_the_limit() -> None:
    """D lacks 1 % of the turnover, B 10 %, A 20 % of the strength, C 50 % of the turnover; E is not eligible."""
    (branch,) = branches([UNIVERSE, TURNOVER, STRENGTH], (), CODES)
    assert [(miss.code, [check.name for check in miss.failed]) for miss in branch.nearest] == [
        ("D", ["turnover"]),
        ("B", ["turnover"]),
        ("A", ["strength"]),
        ("C", ["turnover"]),
    ]
    assert branch.nearest[0].failed[0].value == 99


def test_each_half_has_its_own_steps() -> None:
    first, second = condition("midterm", "high", [1, 1, 0, 0, 1], 1), condition("pullback", "low", [0, 0, 0, 1, 1], 1)
    halves = branches([UNIVERSE, first, second], ("midterm", "pullback"), CODES)
    assert [(half.name, steps(half)) for half in halves] == [
        ("midterm", [("eligible", 4), ("high", 2)]),
        ("pullback", [("eligible", 4), ("low", 1)]),
    ]


def test_rule_leaves_out_limits_that_differ_between_instruments() -> None:
    value = np.array([[1.0, 2.0]])
    cutoff = Condition("gate", "cutoff", value, "score >= {}", value >= 2, (np.array([[2.0, 3.0]]),))
    assert cutoff.text == "score >= ..."
    assert cutoff.check(0, 1).rule == "score >= 3"
