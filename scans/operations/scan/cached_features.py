"""Features in the score cache, and what of them a correction leaves: what is read of the entries of a run's tasks, what
is still to be computed, and what is stored afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketdata.queries.breaks import get_history_digests
from marketdata.queries.instrument_digests import InstrumentDigests
from marketdata.record import Record
from scans.engines.base import Features, Universe
from scans.execution.shards import EngineTask, limit_eligible
from scans.feature_cache import entries
from scans.feature_cache.origins import Origins
from scans.operations.scan.score_cache import get_score_cache

FeatureResult: TypeAlias = tuple[Universe, Features | Exception]


class Key(NamedTuple):
    """The name of an entry of the score cache, and the digest of the data that it must be of."""

    name: str
    data: str


class CachedFeatures:
    """The features of `tasks` in the score cache: `keys` is the number of each task whose features are cached -> the
    keys of its entries, one for each session. `is_refreshing`: only the instruments that changed are computed."""

    def __init__(self, record: Record, tasks: Sequence[EngineTask], keys: Mapping[int, Sequence[Key]]) -> None:
        self._record, self._tasks, self._keys = record, tasks, keys
        self._entries: dict[int, entries.Entry] = {}
        self._stale: dict[int, entries.Entry] = {}
        self._origins: Origins | None = None
        self.is_refreshing = False

    def read(self) -> None:
        """Read the entries of a single session."""
        for n, (key,) in self._keys.items():
            if entry := get_score_cache().read(key.name):
                (self._entries if entry.data == key.data else self._stale)[n] = entry

    @property
    def left(self) -> list[int]:
        """The numbers of the tasks whose features are to be computed."""
        return [n for n in range(len(self._tasks)) if n not in self._entries]

    def choose(self, instruments: InstrumentDigests) -> NDArray[np.str_] | None:
        """The codes of the window's `instruments` to compute; None: all."""
        if self._record.forming is not None:  # its bars have no digests
            return None
        (before,) = get_history_digests(self._record, instruments.sessions[:1])
        self._origins = Origins.of(instruments, before)
        if self._stale.keys() != set(self.left):
            return None
        codes = self._origins.choose(list(self._stale.values()))
        self.is_refreshing = codes is not None
        return codes

    def results(self, computed: Iterator[FeatureResult]) -> Iterator[FeatureResult]:
        """The universe, limits applied, and the features of each task, in order; `computed` are those of `left`,
        without limits. What was computed is stored."""
        for n, task in enumerate(self._tasks):
            if entry := self._entries.get(n):
                yield _limited(entry.universe, task), entry.features
            elif n in self._keys:
                universe, features = self._stored(n, *next(computed))
                yield _limited(universe, task), features
            else:
                yield _with_limits(next(computed), task)  # a backfill's are large: no reference may remain here

    def _stored(self, n: int, universe: Universe, features: Features | Exception) -> FeatureResult:
        if isinstance(features, Exception):
            return universe, features
        if self.is_refreshing and self._origins:
            universe, features = self._origins.refreshed(self._stale[n], universe, features)
        origins = None if self._tasks[n].reads_flows or self._tasks[n].caps_reach is not None else self._origins
        for key, entry in zip(self._keys[n], entries.session_entries(universe, features), strict=False):
            get_score_cache().write(
                key.name, origins.marked(entry, key.data) if origins else replace(entry, data=key.data)
            )
        return universe, features


def _with_limits(result: FeatureResult, task: EngineTask) -> FeatureResult:
    return _limited(result[0], task), result[1]


def _limited(universe: Universe, task: EngineTask) -> Universe:
    return replace(universe, eligible=limit_eligible(universe, universe.eligible, task.limits))
