"""Evaluation of versions: the figures of section 7 of the scanner definitions, by version, horizon and group."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools
from marketdata.record import Days
from scans.evaluation.permutation import permutation_test, universe_excess
from scans.evaluation.shared_cohorts import SharedCohorts
from scans.evaluation.statistics import Figures, portfolio_figures, turnover
from scans.operations.evaluation.evidence import EvaluationRequest, Evidence, VersionEvidence, gather_evidence

REGIMES = ("bull", "neutral", "bear", "crash")
GROUPINGS = ("regime", "strategy", "label", "year", "timing")
TIMINGS = ("live", "afterwards")
"""Picks whose run began before the open of their entry, and those that were computed afterwards."""


@dataclass(frozen=True, slots=True)
class EvaluationLine:
    """The figures of one version over one horizon; `group` "": all of its picks. `sessions`: how many it answered.
    `live`: how many of the picks were made before the open of their entry; the others were computed afterwards.
    `p_value`: of the permutation test, NaN unless requested and for groups."""

    version: str
    group: str
    horizon: int
    sessions: int
    live: int
    figures: Figures
    p_value: float = float("nan")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The lines of an evaluation and its basis: the range, the last session read, how many instruments were eligible
    and how many of these have no bar at the end (`gone`), on how many sessions at least 90 % of them have a market cap
    (`capped`)."""

    request: EvaluationRequest
    first: str
    last: str
    end: str
    sessions: int
    instruments: int
    gone: int
    capped: int
    lines: tuple[EvaluationLine, ...]
    seconds: dict[str, float]


def evaluate_versions(request: EvaluationRequest) -> Evaluation:
    """The figures of each version and horizon of `request`, and of each group if it names a grouping."""
    return summarize(gather_evidence(request), request)


def summarize(evidence: Evidence, request: EvaluationRequest) -> Evaluation:
    """The figures of `evidence`."""
    began = time.perf_counter()
    result = [line for version in evidence.version_evidence for line in evaluation_lines(version, evidence, request)]
    evidence.seconds["figures"] = time.perf_counter() - began
    return Evaluation(
        request=request,
        first=str(evidence.requested[0]),
        last=str(evidence.requested[-1]),
        end=str(evidence.prices.sessions[-1]),
        sessions=len(evidence.requested),
        instruments=evidence.instruments,
        gone=evidence.gone,
        capped=evidence.capped,
        lines=tuple(result),
        seconds=evidence.seconds,
    )


def evaluation_lines(
    version: VersionEvidence, evidence: Evidence, request: EvaluationRequest
) -> Sequence[EvaluationLine]:
    """The figures of one version for each horizon: of all its picks, then of each group."""
    return lines_by_grouping(version, evidence, request, [request.by])[request.by]


def lines_by_grouping(
    version: VersionEvidence, evidence: Evidence, request: EvaluationRequest, groupings: Sequence[str]
) -> dict[str, list[EvaluationLine]]:
    """Grouping ("" for none) -> the figures of one version for each horizon: of all its picks, then of each group. What
    several groups have of a day's picks is added up once."""
    groups = [(by, *group) for by in groupings for group in _groups(version, evidence, by)]
    holdings, day, column = evidence.holdings, evidence.holdings.picks.day, evidence.holdings.picks.column
    picks = [version.pick[some] for *_, some in groups]
    new_names = [turnover(day[own], column[own]) for own in picks]
    cohorts = SharedCohorts.of(day, picks)
    lines: dict[str, list[EvaluationLine]] = {by: [] for by in groupings}
    for n, horizon in enumerate(holdings.periods.horizons):
        returns, rows = cohorts.returns(evidence.returns, holdings, n)
        whole: EvaluationLine | None = None
        for (by, name, sessions, some), own, row, new in zip(groups, picks, rows, new_names, strict=True):
            if whole and not name and some.all():  # they are in each grouping
                lines[by].append(whole)
                continue
            result = portfolio_figures(holdings, evidence.benchmarks, returns.portfolio(row), horizon, own, new)
            p_value = float("nan") if name or not request.permutations else _p_value(version, evidence, horizon)
            live = int(version.live[some].sum())
            line = EvaluationLine(version.picked.version, name, horizon, sessions, live, result, p_value)
            whole = whole or line
            lines[by].append(line)
    return lines


def _p_value(version: VersionEvidence, evidence: Evidence, horizon: int) -> float:
    picks = evidence.holdings.picks
    excess = universe_excess(evidence.prices, version.eligible, evidence.tradability, evidence.last_bar, horizon)
    return permutation_test(excess, picks.day[version.pick], picks.column[version.pick], horizon)


def _groups(version: VersionEvidence, evidence: Evidence, by: str) -> Iterator[tuple[str, int, Bools]]:
    """(name, count of answered sessions, mask of picks (P,)) of each group; strategies, labels and timings count all
    sessions."""
    picked = version.picked
    yield "", len(picked.sessions), np.ones(len(picked.date), dtype=bool)
    if by in ("strategy", "label", "timing"):
        values = np.where(version.live, *TIMINGS) if by == "timing" else getattr(picked, by)
        for name in dict.fromkeys(sorted(values.tolist())):
            yield name, len(picked.sessions), values == name
    elif by:
        of_session = session_groups(evidence, by)
        answered = of_session[np.searchsorted(evidence.sessions, picked.sessions)]
        of_pick = of_session[evidence.holdings.picks.day[version.pick]]
        for name in ordered_groups(answered):
            yield name, int((answered == name).sum()), of_pick == name


def session_groups(evidence: Evidence, by: str) -> NDArray[np.str_]:
    """The regime (`regime_trend` of the market index, the same for every version) or year of each session, (K,)."""
    return evidence.regime if by == "regime" else years(evidence.sessions)


def years(days: Days) -> NDArray[np.str_]:
    """The calendar year of each session."""
    return np.datetime_as_string(days, unit="Y")


def ordered_groups(names: NDArray[np.str_]) -> list[str]:
    """The distinct names: regimes from bull to crash, others ascending."""
    distinct = set(names.tolist())
    return [*(name for name in REGIMES if name in distinct), *sorted(distinct - set(REGIMES))]
