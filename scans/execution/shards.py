"""From a window of bars to features: read and computed in pieces, by instrument.

1. `instrument_slices` cuts the window's instruments into coarse pieces that bound memory.
2. `compute_piece` reads one panel and computes the features of every engine over it, sharing indicators.
3. `join_pieces` puts the pieces together again into one universe and one set of features for each engine.

`executors` runs the pieces inline, in threads or in processes, which changes no result.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Panel
from marketdata.spans import span
from scans.engines.base import Engine, Features, Requirements, Universe, caps_reach, get_requirements, reads_flows
from scans.engines.indicators import Measures
from scans.engines.split_features import SplitArray, SplitFeatures
from scans.execution.cost import Cost, StageMeter
from scans.kernels.ranks import top_per_group

CELLS = 4_000_000
"""Sessions x instruments x tasks of a piece at most: 32 MB a field where there is one task, less where several keep
their indicators beside it."""


class PanelReader(Protocol):
    """A window that panels can be read from; `marketdata.queries.window.open_window` returns one."""

    @property
    def sessions(self) -> NDArray[np.datetime64]: ...

    @property
    def start(self) -> int: ...

    @property
    def survey(self) -> Any: ...

    def read(self, reach: Mapping[str, int], *, instruments: slice = ..., threads: int = ...) -> Panel: ...


@dataclass(frozen=True, slots=True)
class EngineTask:
    """One engine with its parameters over the segments of its version; of each session's ranks the best `top` are kept
    (None: all)."""

    engine: Engine
    params: Any
    segments: tuple[str, ...]
    limits: Mapping[str, int]
    top: int | None = None

    @property
    def requirements(self) -> Requirements:
        return get_requirements(self.engine, self.params)

    @property
    def caps_reach(self) -> int | None:
        """How many sessions before the first requested one the engine, with these parameters, reads market caps; None
        where it reads none."""
        return caps_reach(self.engine, self.params)

    @property
    def reads_flows(self) -> bool:
        """Whether the engine, with these parameters, asks for investor flow."""
        return reads_flows(self.engine, self.params)


@dataclass(frozen=True, slots=True)
class Piece:
    """The result for some instruments: the universe's facts, and for each task the eligible ones and its features, or
    the exception that it raised. `join_pieces` takes the features out. `read`: the cost of the panel; `task_costs`: of
    each task's features, an indicator that several share counted with the first; `bars`: of the panel."""

    universe: Universe
    eligible: tuple[Bools, ...]
    features: list[Features | Exception]
    read: Cost
    task_costs: tuple[Cost, ...]
    bars: int


