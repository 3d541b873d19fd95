"""Feature flags of optimisations, and the guard that turns a harmful one off.

A rule names a flag, the metric that shows harm and its threshold. The guard keeps the last observations of each
metric; when their mean is 20 % past the threshold, it turns the flag off, with a warning and a record of the reason.
Only a person turns it on again.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from marketdata.number_format import format_number

log = logging.getLogger(__name__)

MARGIN = 0.20


class Worse(StrEnum):
    HIGHER = "higher"  # times, memory
    LOWER = "lower"  # hit ratio


@dataclass(frozen=True, slots=True)
class Rule:
    """A threshold of a metric. `window` observations are averaged; fewer decide nothing."""

    feature: str
    metric: str
    threshold: float
    worse: Worse
    window: int = 50

    def is_broken(self, mean: float) -> bool:
        """Whether the mean is more than 20 % past the threshold."""
        if self.worse is Worse.HIGHER:
            return mean > self.threshold * (1 + MARGIN)
        return mean < self.threshold * (1 - MARGIN)


@dataclass(frozen=True, slots=True)
class Rollback:
    """The reason for turning a flag off."""

    feature: str
    metric: str
    mean: float
    threshold: float
    observations: int

    def warn(self) -> None:
        """Log the reason."""
        log.warning("%s", self)

    def __str__(self) -> str:
        return (
            f"{self.feature} was turned off: {self.metric} is {format_number(self.mean, 4)} on average over "
            f"{self.observations} observations, its threshold is {format_number(self.threshold, 4)}."
        )


class Flags(Protocol):
    """The store of flags; an admin turns them there."""

    def enabled(self, feature: str) -> bool: ...

    def turn_off(self, rollback: Rollback) -> None:
        """Turn the flag off and record the reason."""


class MemoryFlags:
    """Flags of one process, all on unless named."""

    def __init__(self, off: Sequence[str] = ()) -> None:
        self._off = set(off)
        self.rollbacks: list[Rollback] = []

    def enabled(self, feature: str) -> bool:
        return feature not in self._off

    def turn_off(self, rollback: Rollback) -> None:
        self._off.add(rollback.feature)
        self.rollbacks.append(rollback)


class Guard:
    """Watches the metrics of its rules; one guard per process is enough."""

    def __init__(self, flags: Flags, rules: Sequence[Rule] = ()) -> None:
        self._flags = flags
        self._rules = {rule: deque[float](maxlen=rule.window) for rule in rules if _sound(rule)}

    def observe(self, metric: str, value: float) -> None:
        """One observation; may turn flags off."""
        for rule, values in self._rules.items():
            if rule.metric != metric or not self._flags.enabled(rule.feature):
                continue
            values.append(value)
            if len(values) < rule.window:
                continue
            mean = sum(values) / len(values)
            if rule.is_broken(mean):
                rollback = Rollback(rule.feature, metric, mean, rule.threshold, len(values))
                rollback.warn()
                self._flags.turn_off(rollback)
                values.clear()


def _sound(rule: Rule) -> bool:
    if rule.window < 1:
        raise ValueError(f"The window of the rule on {rule.metric} is {rule.window}: at least 1.")
    return True
