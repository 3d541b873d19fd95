"""formula: a screen written by the user (docs/formula.md).

1. `features`: everything of the formula that depends on an instrument's own bars alone.
2. `score`: percentiles and regimes, the match and the score.

An instrument is picked where it is eligible, every value that the formula compares is defined (`defined`; so `not`
never turns a missing value into a match), the match holds and the score is defined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from marketdata.number_format import format_number
from marketdata.panel import MARKET_CAP, Bools, Floats
from scans.engines import outcomes, regimes
from scans.engines.base import Check, Features, Requirements, Universe
from scans.engines.condition_engine import Checkable, ConditionEngine, Evaluation, MarketState
from scans.engines.conditions import universe_conditions
from scans.engines.engine_params import param
from scans.engines.formula import program
from scans.engines.formula.evaluation import FLOW, MarketValues, compute_features
from scans.engines.formula.nodes import Kind, Node
from scans.engines.formula.program import Condition, Program
from scans.engines.indicators import Measures
from scans.engines.outcomes import levels
from scans.engines.ranking import order_picks


@dataclass(frozen=True)
class Params:
    """The formula and the plan of its picks. Raises FormulaError where the formula is wrong."""

    match: str = param(
        "close > ema(close, 60) and rsi(14) < 40 and turnover(20) > 1e9", help="The condition an instrument must fulfil"
    )
    score: str = param("100 - rsi(14)", help="The number that ranks the picks, highest first")
    define: str = param("", help="Names for parts of match and score: name = expression, one a line; ranks show them")
    min_bars: int = param(60, least=2, most=3000, unit="sessions", help="Least number of sessions since the first bar")
    top_n: int = param(50, least=1, most=10_000, unit="instruments", help="How many picks are kept")
    target: float = param(
        0.0, least=0, most=10, unit="fraction of the close", help="Target above the close, 0 for none"
    )
    stop: float = param(0.0, least=0, most=0.99, unit="fraction of the close", help="Stop below the close, 0 for none")
    holding: int = param(0, least=0, most=250, unit="sessions", help="Longest holding, 0 for no limit")

    def __post_init__(self) -> None:
        self.program  # noqa: B018 - a wrong formula is an error here, not in the run

    @property
    def program(self) -> Program:
        """The compiled formula, cached for equal texts."""
        return program.compile_program(self.define, self.match, self.score)

    @property
    def plan(self) -> outcomes.Plan:
        return outcomes.Plan(target=self.target or np.nan, stop=-self.stop or np.nan, holding_max=self.holding)


DEFAULT = Params()


class Engine(ConditionEngine):
    """The engine formula. The class attributes are those of the default formula; `requirements` answers for any."""

    slug: ClassVar[str] = "formula"
    title: ClassVar[str] = "Formula"
    revision: ClassVar[int] = 1
    inputs: ClassVar[Mapping[str, int]] = DEFAULT.program.inputs
    warm_up: ClassVar[int] = DEFAULT.program.warm_up
    regime_kind: ClassVar[str] = regimes.TREND
    min_bars: ClassVar[int] = DEFAULT.min_bars
    Params: ClassVar[type[Any]] = Params
    feature_params: ClassVar[tuple[str, ...]] = ("define", "match", "score")

    def requirements(self, params: Any) -> Requirements:
        """See `base.requirements`."""
        return Requirements(params.program.inputs, params.program.warm_up, params.min_bars)

    def features(self, measures: Measures, params: Any) -> Features:
        """The formula's values by their keys, (K, N); see `evaluation.compute_features`."""
        return compute_features(params.program, measures)

    def evaluate(self, universe: Universe, features: Features, market: MarketState, params: Any) -> Evaluation:
        """See `ConditionEngine`. Filters are the parts of the match that must all hold, each before its own comparisons
        where it has several. Signals are the conditions that the formula defines, components its numbers; without
        definitions, components are the compared values. Where the formula reads market caps, they are a component too,
        and the notes say how many of the eligible have one, or investor flow."""
        formula = params.program
        values = MarketValues(formula, universe, features, market.index)
        caps = {name: features[name] for name in (MARKET_CAP,) if name in formula.inputs}
        scored = universe.eligible & values.defined()
        score = values.wide(formula.score).astype(np.float64)
        matched = scored & values.wide(formula.match) & np.isfinite(score)
        picks = order_picks(universe, matched, score).best(params.top_n)
        return Evaluation(
            scored=scored,
            matched=matched.sum(axis=1),
            checks=[*universe_conditions(universe, scored), *_checks(formula, values, score)],
            picks=picks,
            rank_rule="",
            label=np.full(len(picks), "match"),
            strategy=np.full(len(picks), "formula"),
            levels=levels([params.plan], np.zeros(len(picks), dtype=np.intp), picks.of(universe.close)),
            signals={name: values.wide(node) for name, node in formula.signals.items()},
            components={**caps, **{name: values.wide(node) for name, node in formula.components.items()}},
            notes=_coverage_notes(universe, features, formula),
        )


