"""What a run reads: the record, its index and investor flow, and for each version the universe and its features.

Features come from the lake or, where the score cache has them, from there: then neither bars are read nor indicators
computed. Runs of up to `MAX_CACHED_SESSIONS` sessions leave theirs there, a single session is looked for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from django.conf import settings

from marketdata.operations.projection import project
from marketdata.queries import index_series
from marketdata.queries.breaks import get_history_digests
from marketdata.queries.records import get_flow_record
from marketdata.queries.window import check_window, open_window
from marketdata.record import Days, FlowRecord, Record
from scans.engines.base import Features, MarketIndex, Universe
from scans.execution import executors
from scans.execution.shards import EngineTask, PanelReader, join_pieces
from scans.feature_cache import entries, store

MAX_CACHED_SESSIONS = 10
"""Sessions of a run whose features are kept: an evening's, not a backfill's, which would take much room for little."""
CACHE = "cache"
"""The executor of a run that computed no features."""

FeatureResult = tuple[Universe, Features | Exception]


@dataclass(frozen=True, slots=True)
class ScanInputs:
    """`bars`: for each session asked for the digest of all bars up to it; `flows` where a task asks for them; `found`:
    for each task, in order, the universe and its features, or what went wrong with them; to be taken once."""

    asked: Days
    index: index_series.Index
    bars: list[str]
    flows: FlowRecord | None
    found: Iterator[FeatureResult]
    seconds: Mapping[str, float]
    executor: str

    @property
    def levels(self) -> MarketIndex:
        """The index as engines take it."""
        return MarketIndex(self.index.sessions, self.index.m, self.index.range)

    def digests(self, task: EngineTask) -> list[str]:
        """For each session asked for the digest of what `task` may depend on: of the bars up to it, of the index, and
        of the flows where it reads them."""
        return _with_flows(self.index.digests(self.bars), self.asked, task, self.flows)


class ReadOptions(Protocol):
    """How to read; `run.Request` says what each means."""

    @property
    def index(self) -> str | None: ...

    @property
    def mend(self) -> bool: ...

    @property
    def cached(self) -> bool: ...

    @property
    def executor(self) -> str: ...

    @property
    def workers(self) -> int: ...


def read_inputs(held: Record, asked: Days, tasks: Sequence[EngineTask], how: ReadOptions) -> ScanInputs:
    """What `tasks` need for the sessions `asked`. A lake that turns out to be missing, broken or behind is mended once,
    if it may be. LakeError where it is not; DataProblem where a session is missing or the index too short."""
    if not how.mend:
        return _read(held, asked, tasks, how)
    return project.read_with_repair(held, lambda held: _read(held, asked, tasks, how))


def _read(held: Record, asked: Days, tasks: Sequence[EngineTask], how: ReadOptions) -> ScanInputs:
    market = held.market.name
    index = index_series.get_index(held, asked, index_series.get_index_name(market) if how.index is None else how.index)
    flows = None
    if any(task.reads_flows for task in tasks):
        flows = (project.current_flow_record if how.mend else get_flow_record)(market)
    warm_up = max(task.requirements.warm_up for task in tasks)
    bars = get_history_digests(held, asked)
    began = time.perf_counter()
    keys = _keys(held, asked, tasks, bars, flows) if how.cached else {}
    kept: dict[int, entries.Entry] = {}
    if keys and len(asked) == 1:
        check_window(held, asked, warm_up, flows=flows)
        for n, names in keys.items():
            if entry := _scores().read(names[0]):
                kept[n] = entry
    left = [n for n in range(len(tasks)) if n not in kept]
    seconds, executor = {"read": time.perf_counter() - began, "features": 0.0}, CACHE
    computed: Iterator[FeatureResult] = iter(())
    if left:
        todo = [tasks[n] for n in left]
        window: PanelReader = open_window(held, asked, warm_up, flows=flows)
        pieces, executor = executors.compute_pieces(window, todo, executor=how.executor, workers=how.workers)
        seconds = {stage: sum(piece.seconds[stage] for piece in pieces) for stage in seconds}
        computed = join_pieces(pieces, todo)
    found = _found(len(tasks), kept, computed, keys)
    return ScanInputs(asked, index, bars, flows, found, seconds, executor)


def _found(
    tasks: int,
    kept: Mapping[int, entries.Entry],
    computed: Iterator[FeatureResult],
    keys: Mapping[int, list[str]],
) -> Iterator[FeatureResult]:
    for n in range(tasks):
        if n in kept:
            yield kept[n].universe, kept[n].features
        elif n in keys:
            yield _keep(next(computed), keys[n])
        else:
            yield next(computed)  # a backfill's are large: nothing here may hold them longer


def _keep(found: FeatureResult, keys: Sequence[str]) -> FeatureResult:
    universe, features = found
    if not isinstance(features, Exception):
        for name, entry in zip(keys, entries.session_entries(universe, features), strict=False):
            _scores().write(name, entry)
    return found


def _keys(
    held: Record,
    asked: Days,
    tasks: Sequence[EngineTask],
    bars: list[str],
    flows: FlowRecord | None,
) -> dict[int, list[str]]:
    """For each task whose features are kept, by its number, the keys of its entries, one for each session."""
    if not settings.SCORE_CACHE or len(asked) > MAX_CACHED_SESSIONS:
        return {}
    found = {}
    for n, task in enumerate(tasks):
        states = _with_flows(bars, asked, task, flows)
        names = [
            entries.entry_key(task, market=held.market.name, session=day, data=data)
            for day, data in zip(asked, states, strict=True)
        ]
        if all(names):
            found[n] = names
    return found


def _with_flows(digests: list[str], asked: Days, task: EngineTask, flows: FlowRecord | None) -> list[str]:
    return flows.digests_with_bars(asked, digests) if flows and task.reads_flows else digests


def _scores() -> store.FeatureCache:
    return _opened(str(settings.SCORE_CACHE), settings.SCORE_CACHE_BYTES)


@lru_cache(maxsize=4)
def _opened(where: str, most: int) -> store.FeatureCache:
    return store.open_feature_cache(where, most=most)
