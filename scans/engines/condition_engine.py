"""The common skeleton of engines: one evaluation of the conditions, from which scores, ranks and explanations follow.

An engine implements `features` and `evaluate`; `ConditionEngine` derives the rest of the contract (`base.Engine`):

1. `score` turns the `Evaluation` of all sessions into an `Outcome`; of many sessions only the cells that can match are
   evaluated, where the engine names them (`candidates`).
2. `explain` evaluates one session and lists the checks of one instrument, so it cannot disagree with `score`.
3. `funnel` evaluates one session and counts what each condition leaves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.engines import funnel, outcomes, regimes
from scans.engines.base import Check, Days, Features, MarketIndex, Outcome, Ranks, Universe
from scans.engines.candidate_cells import CandidateCells, join_ranks
from scans.engines.conditions import all_defined
from scans.engines.outcomes import Levels
from scans.engines.ranking import Picks
from scans.engines.regimes import Codes
from scans.engines.split_features import column_parts
from scans.kernels.ranks import percentile

MANY_CELLS = 200_000
"""Cells of a universe from which only candidates are evaluated: with fewer, to find them takes as long."""
MOST_CANDIDATES = 0.5
"""The largest share of candidates for which they are packed: cells of a sweep are packed already."""


class Checkable(Protocol):
    """A condition or a part of a score."""

    def check(self, day: int, column: int) -> Check: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One evaluation of an engine's conditions over a universe of K sessions and N instruments.

    scored (K, N): eligible and every measure defined; matched (K,): matches before any limit of the number of picks;
    checks: what an explanation lists, in its order; rank_rule: which picks are ranked, "" where an explanation has no
    rank. Of the P picks: label, strategy and levels (P,), signals and components (K, N). step and notes as in
    `base.Days`.
    """

    scored: Bools
    matched: NDArray[np.integer[Any]]
    checks: Sequence[Checkable]
    picks: Picks
    rank_rule: str
    label: NDArray[np.str_]
    strategy: NDArray[np.str_]
    levels: Levels
    signals: Mapping[str, NDArray[Any]]
    components: Mapping[str, NDArray[Any]]
    step: NDArray[np.int8] | None = None
    notes: Sequence[str] | None = None


class MarketState:
    """Regime and short-term risk of K sessions, (K,) each, computed on first use; `kind` is the kind of the regime.
    `percentiles`: of the features that an engine compares among the eligible, (K, N) each."""

    def __init__(
        self,
        index: MarketIndex,
        sessions: NDArray[np.datetime64],
        kind: str,
        percentiles: Mapping[str, Floats] | None = None,
    ) -> None:
        self.index = index
        self.percentiles = percentiles or {}
        self._sessions = sessions
        self._kind = kind

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """The rows of the index series; ValueError where it lacks a session."""
        return self.index.rows(self._sessions)

    @cached_property
    def regime(self) -> Codes:
        compute = regimes.regime_daily if self._kind == regimes.DAILY else regimes.regime_trend
        return compute(self.index)[self.rows]

    @cached_property
    def short_risk(self) -> Codes:
        return regimes.short_risk(self.index)[self.rows]


