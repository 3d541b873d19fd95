"""The contract of an engine: two pure stages, for all requested sessions at once.

1. `features(measures, params)`: per instrument, from bars alone, so it can be sharded by instrument over
   processes or hosts and put together again (`Features` are (K, N) arrays joined along N).
2. `score(universe, features, index, params)`: over the whole market, cheap; gives the `Outcome`.

K is the number of requested sessions, N of instruments. Neither stage depends on a clock, Django or I/O. A daily scan
(K = 1) and a backfill are the same call and give the same answer for a session. A released revision is never
edited: new behaviour is a new revision with its own recorded answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import FLOW_FIELDS, MARKET_CAP, Bools, Floats
from scans.engines.indicators import Measures

Features: TypeAlias = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Universe:
    """The eligible instruments of each session, and the raw facts that a row shows.

    sessions (K,) datetime64[D]; codes (N,) str ascending; eligible (K, N) bool, the version's segments, limits and
    `min_bars` applied; amount (K, N) turnover in currency; close (K, N) raw close; change_pct (K, N) percent,
    adjusted close against the adjusted close before; segment (K, N) int8 into `segments`.
    """

    sessions: NDArray[np.datetime64]
    codes: NDArray[np.str_]
    eligible: Bools
    amount: Floats
    close: Floats
    change_pct: Floats
    segment: NDArray[np.int8]
    segments: tuple[str, ...]

    def on(self, day: int) -> Universe:
        """One session of it, K = 1."""
        row = slice(day, day + 1)
        return replace(
            self,
            sessions=self.sessions[row],
            eligible=self.eligible[row],
            amount=self.amount[row],
            close=self.close[row],
            change_pct=self.change_pct[row],
            segment=self.segment[row],
        )

    def of_columns(self, columns: slice) -> Universe:
        """Some of its instruments."""
        return replace(
            self,
            codes=self.codes[columns],
            eligible=self.eligible[:, columns],
            amount=self.amount[:, columns],
            close=self.close[:, columns],
            change_pct=self.change_pct[:, columns],
            segment=self.segment[:, columns],
        )


@dataclass(frozen=True, slots=True)
class MarketIndex:
    """The market's own index over its whole record: `m` the return and `range` the mean relative range of each
    session, (S,), fractions; NaN where unknown. `sessions` (S,) datetime64[D]; it ends at or after the last
    requested session, and nothing after a session may change that session's regime."""

    sessions: NDArray[np.datetime64]
    m: Floats
    range: Floats

    def rows(self, sessions: NDArray[np.datetime64]) -> NDArray[np.intp]:
        """The rows of `sessions`, (K,); ValueError names a session that is missing."""
        at = np.searchsorted(self.sessions, sessions)
        inside = np.minimum(at, len(self.sessions) - 1)
        missing = self.sessions[inside] != sessions if len(self.sessions) else np.ones(len(sessions), bool)
        if missing.any():
            raise ValueError(f"the market index has no value for {sessions[missing][0]}")
        return at


@dataclass(frozen=True, slots=True)
class Days:
    """Facts of each requested session, all (K,).

    regime name or "", step the fallback step used, short_risk, universe (eligible), scored (had what the engine
    needs), matched (before top_n) counts, reason: why nothing matched, "" where something did; notes: which
    part of the engine was left out (one half closed, for example).
    """

    regime: Sequence[str]
    step: NDArray[np.int8]
    short_risk: NDArray[np.int8]
    universe: NDArray[np.int32]
    scored: NDArray[np.int32]
    matched: NDArray[np.int32]
    reason: Sequence[str]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ranks:
    """Picks as columns, all (P,), ordered by session, then rank.

    day and column are indices into the universe's sessions and codes; rank starts at 1 each session; target and stop
    are raw prices (NaN where the plan has none), `entry` a buy stop where the plan has one, else NaN; holding_min and
    holding_max in sessions, 0 = none. signals: name -> bool, components: name -> float64, both (P,).
    """

    day: NDArray[np.int32]
    column: NDArray[np.int32]
    rank: NDArray[np.int32]
    score: Floats
    label: NDArray[np.str_]
    strategy: NDArray[np.str_]
    entry: Floats
    target: Floats
    stop: Floats
    holding_min: NDArray[np.int16]
    holding_max: NDArray[np.int16]
    signals: Mapping[str, Bools]
    components: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Outcome:
    days: Days
    ranks: Ranks


