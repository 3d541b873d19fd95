"""The inputs of a run: the record, its index and investor flow, and for each version the universe and its features.

Features are computed from the lake or read from the score cache, in which case no bars are read. Runs of up to
`MAX_CACHED_SESSIONS` sessions are stored there; a single session is read from there. Where its data changed since, only
the instruments whose bars did are computed (`feature_cache.origins`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from django.conf import settings

from marketdata.operations.projection import current_lake
from marketdata.queries import index_series
from marketdata.queries.breaks import get_history_digests
from marketdata.queries.records import get_flow_record
from marketdata.queries.window import check_window
from marketdata.record import Days, FlowRecord, Record
from scans.engines.base import MarketIndex
from scans.execution import executors
from scans.execution.cost import Cost, StageMeter
from scans.execution.dask_cluster import Cluster
from scans.execution.shards import EngineTask, Piece, join_pieces
from scans.feature_cache import entries
from scans.operations.scan.cached_features import CachedFeatures, FeatureResult, Key
from scans.operations.scan.shard_group import GROUP, ShardInputs, can_group, compute_in_group

MAX_CACHED_SESSIONS = 10
"""Most sessions of a run whose features are cached: an evening, not a backfill, which would need much space."""
CACHE = "cache"
"""The executor of a run that computed no features."""


@dataclass(frozen=True, slots=True)
class TaskCost:
    """The cost of the features of a task: reading, which all tasks share, and its own. `bars`: how many were read;
    `memory`: peak bytes of child processes."""

    read: Cost
    features: Cost = field(default_factory=Cost)
    bars: int = 0
    executor: str = CACHE
    memory: int = 0


@dataclass(frozen=True, slots=True)
class ScanInputs:
    """The inputs of a run from `record`. `bars`: the digest of all bars up to each requested session. `flows`: read if
    a task needs them. `results`: for each task, in order, the universe and its features, or the exception; an
    iterator. `costs`: of each task's features."""

    record: Record
    days: Days
    index: index_series.Index
    bars: list[str]
    flows: FlowRecord | None
    results: Iterator[FeatureResult]
    costs: list[TaskCost]

    @property
    def levels(self) -> MarketIndex:
        """The index as engines take it."""
        return MarketIndex(self.index.sessions, self.index.m, self.index.range)

    def digests(self, task: EngineTask) -> list[str]:
        """The digest of the data that `task` depends on, for each session: of the bars up to it, of the index, and of
        the market caps and the flows if the task reads them."""
        return _with_others(self.record, self.index.digests(self.bars), self.days, task, self.flows)


class ReadOptions(Protocol):
    """Options of reading; `request.RunRequest` documents each."""

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


def read_inputs(record: Record, days: Days, tasks: Sequence[EngineTask], how: ReadOptions) -> ScanInputs:
    """The inputs of `tasks` for the sessions `days`. A lake that is missing, damaged or behind is repaired once, if
    `how.mend`. Raises LakeError if it is not, DataProblem if a session is missing or the index is too short."""
    if not how.mend:
        return _read(record, days, tasks, how)
    return current_lake.read_with_repair(record, lambda record: _read(record, days, tasks, how))


def _read(record: Record, days: Days, tasks: Sequence[EngineTask], how: ReadOptions) -> ScanInputs:
    market = record.market.name
    index = index_series.get_index(
        record, days, index_series.get_index_name(market) if how.index is None else how.index
    )
    flows = None
    if any(task.reads_flows for task in tasks):
        flows = (current_lake.current_flow_record if how.mend else get_flow_record)(market)
    warm_up = max(task.requirements.warm_up for task in tasks)
    bars = get_history_digests(record, days)
    meter = StageMeter()
    keys = _keys(record, days, tasks, bars, flows) if how.cached else {}
    kept = CachedFeatures(record, tasks, keys)
    if is_one := bool(keys) and len(days) == 1:
        check_window(record, days, warm_up, flows=flows)
        kept.read()
    costs = [TaskCost(meter.cost())] * len(tasks)
    computed: Iterator[FeatureResult] = iter(())
    if kept.left:
        todo = [replace(tasks[n], limits={}) for n in kept.left]
        needs = ShardInputs(record, days, todo, flows, bars)
        pieces, spent = _compute_pieces(needs, how, kept if is_one else None)
        for n, features in zip(kept.left, spent.tasks, strict=True):
            costs[n] = TaskCost(spent.read, features, spent.bars, spent.executor, spent.memory)
        computed = join_pieces(pieces, todo)
    return ScanInputs(record, days, index, bars, flows, kept.results(computed), costs)


def _compute_pieces(
    needs: ShardInputs, how: ReadOptions, kept: CachedFeatures | None
) -> tuple[list[Piece], executors.PieceCosts]:
    """The pieces of all instruments, or of those that `kept` lacks."""
    window = needs.window(kept.choose if kept else None)
    if how.executor == GROUP and not (kept and kept.is_refreshing) and can_group(needs):
        return compute_in_group(needs, window, how.workers)
    cluster = Cluster(settings.DASK_SCHEDULER, entries.code_digest)
    return executors.compute_pieces(window, needs.tasks, executor=how.executor, workers=how.workers, cluster=cluster)


def _keys(
    record: Record, days: Days, tasks: Sequence[EngineTask], bars: list[str], flows: FlowRecord | None
) -> dict[int, list[Key]]:
    """Number of each task whose features are cached -> the keys of its entries, one for each session."""
    if not settings.SCORE_CACHE or len(days) > MAX_CACHED_SESSIONS:
        return {}
    keys = {}
    for n, task in enumerate(tasks):
        names = [entries.entry_key(task, market=record.market.name, session=day) for day in days]
        if all(names):
            keys[n] = [Key(*key) for key in zip(names, _with_others(record, bars, days, task, flows), strict=True)]
    return keys


def _with_others(
    record: Record, digests: list[str], days: Days, task: EngineTask, flows: FlowRecord | None
) -> list[str]:
    """The digests of bars with those of the market caps and of the flows, where the task reads them."""
    if task.caps_reach is not None:
        digests = record.digests_with_caps(days, digests)
    return flows.digests_with_bars(days, digests) if flows and task.reads_flows else digests
