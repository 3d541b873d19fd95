"""The picks of many variants over the same sessions: features once for all variants that share them, then the scores of
one variant after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.context_threads import ContextThreadPool
from marketdata.record import Days, Record
from scans.engines.base import Ranks, Universe, get_feature_params
from scans.evaluation.prices import Rows
from scans.execution.shards import EngineTask
from scans.operations.research.grid import Variant
from scans.operations.scan.inputs import read_inputs
from scans.operations.scan.request import RunRequest

THREADS = min(os.cpu_count() or 1, 4)
"""Variants that are scored at once: nearly all of it is arrays, outside of the interpreter's lock."""


@dataclass(frozen=True, slots=True)
class VariantPicks:
    """The picks of a variant, best first within a session, (P,): rows of the sessions, and codes."""

    variant: Variant
    task: EngineTask
    day: Rows
    code: NDArray[np.str_]


def variant_picks(
    record: Record, days: Days, tasks: Mapping[Variant, EngineTask], thin: Rows
) -> Iterator[VariantPicks]:
    """The picks of each of `tasks` on the sessions `days`, without those of the sessions `thin` (rows)."""
    variants = list(tasks)
    for place, universe, ranks in scored_tasks(record, days, list(tasks.values())):
        kept = ~np.isin(ranks.day, thin)
        code = universe.codes[ranks.column[kept]]
        variant = variants[place]
        yield VariantPicks(variant, tasks[variant], ranks.day[kept].astype(np.intp), code)


def scored_tasks(record: Record, days: Days, tasks: Sequence[EngineTask]) -> Iterator[tuple[int, Universe, Ranks]]:
    """The place of each of `tasks`, its universe and its ranks on the sessions `days`; those that share their features
    one after the other."""
    groups: dict[object, list[int]] = {}
    for place, task in enumerate(tasks):
        groups.setdefault(_features_key(task), []).append(place)
    for places in groups.values():
        first = tasks[places[0]]
        data = read_inputs(record, days, [first], _options(record))
        universe, features = next(data.results)
        if isinstance(features, Exception):
            raise features

        def ranks(
            place: int, universe: Universe = universe, features: Any = features, data: Any = data, task: Any = first
        ) -> Ranks:
            return task.engine.score(universe, features, data.levels, tasks[place].params).ranks  # type: ignore[no-any-return]

        with ContextThreadPool(THREADS) as pool:
            for place, own in zip(places, pool.map(ranks, places), strict=True):
                yield place, universe, own


def _options(record: Record) -> RunRequest:
    """Nothing is published, and features that so many variants share are not kept for a later run."""
    return RunRequest(record.market.name, datetime.min.replace(tzinfo=UTC), save=False, cached=False)


def _features_key(task: EngineTask) -> object:
    """Equal for tasks that share their features; where the engine does not say what they depend on, for none."""
    names = get_feature_params(task.engine)
    needs = task.requirements
    own: Sequence[Any] = [id(task)] if names is None else [getattr(task.params, name) for name in names]
    where = task.engine.slug, task.segments, tuple(sorted(task.limits.items()))
    return (*where, *own, tuple(sorted(needs.inputs.items())), needs.warm_up, needs.min_bars)
