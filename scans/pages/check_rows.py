"""The checks of an explanation in three parts: points, failed, passed; each with its distance from the threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scans.engines.base import Check

REACH = 3.0
"""Times the largest threshold up to which a gauge shows values."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """The places of the value and the thresholds on a scale from 0 to 100; 0 itself is at `zero`."""

    zero: float
    value: float
    limits: tuple[float, ...]

    @property
    def start(self) -> float:
        return min(self.zero, self.value)

    @property
    def width(self) -> float:
        return abs(self.value - self.zero)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check; `points` that it adds, those of a risk taken off; `passes`: it speaks for the pick; `gauge`: None
    without a threshold or a value."""

    check: Check
    points: float
    passes: bool
    gauge: Gauge | None


@dataclass(frozen=True, slots=True)
class CheckParts:
    """Checks that count points, that failed and that passed."""

    points: list[CheckRow]
    failed: list[CheckRow]
    passed: list[CheckRow]


def check_parts(checks: Sequence[Check]) -> CheckParts:
    """The parts of an explanation, each in the order of the engine."""
    rows = [_row(check) for check in checks]
    counted = [row for row in rows if row.check.points and (row.check.group != "risk" or row.check.holds)]
    others = [row for row in rows if row not in counted]
    return CheckParts(counted, [row for row in others if not row.passes], [row for row in others if row.passes])


def _row(check: Check) -> CheckRow:
    is_risk = check.group == "risk"
    points = (-check.points if is_risk else check.points) if check.holds else 0.0
    return CheckRow(check, round(points, 1), check.holds != is_risk, _gauge(check))


def _gauge(check: Check) -> Gauge | None:
    limits = [limit for limit in check.limits if math.isfinite(limit)]
    if not limits or not math.isfinite(check.value):
        return None
    reach = REACH * max(map(abs, limits)) or 1.0
    value = max(min(check.value, reach), -reach)
    low, high = min(0.0, value, *limits), max(0.0, value, *limits)
    span = (high - low) * 1.05 or 1.0

    def place(number: float) -> float:
        return round(100 * (number - low) / span, 1)

    return Gauge(place(0.0), place(value), tuple(place(limit) for limit in limits))