@dataclass(frozen=True, slots=True)
class Check:
    """One filter, signal, gate or risk of one instrument on one session, as a person reads it; `limits` are the
    thresholds in `rule` that parameters or the day decide."""

    group: str
    name: str
    value: float
    rule: str
    holds: bool
    points: float = 0.0
    limits: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Requirements:
    """The inputs of an engine with certain parameters; see `Engine` for `inputs`, `warm_up` and `min_bars`."""

    inputs: Mapping[str, int]
    warm_up: int
    min_bars: int


class Engine(Protocol):
    """A scanner engine, the type of the registry's entries.

    An engine whose `inputs`, `warm_up` and `min_bars` depend on its parameters also has a method `requirements` (see
    `VariableRequirements`); the function `get_requirements` answers for every engine.

    `inputs` gives for each field the number of sessions before the first requested one that the engine reads; a panel
    may contain no more (`Panel.tail(name, before)` reads them). Only "close" reaches back the whole `warm_up`, so a
    daily run reads little of the lake. `warm_up` is the number of sessions after which a different start of history
    changes no result by more than 1e-6 relative, never below 253, the reach of a suspected corporate action.
    """

    slug: ClassVar[str]
    title: ClassVar[str]
    revision: ClassVar[int]
    inputs: ClassVar[Mapping[str, int]]
    warm_up: ClassVar[int]
    min_bars: ClassVar[int]
    Params: ClassVar[type[Any]]

    def features(self, measures: Measures, params: Any) -> Features: ...

    def score(self, universe: Universe, features: Features, index: MarketIndex, params: Any) -> Outcome: ...

    def explain(
        self, universe: Universe, features: Features, index: MarketIndex, params: Any, *, day: int, column: int
    ) -> list[Check]:
        """Every filter, signal, gate and risk of the instrument in `column` on session `day`, in the engine's order,
        with the thresholds of that session."""
        ...


@runtime_checkable
class VariableRequirements(Protocol):
    """An engine whose requirements depend on its parameters."""

    def requirements(self, params: Any) -> Requirements: ...


@runtime_checkable
class CacheableFeatures(Protocol):
    """An engine whose features can be cached: `feature_params` are the parameters that they depend on, besides the
    requirements that the other parameters result in. The features of other engines are never cached."""

    feature_params: ClassVar[tuple[str, ...]]


@runtime_checkable
class CellwiseEngine(Protocol):
    """An engine that judges each cell (a session of an instrument) by nothing but itself, and ranks the matches of a
    session among themselves: its scores stay the same without cells that do not match."""

    def prefilter(self, universe: Universe, features: Features, index: MarketIndex, params: Sequence[Any]) -> Bools:
        """The cells that can match with any of `params`, (K, N): all that do, and few others."""
        ...


def get_feature_params(engine: Engine) -> tuple[str, ...] | None:
    """The parameters that features depend on; None where the engine does not declare them."""
    return engine.feature_params if isinstance(engine, CacheableFeatures) else None


def get_requirements(engine: Engine, params: Any) -> Requirements:
    """The requirements of `engine` with `params`."""
    if isinstance(engine, VariableRequirements):
        return engine.requirements(params)
    return Requirements(engine.inputs, engine.warm_up, engine.min_bars)


def caps_reach(engine: Engine, params: Any) -> int | None:
    """How many sessions before the first requested one `engine` reads market caps with `params`; None where it reads
    none."""
    return get_requirements(engine, params).inputs.get(MARKET_CAP)


def reads_flows(engine: Engine, params: Any) -> bool:
    """Whether `engine` reads investor flow with `params`."""
    return not get_requirements(engine, params).inputs.keys().isdisjoint(FLOW_FIELDS)
