"""The funnel of a session: how many instruments each condition of an engine leaves, and which came nearest to a match.

1. A branch is a sequence of conditions that must all hold. An engine has one; v3 has one for each half, since a match
   of either half is a match. Conditions that count points (`conditions.SOFT`) belong to none.
2. A step counts the instruments that fulfil its condition and each one before it; the one that leaves none is the last.
3. The nearest ones fail the fewest conditions of a branch; among equals those whose values are nearest to the limits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from marketdata.panel import Bools
from scans.engines.base import Check
from scans.engines.conditions import SOFT

NEAREST = 5
"""How many of the nearest instruments a branch has."""
COMPARED = 100
"""Instruments with the fewest failures of which the distances are computed at most."""


@runtime_checkable
class Requirement(Protocol):
    """A condition with its verdicts, (K, N), and its rule for all instruments."""

    @property
    def group(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def holds(self) -> Bools: ...

    def check(self, day: int, column: int) -> Check: ...


@dataclass(frozen=True, slots=True)
class Step:
    """A condition and the number of instruments that it leaves."""

    name: str
    rule: str
    left: int


@dataclass(frozen=True, slots=True)
class Miss:
    """An instrument without a match: its code and the checks that fail."""

    code: str
    failed: Sequence[Check]


@dataclass(frozen=True, slots=True)
class Branch:
    """The steps of a branch and its nearest instruments, the nearest first; `name` "" where it is the only one."""

    name: str
    steps: Sequence[Step]
    nearest: Sequence[Miss]


def branches(checks: Sequence[object], names: Sequence[str], codes: Sequence[str]) -> list[Branch]:
    """The branches of an evaluation of one session; `names` of the groups that are branches, none: a single one."""
    required = [check for check in checks if isinstance(check, Requirement) and check.group not in SOFT]
    if not names:
        return [_branch("", required, codes)]
    return [
        _branch(name, [check for check in required if check.group in (name, "universe")], codes)
        for name in names
        if any(check.group == name for check in required)
    ]


def _branch(name: str, required: Sequence[Requirement], codes: Sequence[str]) -> Branch:
    verdicts = np.stack([check.holds[0] for check in required])
    left = np.logical_and.accumulate(verdicts, axis=0).sum(axis=1).tolist()
    end = left.index(0) + 1 if 0 in left else len(left)
    steps = [Step(check.name, check.text, count) for check, count in zip(required[:end], left[:end], strict=True)]
    failures = (~verdicts).sum(axis=0)
    is_scored = np.all([check.holds[0] for check in required if check.group == "universe"], axis=0)
    candidates = np.flatnonzero(is_scored & (failures > 0))
    candidates = candidates[np.argsort(failures[candidates], kind="stable")][:COMPARED]
    misses = []
    for column in candidates.tolist():
        failed = [
            check.check(0, column) for check, holds in zip(required, verdicts[:, column], strict=True) if not holds
        ]
        misses.append(Miss(codes[column], failed))
    misses.sort(key=lambda miss: (len(miss.failed), sum(map(_distance, miss.failed)), miss.code))
    return Branch(name, steps, misses[:NEAREST])


def _distance(check: Check) -> float:
    """How far the value is from the nearest limit, as a share of it; 1 where a condition has no limit."""
    limits = [limit for limit in check.limits if math.isfinite(limit)]
    if not limits or not math.isfinite(check.value):
        return 1.0
    return min(abs(check.value - limit) / (abs(limit) or 1.0) for limit in limits)
