"""From a window of bars to what the engines score: read and computed in pieces, by instrument.

1. `slices` cuts the window's instruments into coarse pieces that bound memory.
2. `piece` reads one panel and computes the features of every engine over it, sharing indicators.
3. `join` puts the pieces together again into one universe and one set of features for each engine.

Where the pieces are worked on (here, in threads, in processes) is `executors`' business and changes no result.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Panel
from scans.engines.base import Engine, Features, Needs, Universe, needs
from scans.engines.measures import Measures
from scans.kernels.ranks import top_per_group

CELLS = 4_000_000
"""Sessions x instruments of a piece at most: 32 MB a field."""


class Readable(Protocol):
    """A window that panels can be read from; `marketdata.queries.window` gives one."""

    @property
    def sessions(self) -> NDArray[np.datetime64]: ...

    @property
    def start(self) -> int: ...

    @property
    def survey(self) -> Any: ...

    def read(
        self, reach: Mapping[str, int], *, instruments: slice = ..., threads: int = ...
    ) -> Panel: ...


@dataclass(frozen=True, slots=True)
class Task:
    """One engine with its parameters over the segments of its version; of each session's ranks the best `top` are kept
    (None: all that the engine gives)."""

    engine: Engine
    params: Any
    segments: tuple[str, ...]
    limits: Mapping[str, int]
    top: int | None = None

    @property
    def needs(self) -> Needs:
        return needs(self.engine, self.params)


@dataclass(frozen=True, slots=True)
class Piece:
    """What came of some instruments: the universe's facts, and for each task who is eligible and its features, or the
    exception that it raised."""

    universe: Universe
    eligible: tuple[Bools, ...]
    features: tuple[Features | Exception, ...]
    seconds: Mapping[str, float]


def slices(sessions: int, instruments: int, least: int) -> list[slice]:
    """At least `least` coarse pieces of the instruments, each of `CELLS` cells at most."""
    count = max(least, -(-sessions * instruments // CELLS), 1)
    bounds = np.linspace(0, instruments, min(count, max(instruments, 1)) + 1).astype(int)
    return [slice(int(low), int(high)) for low, high in itertools.pairwise(bounds)]


def reach(tasks: Sequence[Task]) -> dict[str, int]:
    """How far back each field is needed by any of the tasks, in sessions before the first asked for."""
    needed = {"close": 1, "raw_close": 0, "volume": 0, "amount": 0}
    for task in tasks:
        for name, sessions in task.needs.inputs.items():
            needed[name] = max(needed.get(name, 0), sessions)
    return needed


def piece(window: Readable, tasks: Sequence[Task], instruments: slice, threads: int) -> Piece:
    """Read the panel of `instruments` and compute every task's features over it."""
    began = time.perf_counter()
    panel = window.read(reach(tasks), instruments=instruments, threads=threads)
    read = time.perf_counter()
    measures = Measures(panel)
    features: list[Features | Exception] = []
    for task in tasks:
        try:
            features.append(task.engine.features(measures, task.params))
        except Exception as error:  # one engine's failure must not take the others with it
            features.append(error)
    eligible = tuple(
        panel.eligible(segments=task.segments, min_bars=task.needs.min_bars) for task in tasks
    )
    universe = _facts(panel)
    done = time.perf_counter()
    return Piece(
        universe, eligible, tuple(features), {"read": read - began, "features": done - read}
    )


def _facts(panel: Panel) -> Universe:
    asked = len(panel.asked)
    close = panel.tail("close", 1)
    before = np.full((asked, len(panel.codes)), np.nan)
    before[asked - (len(close) - 1) :] = close[:-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        change = (close[-asked:] / before - 1.0) * 100.0
    return Universe(
        sessions=panel.asked,
        codes=panel.codes,
        eligible=np.zeros((0, 0), dtype=bool),
        amount=panel.tail("amount", 0),
        close=panel.tail("raw_close", 0),
        change_pct=change,
        segment=panel.segment,
        segments=panel.segments,
    )


def join(
    pieces: Sequence[Piece], tasks: Sequence[Task]
) -> list[tuple[Universe, Features | Exception]]:
    """The universe and the features of each task over all instruments, limits applied."""
    segments = tuple(dict.fromkeys(name for one in pieces for name in one.universe.segments))
    facts = Universe(
        sessions=pieces[0].universe.sessions,
        codes=_beside([one.universe.codes for one in pieces]),
        eligible=pieces[0].universe.eligible,
        amount=_beside([one.universe.amount for one in pieces]),
        close=_beside([one.universe.close for one in pieces]),
        change_pct=_beside([one.universe.change_pct for one in pieces]),
        segment=_beside([_renumbered(one.universe, segments) for one in pieces]),
        segments=segments,
    )
    joined: list[tuple[Universe, Features | Exception]] = []
    for n, task in enumerate(tasks):
        eligible = _limited(facts, _beside([one.eligible[n] for one in pieces]), task.limits)
        joined.append(
            (replace(facts, eligible=eligible), _features([one.features[n] for one in pieces]))
        )
    return joined


def _features(parts: Sequence[Features | Exception]) -> Features | Exception:
    arrays: list[Features] = []
    for part in parts:
        if isinstance(part, Exception):
            return part
        arrays.append(part)
    return {name: _beside([part[name] for part in arrays]) for name in arrays[0]}


def _beside(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)


def _renumbered(universe: Universe, segments: tuple[str, ...]) -> NDArray[np.int8]:
    numbers = np.array([*(segments.index(name) for name in universe.segments), -1], dtype=np.int8)
    return numbers[universe.segment]


def _limited(universe: Universe, eligible: Bools, limits: Mapping[str, int]) -> Bools:
    """`eligible` without those beyond the first N by turnover of a limited segment."""
    for name, count in limits.items():
        if name in universe.segments:
            inside = eligible & (universe.segment == universe.segments.index(name))
            eligible = (eligible & ~inside) | top_per_group(universe.amount, inside, count)
    return eligible