def _coverage_notes(universe: Universe, features: Features, formula: Program) -> list[str] | None:
    """For each session how many of the eligible have a market cap and investor flow, where the formula reads them."""
    recorded = {}
    if MARKET_CAP in formula.inputs:
        recorded["a market cap"] = np.isfinite(features[MARKET_CAP])
    if FLOW in features:
        recorded["investor flow"] = features[FLOW]
    if not recorded:
        return None
    counts = universe.eligible.sum(axis=1).tolist()
    rows = {what: (universe.eligible & cells).sum(axis=1).tolist() for what, cells in recorded.items()}
    return [
        "; ".join(f"{own[day]:,} of {count:,} eligible have {what}" for what, own in rows.items())
        for day, count in enumerate(counts)
    ]


def _checks(formula: Program, values: MarketValues, score: Floats) -> Iterator[Checkable]:
    """Filters with their comparisons, signals, and the score."""
    for condition in formula.conditions:
        yield FormulaCheck(values, condition, "filter")
        for part in condition.parts:
            yield FormulaCheck(values, part, "comparison")
    for name, node in formula.signals.items():
        text = formula.texts.get(node, name)
        yield FormulaCheck(values, Condition(node, text, name, None), "signal")
    yield ScoreCheck(score, formula.score_text)


@dataclass(frozen=True, slots=True)
class FormulaCheck:
    """A condition of the formula with its computed values."""

    values: MarketValues
    condition: Condition
    group: str

    @property
    def name(self) -> str:
        return self.condition.name

    @property
    def text(self) -> str:
        return self.condition.text

    @property
    def holds(self) -> Bools:
        return self.values.wide(self.condition.node)

    def check(self, day: int, column: int) -> Check:
        """The condition on session `day` for instrument `column`; the rule shows the value of its right side."""
        condition = self.condition
        holds = bool(self.values.wide(condition.node)[day, column])
        if condition.sides is None:
            return Check(self.group, condition.name, float(holds), condition.text, holds)

        def value_of(node: Node) -> float:
            return float(self.values.wide(node)[day, column])

        left, right = condition.sides
        value, rule = value_of(left), condition.text
        if left.constant:
            value = value_of(right)
        elif not right.constant and right.kind is Kind.NUMBER:
            text = self.values.program.texts.get(right, right.key)
            rule += f" [{text} = {format_number(value_of(right))}]"
        elif left.kind is Kind.REGIME:
            rule += f" [{regimes.NAMES[int(value)]}]"
        return Check(self.group, condition.name, value, rule, holds)


@dataclass(frozen=True, slots=True)
class ScoreCheck:
    """Whether the score is defined; `formula` is its expression."""

    score: Floats
    formula: str
    group: str = "gate"
    name: str = "score"

    @property
    def text(self) -> str:
        return f"defined: {self.formula}"

    @property
    def holds(self) -> Bools:
        return np.isfinite(self.score)

    def check(self, day: int, column: int) -> Check:
        score = float(self.score[day, column])
        return Check(self.group, self.name, score, self.text, bool(np.isfinite(score)))