class ConditionEngine(ABC):
    """`score`, `explain` and `funnel` of an engine that implements `evaluate`. `closed_regimes` are the regimes on
    which it has no picks, `branches` the groups of conditions of which one is enough, `compared` the features whose
    percentiles among the eligible `evaluate` reads."""

    branches: ClassVar[tuple[str, ...]] = ()
    regime_kind: ClassVar[str] = regimes.TREND
    closed_regimes: ClassVar[tuple[int, ...]] = ()
    compared: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def evaluate(self, universe: Universe, features: Features, market: MarketState, params: Any) -> Evaluation:
        """The conditions over every session of `universe`; each session depends on nothing but itself."""

    def candidates(self, universe: Universe, features: Features, params: Any) -> Bools | None:
        """The cells that can match, by the features alone, (K, N): all that do, and few others. None where the engine
        evaluates every cell. Called with some of the instruments at a time."""
        return None

    def scored(self, universe: Universe, features: Features, params: Any) -> Bools:
        """The eligible cells with every measure that a score needs, (K, N)."""
        return universe.eligible & all_defined(features)

    def score(self, universe: Universe, features: Features, index: MarketIndex, params: Any) -> Outcome:
        """See `base.Engine`."""
        percentiles = self._percentiles(universe, features)
        market = MarketState(index, universe.sessions, self.regime_kind, percentiles)
        cells = self._candidates(universe, features, market, params)
        if cells is None:
            evaluation = self.evaluate(universe, features, market, params)
            return Outcome(self._days(universe, market, evaluation.scored, [evaluation]), _ranks(evaluation))
        scored, can_match = cells
        evaluations, ranks = [], []
        for block in CandidateCells(universe, features, percentiles, can_match).blocks():
            part = MarketState(index, block.universe.sessions, self.regime_kind, block.percentiles)
            evaluation = self.evaluate(block.universe, block.features, part, params)
            ranks.append(block.ranks(_ranks(evaluation)))
            evaluations.append(replace(evaluation, checks=(), signals={}, components={}))
        return Outcome(self._days(universe, market, scored, evaluations), join_ranks(ranks))

    def _percentiles(self, universe: Universe, features: Features) -> dict[str, Floats]:
        return {name: percentile(features[name], universe.eligible) for name in self.compared}

    def _candidates(
        self, universe: Universe, features: Features, market: MarketState, params: Any
    ) -> tuple[Bools, Bools] | None:
        """The scored cells and those of them that can match, (K, N) each; None where every cell is evaluated."""
        if universe.eligible.size < MANY_CELLS:
            return None
        open_ = ~np.isin(market.regime, self.closed_regimes)[:, None]
        scored, can_match = np.empty((2, *universe.eligible.shape), dtype=np.bool_)
        for columns, values in column_parts(features):
            part = universe.of_columns(columns)
            chosen = self.candidates(part, values, params)
            if chosen is None:
                return None
            scored[:, columns] = self.scored(part, values, params)
            can_match[:, columns] = scored[:, columns] & chosen & open_
        return (scored, can_match) if can_match.mean() <= MOST_CANDIDATES else None

    def _days(self, universe: Universe, market: MarketState, scored: Bools, evaluations: Sequence[Evaluation]) -> Days:
        """The facts of each session, from `evaluations` of sessions that follow each other."""
        steps = [evaluation.step for evaluation in evaluations if evaluation.step is not None]
        notes = [evaluation.notes for evaluation in evaluations if evaluation.notes is not None]
        return outcomes.days(
            universe,
            scored=scored,
            matched=np.concatenate([evaluation.matched for evaluation in evaluations]),
            regime=[regimes.NAMES[code] for code in market.regime],
            closed=np.isin(market.regime, self.closed_regimes),
            short_risk=market.short_risk,
            step=np.concatenate(steps) if steps else None,
            notes=[note for part in notes for note in part] if notes else None,
        )

    def explain(
        self, universe: Universe, features: Features, index: MarketIndex, params: Any, *, day: int, column: int
    ) -> list[Check]:
        """See `base.Engine`; the last check is the instrument's rank."""
        evaluation = self._evaluate_session(universe, features, index, params, day)
        checks = [condition.check(0, column) for condition in evaluation.checks]
        if evaluation.rank_rule:
            checks.append(evaluation.picks.check(column, evaluation.rank_rule))
        return checks

    def funnel(
        self, universe: Universe, features: Features, index: MarketIndex, params: Any, *, day: int
    ) -> list[funnel.Branch]:
        """How many instruments each condition leaves on session `day`, and which came nearest; see `funnel`."""
        evaluation = self._evaluate_session(universe, features, index, params, day)
        return funnel.branches(evaluation.checks, self.branches, universe.codes.tolist())

    def _evaluate_session(
        self, universe: Universe, features: Features, index: MarketIndex, params: Any, day: int
    ) -> Evaluation:
        session = universe.on(day)
        session_features = {name: values[day : day + 1] for name, values in features.items()}
        percentiles = self._percentiles(session, session_features)
        market = MarketState(index, session.sessions, self.regime_kind, percentiles)
        return self.evaluate(session, session_features, market, params)


def _ranks(evaluation: Evaluation) -> Ranks:
    return outcomes.ranks(
        evaluation.picks,
        label=evaluation.label,
        strategy=evaluation.strategy,
        levels=evaluation.levels,
        signals=evaluation.signals,
        components=evaluation.components,
    )
