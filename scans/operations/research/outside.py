"""The picks outside, those of the walk-forward choice: by regime and year, beside random picks, and how much money they
can take.

Random picks come from two groups: whatever passes the chosen variant's conditions, in a random order; and the eligible
instruments of like volatility and turnover.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np

from marketdata.panel import Floats
from scans.evaluation.matching import Groups
from scans.evaluation.permutation import universe_returns
from scans.evaluation.prices import Rows
from scans.evaluation.random_picks import NO_GROUP, alike, random_picks
from scans.evaluation.walk_forward import Fold
from scans.execution.shards import EngineTask
from scans.operations.evaluation.evaluate import ordered_groups, session_groups
from scans.operations.evaluation.evidence import Evidence
from scans.operations.research.variant_picks import VariantScorer
from scans.operations.research.variants_evidence import VariantEvidence, variant_figures, without_nan

SHARE = 0.01
"""Of the mean turnover of 20 sessions: the largest order of the capacity."""
GROUPINGS = ("regime", "year")
PASSING, ALIKE = "passing", "alike"


def outside_report(
    together: VariantEvidence,
    picks: Rows,
    folds: Sequence[Fold],
    tasks: Sequence[EngineTask],
    scorer: VariantScorer,
    horizon: int,
) -> dict[str, Any]:
    """The report on the picks outside, at the places `picks` of the evidence, as JSON: `outside` (their figures),
    `groups`, `random`, `capacity`, and `survivors`: how many instruments could be picked, and how many of them have no
    bar on the last session read. `tasks`: one for each variant."""
    evidence = together.evidence
    day, column = evidence.holdings.picks.day[picks], evidence.holdings.picks.column[picks]
    returns, eligible = _returns(evidence, folds, horizon)
    groups = {
        PASSING: _passing(evidence, folds, tasks, scorer),
        ALIKE: alike(evidence.traits.volatility, _amount(evidence), eligible),
    }
    return {
        "outside": variant_figures(together, picks),
        "groups": _groups(together, picks, horizon),
        "random": {
            name: without_nan(asdict(random_picks(returns, group, day, column))) for name, group in groups.items()
        },
        "capacity": _capacity(evidence, picks, horizon),
        "survivors": {
            "instruments": evidence.instruments,
            "gone": evidence.gone,
            "end": str(evidence.prices.sessions[-1]),
        },
    }


def _amount(evidence: Evidence) -> Floats:
    if evidence.amount is None:
        raise ValueError("the evidence was gathered without amounts")
    return evidence.amount


def _returns(evidence: Evidence, folds: Sequence[Fold], horizon: int) -> tuple[Floats, Any]:
    """The net returns of everything eligible on the sessions of the folds, (K, N), and what is eligible there."""
    eligible = np.logical_or.reduce([version.eligible for version in evidence.version_evidence])
    eligible[: folds[0].start] = False
    returns = universe_returns(
        evidence.prices, eligible, evidence.tradability, evidence.last_bar, horizon, evidence.costs
    )
    return returns, eligible


def _passing(evidence: Evidence, folds: Sequence[Fold], tasks: Sequence[EngineTask], scorer: VariantScorer) -> Groups:
    """(K, N): 0 for what passes the conditions of each fold's variant, however many picks it keeps."""
    groups = np.full(evidence.traits.volatility.shape, NO_GROUP, dtype=np.int16)
    variants = list(dict.fromkeys(fold.variant for fold in folds))
    for place, day, column, codes in scorer.task_picks([unlimited(tasks[n]) for n in variants]):
        for fold in folds:
            if fold.variant == variants[place]:
                inside = (day >= fold.start) & (day < fold.end)
                groups[day[inside], evidence.prices.columns(codes[column[inside]], day[inside])] = 0
    return groups


def unlimited(task: EngineTask) -> EngineTask:
    """The task with as many picks as its engine allows."""
    counts = {
        field.name: field.metadata["most"]
        for field in fields(task.params)
        if field.metadata.get("unit") == "instruments"
    }
    return replace(task, params=replace(task.params, **counts))


def _groups(together: VariantEvidence, picks: Rows, horizon: int) -> dict[str, list[dict[str, Any]]]:
    """Grouping -> the figures of each group's picks over the horizon."""
    day = together.evidence.holdings.picks.day[picks]
    result: dict[str, list[dict[str, Any]]] = {}
    for by in GROUPINGS:
        names = session_groups(together.evidence, by)[day]
        result[by] = [
            {"group": name, **variant_figures(together, picks[names == name], [horizon])[str(horizon)]}
            for name in ordered_groups(names)
        ]
    return result


def _capacity(evidence: Evidence, picks: Rows, horizon: int) -> Mapping[str, float | None]:
    """In currency: `order`, which is at most `SHARE` of the turnover of nine picks in ten, and `capital`, so many times
    as much as there are picks held on a session; `half_order`: the same of one pick in two."""
    holdings = evidence.holdings
    day, column = holdings.picks.day[picks], holdings.picks.column[picks]
    amount = _amount(evidence)[day, column]
    amount = amount[np.isfinite(amount)]
    if not len(amount):
        return {"order": None, "half_order": None, "capital": None}
    small, half = (SHARE * np.quantile(amount, [0.1, 0.5])).tolist()
    per_session = len(picks) / max(int(day.max()) - int(day.min()) + 1, 1)
    return {"order": small, "half_order": half, "capital": small * per_session * horizon}
