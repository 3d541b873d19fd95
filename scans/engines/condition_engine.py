"""The common skeleton of engines: one evaluation of the conditions, from which scores, ranks and explanations follow.

An engine implements `features` and `evaluate`; `ConditionEngine` derives the rest of the contract (`base.Engine`):

1. `score` turns the `Evaluation` of all sessions into an `Outcome`.
2. `explain` evaluates one session and lists the checks of one instrument, so it cannot disagree with `score`.
3. `funnel` evaluates one session and counts what each condition leaves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools
from scans.engines import funnel, outcomes, regimes
from scans.engines.base import Check, Features, MarketIndex, Outcome, Universe
from scans.engines.outcomes import Levels
from scans.engines.ranking import Picks
from scans.engines.regimes import Codes


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
    """Regime and short-term risk of K sessions, (K,) each, computed on first use; `kind` is the kind of the regime."""

    def __init__(self, index: MarketIndex, sessions: NDArray[np.datetime64], kind: str) -> None:
        self.index = index
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
    which it has no picks, `branches` the groups of conditions of which one is enough."""

    branches: ClassVar[tuple[str, ...]] = ()
    regime_kind: ClassVar[str] = regimes.TREND
    closed_regimes: ClassVar[tuple[int, ...]] = ()

    @abstractmethod
    def evaluate(self, universe: Universe, features: Features, market: MarketState, params: Any) -> Evaluation:
        """The conditions over every session of `universe`; each session depends on nothing but itself."""

    def score(self, universe: Universe, features: Features, index: MarketIndex, params: Any) -> Outcome:
        """See `base.Engine`."""
        market = MarketState(index, universe.sessions, self.regime_kind)
        evaluation = self.evaluate(universe, features, market, params)
        days = outcomes.days(
            universe,
            scored=evaluation.scored,
            matched=evaluation.matched,
            regime=[regimes.NAMES[code] for code in market.regime],
            closed=np.isin(market.regime, self.closed_regimes),
            short_risk=market.short_risk,
            step=evaluation.step,
            notes=evaluation.notes,
        )
        ranks = outcomes.ranks(
            evaluation.picks,
            label=evaluation.label,
            strategy=evaluation.strategy,
            levels=evaluation.levels,
            signals=evaluation.signals,
            components=evaluation.components,
        )
        return Outcome(days, ranks)

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
        return self.evaluate(session, session_features, MarketState(index, session.sessions, self.regime_kind), params)
