"""formula: a screen written by the user (docs/formula.md).

1. `features`: everything of the formula that an instrument's own bars decide.
2. `score`: percentiles and regimes, the match and the score.

An instrument is picked where it is eligible, every value that the formula compares is defined (`defined`; so `not`
never turns a missing value into a match), the match holds and the score is defined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from marketdata.number_format import format_number
from marketdata.panel import Bools, Floats
from scans.engines import conditions, outcomes, regimes
from scans.engines.base import Check, Features, MarketIndex, Outcome, Requirements, Universe
from scans.engines.engine_params import param
from scans.engines.formula import program
from scans.engines.formula.evaluate import Judging, measured
from scans.engines.formula.nodes import Kind, Node
from scans.engines.formula.program import Condition, Program
from scans.engines.indicators import Measures
from scans.engines.ranking import order_picks


@dataclass(frozen=True)
class Params:
    """The formula and what to do with its picks. Making one raises FormulaError where the formula is wrong."""

    match: str = param(
        "close > ema(close, 60) and rsi(14) < 40 and turnover(20) > 1e9",
        help="The condition an instrument must fulfil",
    )
    score: str = param("100 - rsi(14)", help="The number that ranks the picks, highest first")
    define: str = param(
        "",
        help="Names for parts of match and score: name = expression, one a line; ranks show them",
    )
    min_bars: int = param(60, least=2, most=3000, unit="sessions", help="Least number of sessions since the first bar")
    top_n: int = param(50, least=1, most=10_000, unit="instruments", help="How many picks are kept")
    target: float = param(
        0.0,
        least=0,
        most=10,
        unit="fraction of the close",
        help="Target above the close, 0 for none",
    )
    stop: float = param(
        0.0,
        least=0,
        most=0.99,
        unit="fraction of the close",
        help="Stop below the close, 0 for none",
    )
    holding: int = param(0, least=0, most=250, unit="sessions", help="Longest holding, 0 for no limit")

    def __post_init__(self) -> None:
        self.program  # noqa: B018 - a wrong formula is an error here, not in the run

    @property
    def program(self) -> Program:
        """The formula, compiled once for equal texts."""
        return program.compiled(self.define, self.match, self.score)

    @property
    def plan(self) -> outcomes.Plan:
        return outcomes.Plan(
            target=self.target or np.nan,
            stop=-self.stop or np.nan,
            holding_max=self.holding,
        )


DEFAULT = Params()


@dataclass(frozen=True, slots=True)
class Evaluation:
    scored: Bools
    score: Floats
    matched: Bools


class Engine:
    """See the module. The class attributes are those of the default formula; `needs` answers for any."""

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
        """The formula's values by their keys, (K, N); see `evaluating.measured`."""
        return measured(params.program, measures)

    def score(self, universe: Universe, features: Features, index: MarketIndex, params: Any) -> Outcome:
        """See `base.Engine`. `matched` counts before `top_n`; signals are the conditions that the formula defines,
        components its numbers (without definitions: what the match compares)."""
        judging = Judging(params.program, universe, features, index)
        judged = _judge(judging)
        picks = order_picks(universe, judged.matched, judged.score)
        picks = picks.where(picks.rank <= params.top_n)
        days = outcomes.days(
            universe,
            scored=judged.scored,
            matched=judged.matched.sum(axis=1),
            regime=[regimes.NAMES[code] for code in regimes.regime_trend(index)[judging.at]],
            closed=np.zeros(len(universe.sessions), dtype=np.bool_),
            short_risk=regimes.short_risk(index)[judging.at],
        )
        one_plan = np.zeros(len(picks), dtype=np.intp)
        ranks = outcomes.ranks(
            picks,
            label=np.full(len(picks), "match"),
            strategy=np.full(len(picks), "formula"),
            levels=outcomes.levels([params.plan], one_plan, picks.of(universe.close)),
            signals={name: judging.wide(one) for name, one in params.program.signals.items()},
            components={name: judging.wide(one) for name, one in params.program.components.items()},
        )
        return Outcome(days, ranks)

    def explain(
        self,
        universe: Universe,
        features: Features,
        index: MarketIndex,
        params: Any,
        *,
        day: int,
        column: int,
    ) -> list[Check]:
        """See `base.Engine`. Filters are the parts of the match that must all hold; below one that joins comparisons
        stand those ("comparison")."""
        formula = params.program
        today = {name: values[day : day + 1] for name, values in features.items()}
        judging = Judging(formula, universe.on(day), today, index)
        judged = _judge(judging)
        checks = [one.check(0, column) for one in conditions.universe_conditions(judging.universe, judged.scored)]
        for one in formula.conditions:
            checks.append(_check(judging, one, "filter", column))
            checks += [_check(judging, part, "comparison", column) for part in one.parts]
        for name, node in formula.signals.items():
            text = formula.texts.get(node, name)
            checks.append(_check(judging, Condition(node, text, name, None), "signal", column))
        worth = float(judged.score[0, column])
        checks.append(Check("gate", "score", worth, f"defined: {formula.score_text}", bool(np.isfinite(worth))))
        return checks


def _judge(judging: Judging) -> Evaluation:
    formula = judging.program
    scored = judging.universe.eligible & judging.defined()
    score = judging.wide(formula.score).astype(np.float64)
    matched = scored & judging.wide(formula.match) & np.isfinite(score)
    return Evaluation(scored, score, matched)


def _check(judging: Judging, one: Condition, group: str, column: int) -> Check:
    holds = bool(judging.wide(one.node)[0, column])
    if one.sides is None:
        return Check(group, one.name, float(holds), one.text, holds)
    left, right = one.sides
    value, rule = _at(judging, left, column), one.text
    if left.constant:
        value = _at(judging, right, column)
    elif not right.constant and right.kind is Kind.NUMBER:
        rule += f" [{judging.program.texts.get(right, right.key)} = {format_number(_at(judging, right, column))}]"
    elif left.kind is Kind.REGIME:
        rule += f" [{regimes.NAMES[int(value)]}]"
    return Check(group, one.name, value, rule, holds)


def _at(judging: Judging, node: Node, column: int) -> float:
    return float(judging.wide(node)[0, column])
