"""The picks of many variants over the same sessions: features once for all variants that share them, then the scores of
one variant after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.queries.window import open_window
from marketdata.record import Days, Record
from scans.engines.base import MarketIndex, get_feature_params
from scans.evaluation.prices import Rows
from scans.execution import executors
from scans.execution.shards import EngineTask, join_pieces
from scans.operations.research.grid import Variant


@dataclass(frozen=True, slots=True)
class VariantPicks:
    """The picks of a variant, best first within a session, (P,): rows of the sessions, and codes."""

    variant: Variant
    task: EngineTask
    day: Rows
    code: NDArray[np.str_]


def variant_picks(
    record: Record, days: Days, tasks: Mapping[Variant, EngineTask], index: MarketIndex, thin: Rows
) -> Iterator[VariantPicks]:
    """The picks of each of `tasks` on the sessions `days`, without those of the sessions `thin` (rows)."""
    groups: dict[object, list[Variant]] = {}
    for variant, task in tasks.items():
        groups.setdefault(_features_key(task), []).append(variant)
    for members in groups.values():
        first = tasks[members[0]]
        window = open_window(record, days, first.requirements.warm_up, flows=None, caps=first.caps_reach)
        pieces, _ = executors.compute_pieces(window, [first])
        universe, features = next(join_pieces(pieces, [first]))
        if isinstance(features, Exception):
            raise features
        for variant in members:
            ranks = first.engine.score(universe, features, index, tasks[variant].params).ranks
            kept = ~np.isin(ranks.day, thin)
            yield VariantPicks(
                variant, tasks[variant], ranks.day[kept].astype(np.intp), universe.codes[ranks.column[kept]]
            )


def _features_key(task: EngineTask) -> object:
    """Equal for tasks that share their features; where the engine does not say what they depend on, for none."""
    names = get_feature_params(task.engine)
    needs = task.requirements
    own: Sequence[Any] = [id(task)] if names is None else [getattr(task.params, name) for name in names]
    return (*own, tuple(sorted(needs.inputs.items())), needs.warm_up, needs.min_bars)
