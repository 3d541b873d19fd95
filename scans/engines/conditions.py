"""Named conditions of an engine, evaluated once for the whole market.

An engine lists its filters, signals, gates and risks as `Condition`s over (K, N) arrays. `score` combines their
`holds`; `explain` reads the same arrays at one session and instrument, so the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketdata.number_format import format_number
from marketdata.panel import Bools, Floats
from scans.engines.base import Check, Features, Universe
from scans.kernels.compare import at_least

SOFT = frozenset({"signal", "risk", "comparison"})
"""Groups of checks that count points, or are a part of another check, and exclude nothing by themselves."""
# The limit of a condition: one number, one of each session, (K, 1), or one of each cell, (K, N).
Limit: TypeAlias = float | NDArray[Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on every instrument and session.

    value (K, N): the compared measure; rule: its text, with `{}` for each of `limits`; holds (K, N): the verdict;
    points: its weight where it holds.
    """

    group: str
    name: str
    value: NDArray[Any]
    rule: str
    holds: Bools
    limits: tuple[Limit, ...] = ()
    points: float = 0.0

    @property
    def text(self) -> str:
        """The rule for all instruments: with limits of the first session, "..." where each instrument has its own."""
        own = [isinstance(limit, np.ndarray) and limit.shape[1] > 1 for limit in self.limits]
        limits = zip(self.limits, own, strict=True)
        return self.rule.format(*("..." if is_own else format_number(_at(limit, 0, 0)) for limit, is_own in limits))

    def check(self, day: int, column: int) -> Check:
        """The condition on session `day` for instrument `column`."""
        limits = tuple(_at(limit, day, column) for limit in self.limits)
        return Check(
            group=self.group,
            name=self.name,
            value=float(self.value[day, column]),
            rule=self.rule.format(*(format_number(limit) for limit in limits)),
            holds=bool(self.holds[day, column]),
            points=self.points,
            limits=limits,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: value (K, N) its measure, rule its formula as text, points (K, N) its summand."""

    name: str
    value: NDArray[Any]
    rule: str
    points: Floats

    def check(self, day: int, column: int) -> Check:
        """The part on session `day` for instrument `column`."""
        points = float(self.points[day, column])
        return Check(
            group="score",
            name=self.name,
            value=float(self.value[day, column]),
            rule=self.rule,
            holds=points > 0,
            points=points,
        )


def sum_parts(parts: Iterable[Part]) -> Floats:
    """(K, N): the sum of their points."""
    return reduce(np.add, (part.points for part in parts))


def filter_(name: str, value: NDArray[Any], rule: str, holds: Bools, *limits: Limit) -> Condition:
    """A condition of the group "filter"."""
    return Condition("filter", name, value, rule, holds, limits)


def signal(name: str, points: int, value: NDArray[Any], rule: str, holds: Bools, *limits: Limit) -> Condition:
    """A condition of the group "signal"."""
    return Condition("signal", name, value, rule, holds, limits, points)


def risk(name: str, points: int, value: NDArray[Any], rule: str, holds: Bools, *limits: Limit) -> Condition:
    """A condition of the group "risk"; its points count against the pick."""
    return Condition("risk", name, value, rule, holds, limits, points)


def gate(name: str, value: NDArray[Any], rule: str, holds: Bools, *limits: Limit) -> Condition:
    """A condition of the group "gate"."""
    return Condition("gate", name, value, rule, holds, limits)


def _at(limit: Limit, day: int, column: int) -> float:
    if not isinstance(limit, np.ndarray):
        return float(limit)
    return float(limit[day, column if limit.shape[1] > 1 else 0])


def all_hold(conditions: Iterable[Condition]) -> Bools:
    """(K, N): every condition holds."""
    return reduce(np.logical_and, (condition.holds for condition in conditions))


def count_fulfilled(conditions: Iterable[Condition]) -> NDArray[np.int8]:
    """(K, N): the number of conditions that hold."""
    return reduce(np.add, (condition.holds.astype(np.int8) for condition in conditions))


def sum_points(conditions: Iterable[Condition]) -> NDArray[np.int8]:
    """(K, N): the sum of the (whole) points of the conditions that hold."""
    return reduce(np.add, (condition.holds * np.int8(condition.points) for condition in conditions))


def all_defined(f: Features) -> Bools:
    """(K, N): every measure is defined."""
    return reduce(np.logical_and, (np.isfinite(values) for values in f.values() if values.dtype.kind == "f"))


def universe_conditions(universe: Universe, scored: Bools) -> list[Condition]:
    """The conditions of being evaluated at all."""
    eligible = universe.eligible
    return [
        Condition("universe", "eligible", eligible, "in the version's universe", eligible),
        Condition("universe", "measured", scored, "eligible and every measure defined", scored),
    ]


def liquidity_floors(
    universe: Universe, turnover: Floats, *, turnover_min: float, price_min: float, group: str = "filter"
) -> list[Condition]:
    """The least mean turnover (K, N) of 20 sessions and the least raw close, as conditions of `group`."""
    close = universe.close
    enough = at_least(turnover, turnover_min)
    return [
        Condition(group, "turnover", turnover, "mean turnover of 20 sessions >= {}", enough, (turnover_min,)),
        Condition(group, "price", close, "raw close >= {}", close >= price_min, (price_min,)),
    ]