def instrument_slices(sessions: int, instruments: int, least: int, tasks: int = 1) -> list[slice]:
    """At least `least` coarse pieces of the instruments, each of `CELLS` cells at most, counted for each task."""
    count = max(least, -(-sessions * instruments * tasks // CELLS), 1)
    bounds = np.linspace(0, instruments, min(count, max(instruments, 1)) + 1).astype(int)
    return [slice(int(low), int(high)) for low, high in itertools.pairwise(bounds)]


def field_reach(tasks: Sequence[EngineTask]) -> dict[str, int]:
    """Field -> sessions before the first requested one, the most of all tasks."""
    needed = {"close": 1, "raw_close": 0, "volume": 0, "amount": 0}
    for task in tasks:
        for name, sessions in task.requirements.inputs.items():
            needed[name] = max(needed.get(name, 0), sessions)
    return needed


def compute_piece(window: PanelReader, tasks: Sequence[EngineTask], instruments: slice, threads: int) -> Piece:
    """Read the panel of `instruments` and compute every task's features over it."""
    cpu_clock = time.thread_time if threads == 1 else time.process_time  # the threads of the reader, or other pieces
    meter = StageMeter(cpu_clock=cpu_clock)
    with span("scan.read"):
        panel = window.read(field_reach(tasks), instruments=instruments, threads=threads)
    universe, measures = _facts(panel), Measures(panel)
    read = meter.cost()
    features: list[Features | Exception] = []
    eligible, costs = [], []
    for task in tasks:
        meter = StageMeter(cpu_clock=cpu_clock)
        try:
            with span("scan.features", engine=task.engine.slug):
                features.append(task.engine.features(measures, task.params))
        except Exception as error:  # one engine's failure must not take the others with it
            features.append(error)
        eligible.append(panel.eligible(segments=task.segments, min_bars=task.requirements.min_bars))
        costs.append(meter.cost())
    bars = int((len(panel.sessions) - panel.first).sum())
    return Piece(universe, tuple(eligible), features, read, tuple(costs), bars)


def _facts(panel: Panel) -> Universe:
    count = len(panel.output_sessions)
    close = panel.tail("close", 1)
    before = np.full((count, len(panel.codes)), np.nan)
    before[count - (len(close) - 1) :] = close[:-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        change = (close[-count:] / before - 1.0) * 100.0
    return Universe(
        sessions=panel.output_sessions,
        codes=panel.codes,
        eligible=np.zeros((0, 0), dtype=bool),
        amount=panel.tail("amount", 0),
        close=panel.tail("raw_close", 0),
        change_pct=change,
        segment=panel.segment,
        segments=panel.segments,
    )


def join_pieces(
    pieces: Sequence[Piece], tasks: Sequence[EngineTask]
) -> Iterator[tuple[Universe, Features | Exception]]:
    """The universe and the features of each task over all instruments, limits applied, one task after the other.

    Takes the features out of `pieces`, so that a caller that releases one task's features before it takes the next
    never has all of them twice. An array that several tasks share is joined once.
    """
    facts = unite_universes([piece.universe for piece in pieces])
    eligible_parts = [[piece.eligible[n] for piece in pieces] for n in range(len(tasks))]
    arrays = FeatureArrays(pieces, len(tasks))
    del pieces  # their universes are copied
    for n, task in enumerate(tasks):
        eligible = limit_eligible(facts, _beside(eligible_parts[n]), task.limits)
        yield replace(facts, eligible=eligible), arrays.features(n)


class FeatureArrays:
    """The features of all tasks, keyed by the identity of their parts: tasks that share an array share the key."""

    def __init__(self, pieces: Sequence[Piece], tasks: int) -> None:
        self._arrays: dict[Parts, SplitArray] = {}
        self._plans = [self._plan([part.features[n] for part in pieces]) for n in range(tasks)]
        self._uses = Counter(key for plan in self._plans for key in _named(plan).values())
        for piece in pieces:
            piece.features.clear()

    def _plan(self, results: Sequence[Features | Exception]) -> dict[str, Parts] | Exception:
        features: list[Features] = []
        for part in results:
            if isinstance(part, Exception):
                return part
            features.append(part)
        plan = {}
        for name in features[0]:
            arrays = [part[name] for part in features]
            plan[name] = tuple(map(id, arrays))
            self._arrays.setdefault(plan[name], SplitArray(arrays))
        return plan

    def features(self, n: int) -> Features | Exception:
        """The features of task n, once, each array joined as it is read; those that no later task shares are
        released with them."""
        plan = self._plans[n]
        if isinstance(plan, Exception):
            return plan
        return SplitFeatures({name: self._take(key) for name, key in plan.items()})

    def _take(self, key: Parts) -> SplitArray:
        self._uses[key] -= 1
        return self._arrays[key] if self._uses[key] else self._arrays.pop(key)


Parts: TypeAlias = tuple[int, ...]


def _named(plan: dict[str, Parts] | Exception) -> dict[str, Parts]:
    return {} if isinstance(plan, Exception) else plan


def unite_universes(parts: Sequence[Universe]) -> Universe:
    """The facts of all instruments."""
    segments = tuple(dict.fromkeys(name for part in parts for name in part.segments))
    return Universe(
        sessions=parts[0].sessions,
        codes=_beside([part.codes for part in parts]),
        eligible=parts[0].eligible,
        amount=_beside([part.amount for part in parts]),
        close=_beside([part.close for part in parts]),
        change_pct=_beside([part.change_pct for part in parts]),
        segment=_beside([_renumbered(part, segments) for part in parts]),
        segments=segments,
    )


def _beside(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)


def _renumbered(universe: Universe, segments: tuple[str, ...]) -> NDArray[np.int8]:
    numbers = np.array([*(segments.index(name) for name in universe.segments), -1], dtype=np.int8)
    return numbers[universe.segment]


def limit_eligible(universe: Universe, eligible: Bools, limits: Mapping[str, int]) -> Bools:
    """`eligible` without those beyond the first N by turnover of a limited segment."""
    for name, count in limits.items():
        if name in universe.segments:
            inside = eligible & (universe.segment == universe.segments.index(name))
            eligible = (eligible & ~inside) | top_per_group(universe.amount, inside, count)
    return eligible
