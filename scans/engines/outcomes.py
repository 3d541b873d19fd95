"""The outcome of an engine: the facts of each session, and the picks as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.engines.base import Days, Ranks, Universe
from scans.engines.ranking import Picks

NOTHING_ELIGIBLE = "nothing eligible"
NOTHING_PASSED = "nothing passed"


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a pick: target and stop as fractions of the close (NaN for none), holding in sessions, 0 for no
    limit."""

    target: float = float("nan")
    stop: float = float("nan")
    holding_min: int = 0
    holding_max: int = 0


@dataclass(frozen=True, slots=True)
class Levels:
    """Plans of the picks in raw prices, (P,) each."""

    entry: Floats
    target: Floats
    stop: Floats
    holding_min: NDArray[np.int16]
    holding_max: NDArray[np.int16]


def levels(plans: Sequence[Plan], which: NDArray[np.integer[Any]], close: Floats) -> Levels:
    """The plan `plans[which]` of each pick over its raw close, both (P,)."""
    return Levels(
        entry=np.full(len(close), np.nan),
        target=close * (1 + np.array([plan.target for plan in plans])[which]),
        stop=close * (1 + np.array([plan.stop for plan in plans])[which]),
        holding_min=np.array([plan.holding_min for plan in plans], dtype=np.int16)[which],
        holding_max=np.array([plan.holding_max for plan in plans], dtype=np.int16)[which],
    )


def ranks(
    picks: Picks,
    *,
    label: NDArray[np.str_],
    strategy: NDArray[np.str_],
    levels: Levels,
    signals: Mapping[str, NDArray[Any]],
    components: Mapping[str, NDArray[Any]],
) -> Ranks:
    """The picks as columns; `signals` and `components` are (K, N), read at each pick."""
    return Ranks(
        day=picks.day,
        column=picks.column,
        rank=picks.rank,
        score=picks.score,
        label=label,
        strategy=strategy,
        entry=levels.entry,
        target=levels.target,
        stop=levels.stop,
        holding_min=levels.holding_min,
        holding_max=levels.holding_max,
        signals={name: picks.of(values) for name, values in signals.items()},
        components={name: picks.of(values).astype(np.float64) for name, values in components.items()},
    )


def days(
    universe: Universe,
    *,
    scored: Bools,
    matched: NDArray[np.integer[Any]],
    regime: Sequence[str],
    closed: NDArray[np.bool_],
    short_risk: NDArray[np.int8],
    step: NDArray[np.int8] | None = None,
    notes: Sequence[str] | None = None,
) -> Days:
    """The facts of each session; `matched` (K,) counts before `top_n`; `closed` (K,): the regime allows no picks.

    The reason of a session without matches: the regime that closed it, else that nothing was eligible or passed.
    """
    count = universe.eligible.sum(axis=1, dtype=np.int32)
    reason = [
        "" if matches else f"regime {name}" if is_closed else NOTHING_PASSED if eligible else NOTHING_ELIGIBLE
        for matches, name, is_closed, eligible in zip(matched, regime, closed, count, strict=True)
    ]
    return Days(
        regime=regime,
        step=np.zeros(len(count), dtype=np.int8) if step is None else step,
        short_risk=short_risk,
        universe=count,
        scored=scored.sum(axis=1, dtype=np.int32),
        matched=np.asarray(matched, dtype=np.int32),
        reason=reason,
        notes=[""] * len(count) if notes is None else notes,
    )
