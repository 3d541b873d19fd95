"""The picks of many variants over the same sessions: features once for all variants that share them, then the scores of
one variant after the other, of engines that judge cells by themselves over the cells alone that can match."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketdata.context_threads import ContextThreadPool
from marketdata.record import Days, Record
from scans.engines.base import CellwiseEngine, Features, MarketIndex, Ranks, Universe, get_feature_params
from scans.engines.packed_cells import PackedCells, packed_ranks
from scans.evaluation.prices import Rows
from scans.execution.shards import EngineTask
from scans.operations.research.grid import Variant
from scans.operations.scan.inputs import read_inputs
from scans.operations.scan.request import RunRequest

THREADS = min(os.cpu_count() or 1, 4)
"""Variants that are scored at once: nearly all of it is arrays, outside of the interpreter's lock."""

TaskInputs: TypeAlias = tuple[Universe, Features, MarketIndex]


@dataclass(frozen=True, slots=True)
class VariantPicks:
    """The picks of a variant, best first within a session, (P,): rows of the sessions, and columns of `codes`, of which
    variants that share their features have one array."""

    variant: Variant
    task: EngineTask
    day: Rows
    column: Rows
    codes: NDArray[np.str_]


class VariantScorer:
    """The scores of variants over the sessions `days` of a record. It keeps the inputs of the variants scored last."""

    def __init__(self, record: Record, days: Days) -> None:
        self.record, self.days = record, days
        self._last: EngineTask | None = None
        self._inputs: TaskInputs | None = None

    def variant_picks(self, tasks: Mapping[Variant, EngineTask], thin: Rows) -> Iterator[VariantPicks]:
        """The picks of each of `tasks`, without those of the sessions `thin` (rows)."""
        variants = list(tasks)
        is_thin = np.isin(np.arange(len(self.days)), thin)
        for place, day, column, codes in self.task_picks(list(tasks.values())):
            kept = ~is_thin[day]
            yield VariantPicks(variants[place], tasks[variants[place]], day[kept], column[kept], codes)

    def task_picks(self, tasks: Sequence[EngineTask]) -> Iterator[tuple[int, Rows, Rows, NDArray[np.str_]]]:
        """The place of each of `tasks`, the rows of its picks in the sessions, best first within one, their columns and
        the codes of all columns; those that share their features one after the other."""
        groups: dict[object, list[int]] = {}
        for place, task in enumerate(tasks):
            groups.setdefault(_features_key(task), []).append(place)
        for key, places in groups.items():
            universe, features, index = self._task_inputs(key, tasks[places[0]])
            score, codes = _scorer([tasks[place] for place in places], universe, features, index), universe.codes
            with ContextThreadPool(THREADS) as pool:
                for place, (day, column) in zip(places, pool.map(score, [tasks[n] for n in places]), strict=True):
                    yield place, day, column, codes

    def _task_inputs(self, key: object, task: EngineTask) -> TaskInputs:
        if self._inputs is None or self._last is None or _features_key(self._last) != key:
            self._inputs = None  # the former ones go before others come
            self._inputs, self._last = task_inputs(self.record, self.days, task), task
        return self._inputs


def _scorer(
    tasks: Sequence[EngineTask], universe: Universe, features: Features, index: MarketIndex
) -> Callable[[EngineTask], tuple[Rows, Rows]]:
    """The function of one of `tasks`, which share these inputs, that returns (day, column) of its picks."""
    engine = tasks[0].engine
    if isinstance(engine, CellwiseEngine):
        cells = engine.prefilter(universe, features, index, [task.params for task in tasks])
        packed = PackedCells.of(universe, features, cells)
        return lambda task: packed_ranks(task.engine, packed, index, task.params)

    def score(task: EngineTask) -> tuple[Rows, Rows]:
        ranks = engine.score(universe, features, index, task.params).ranks
        return ranks.day.astype(np.intp), ranks.column.astype(np.intp)

    return score


def task_ranks(record: Record, days: Days, task: EngineTask) -> tuple[Universe, Ranks]:
    """The universe and the ranks of `task` on the sessions `days`."""
    universe, features, index = task_inputs(record, days, task)
    return universe, task.engine.score(universe, features, index, task.params).ranks


def task_inputs(record: Record, days: Days, task: EngineTask) -> TaskInputs:
    """The inputs of the scores of `task`. Nothing is published, and no features are cached for a later run."""
    options = RunRequest(record.market.name, datetime.min.replace(tzinfo=UTC), save=False, cached=False)
    data = read_inputs(record, days, [task], options)
    universe, features = next(data.results)
    if isinstance(features, Exception):
        raise features
    return universe, features, data.levels


def _features_key(task: EngineTask) -> object:
    """Equal for tasks that share their features; where the engine does not say what they depend on, for none."""
    names = get_feature_params(task.engine)
    needs = task.requirements
    own: Sequence[Any] = [id(task)] if names is None else [getattr(task.params, name) for name in names]
    where = task.engine.slug, task.segments, tuple(sorted(task.limits.items()))
    return (*where, *own, tuple(sorted(needs.inputs.items())), needs.warm_up, needs.min_bars)
