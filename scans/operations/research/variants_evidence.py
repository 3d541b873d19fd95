"""The evidence on many variants together, and their figures.

A pick that several variants share is judged once: variants of one engine pick much the same, and the benchmarks of a
session are the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.context_threads import ContextThreadPool
from marketdata.panel import Floats
from marketdata.record import Days, Record
from scans.evaluation.calendar_time import CohortReturns
from scans.evaluation.data_snooping import snooping_test
from scans.evaluation.deflated_sharpe import best_deflated_sharpe
from scans.evaluation.overfitting import overfitting_probability
from scans.evaluation.prices import Rows
from scans.evaluation.shared_cohorts import SharedCohorts
from scans.evaluation.statistics import Figures, compute_figures, portfolio_figures, turnover
from scans.evaluation.walk_forward import Fold
from scans.execution.shards import EngineTask
from scans.operations.evaluation.evidence import EvaluationRequest, Evidence, evidence_on
from scans.operations.evaluation.picks import EligibilityRule, VersionPicks
from scans.operations.research.variant_picks import THREADS, VariantPicks

BENCHMARK = "matched"
FIGURES = ("picks", "judged", "dropped", "mean", "gross_mean", "median", "date_mean", "mean_without_best", "hit_rate")
MORE_FIGURES = ("universe_hit_rate", "worst_drawdown", "turnover", "detectable", "standing")


@dataclass(frozen=True, slots=True)
class VariantEvidence:
    """The evidence on all variants together. `picks`: for each variant the places (P,) of its picks in the evidence's
    holdings."""

    evidence: Evidence
    picks: list[Rows]


def variants_evidence(
    found: Sequence[VariantPicks], request: EvaluationRequest, record: Record, sessions: Days
) -> VariantEvidence:
    """The evidence on the picks of all variants, each pick judged once for each rule of eligibility."""
    rules = [_rule(picks.task) for picks in found]
    unions, places = [], [np.zeros(0, dtype=np.intp)] * len(found)
    at = 0
    codes = np.unique(np.concatenate(list({id(own.codes): own.codes for own in found}.values())))
    for rule in dict.fromkeys(rules):
        members = [n for n, own in enumerate(rules) if own == rule]
        keys = [_cells(found[n], codes) for n in members]
        picked = np.zeros(len(sessions) * len(codes), dtype=np.bool_)
        for own in keys:
            picked[own] = True
        place = np.cumsum(picked) - 1 + at
        for n, own in zip(members, keys, strict=True):
            places[n] = place[own]
        day, column = np.divmod(np.flatnonzero(picked), len(codes))
        at += len(day)
        unions.append(_union(sessions, rule, day, codes[column]))
    return VariantEvidence(evidence_on(unions, request, record, sessions), places)


def _cells(picks: VariantPicks, codes: NDArray[np.str_]) -> Rows:
    """The numbers of the picks' cells in a table of the sessions by `codes`, ascending and with all of the picks'."""
    return picks.day * len(codes) + np.searchsorted(codes, picks.codes)[picks.column]


def _rule(task: EngineTask) -> EligibilityRule:
    return EligibilityRule(task.segments, tuple(sorted(task.limits.items())), task.requirements.min_bars)


def _union(sessions: Days, rule: EligibilityRule, day: Rows, code: NDArray[np.str_]) -> VersionPicks:
    blank = np.full(len(day), "")
    return VersionPicks(
        version="",
        sessions=sessions,
        rules=(rule,),
        rule=np.zeros(len(sessions), dtype=np.intp),
        began=np.full(len(sessions), "NaT", dtype="datetime64[s]"),
        date=sessions[day],
        code=code,
        strategy=blank,
        label=blank,
        score=np.zeros(len(day)),
    )


def all_figures(together: VariantEvidence, horizon: int) -> tuple[list[dict[str, dict[str, Any]]], Floats]:
    """For each variant, sessions held -> its figures; and the daily excess of each over matched shares with holdings of
    `horizon` sessions, (T, V), 0 where it holds nothing."""
    evidence, variants = together.evidence, together.picks
    holdings = evidence.holdings
    cohorts = SharedCohorts.of(holdings.picks.day, variants)
    figures: list[dict[str, dict[str, Any]]] = [{} for _ in variants]
    daily: Floats = np.zeros((len(evidence.prices.sessions), len(variants)))
    new_names = [turnover(holdings.picks.day[own], holdings.picks.column[own]) for own in variants]
    for n, held in enumerate(holdings.periods.horizons):
        returns, rows = cohorts.returns(evidence.returns, holdings, n)

        def row(v: int, held: int = held, returns: CohortReturns = returns, rows: list[Rows] = rows) -> dict[str, Any]:
            pooled = returns.portfolio(rows[v])
            return _figures_row(
                portfolio_figures(holdings, evidence.benchmarks, pooled, held, variants[v], new_names[v])
            )

        with ContextThreadPool(THREADS) as pool:
            for own, figures_row in zip(figures, pool.map(row, range(len(variants))), strict=True):
                own[str(held)] = figures_row
        if held == horizon:
            daily = np.column_stack([np.nan_to_num(returns.daily_excess(own, BENCHMARK)) for own in rows])
    return figures, daily


def variant_figures(
    together: VariantEvidence, picks: Rows, horizons: Sequence[int] | None = None
) -> dict[str, dict[str, Any]]:
    """Sessions held (`horizons`, None for all) -> figures of the picks, None where there is none."""
    evidence = together.evidence
    return {
        str(horizon): _figures_row(
            compute_figures(evidence.holdings, evidence.benchmarks, evidence.returns, horizon, picks)
        )
        for horizon in horizons or evidence.holdings.periods.horizons
    }


def _figures_row(figures: Figures) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(figures, name) for name in (*FIGURES, *MORE_FIGURES)}
    for name in ("equal", "cap", "matched"):
        excess = asdict(getattr(figures, name))
        row[name] = {key: excess[key] for key in ("mean", "by_date", "coverage")} | excess["interval"]
    return without_nan(row)


def without_nan(row: Mapping[str, Any]) -> dict[str, Any]:
    """`row` as JSON: None in the place of NaN."""
    return {
        name: without_nan(value) if isinstance(value, dict) else None if value != value else value
        for name, value in row.items()
    }


def outside_picks(together: VariantEvidence, folds: Sequence[Fold]) -> Rows:
    """The picks on each fold of the variant that was chosen for it."""
    day = together.evidence.holdings.picks.day
    chosen = [together.picks[fold.variant] for fold in folds]
    return np.concatenate([
        picks[(day[picks] >= fold.start) & (day[picks] < fold.end)] for picks, fold in zip(chosen, folds, strict=True)
    ])  # fmt: skip


def luck_tests(returns: Floats) -> dict[str, Any]:
    """The tests of the best variant of `returns` (S, V) by how many there are; NaN after a variant dropped out. The
    probability of overfitting is that of the choice among those that have all sessions."""
    snooping = snooping_test(returns)
    to_the_end = np.isfinite(returns).all(axis=0)
    return without_nan({
        "variants": returns.shape[1],
        "sessions": len(returns),
        "reality_check_p": snooping.reality_check,
        "superior_ability_p": snooping.superior_ability,
        "deflated_sharpe": best_deflated_sharpe(returns),
        "overfitting_probability": overfitting_probability(returns[:, to_the_end]),
    })  # fmt: skip
