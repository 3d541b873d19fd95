"""How versions did: the figures of section 7 of the scanner definitions, per version, horizon and group."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from marketdata.record import Days
from scans.evaluation.bootstrap import UNKNOWN_INTERVAL, Interval
from scans.evaluation.holdings import Holdings, hold
from scans.evaluation.intervals import mean_intervals
from scans.evaluation.statistics import Figures, compute_figures
from scans.operations.evaluation.evidence import EvaluationRequest, Evidence, VersionEvidence, gather_evidence

REGIMES = ("bull", "neutral", "bear", "crash")
GROUPINGS = ("regime", "strategy", "label", "year")


@dataclass(frozen=True, slots=True)
class EvaluationLine:
    """The figures of one version over one horizon; `group` "" is all of its picks. `sessions` it answered. The
    intervals, of the mean and of the equally weighted excess, are NaN unless they were asked for."""

    version: str
    group: str
    horizon: int
    sessions: int
    figures: Figures
    mean_interval: Interval = UNKNOWN_INTERVAL
    excess_interval: Interval = UNKNOWN_INTERVAL


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The lines, and what they rest on: the range, the last session looked at, how many instruments could be picked
    and how many of those were gone by then, on how many sessions market caps are recorded."""

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
    """The figures of each version and horizon of `request`, and of each group where it names a grouping."""
    evidence = gather_evidence(request)
    began = time.perf_counter()
    found = [line for judging in evidence.judgings for line in evaluation_lines(judging, evidence, request)]
    evidence.seconds["figures"] = time.perf_counter() - began
    return Evaluation(
        request=request,
        first=str(evidence.asked[0]),
        last=str(evidence.asked[-1]),
        end=str(evidence.prices.sessions[-1]),
        sessions=len(evidence.asked),
        instruments=evidence.instruments,
        gone=evidence.gone,
        capped=evidence.capped,
        lines=tuple(found),
        seconds=evidence.seconds,
    )


def evaluation_lines(
    judging: VersionEvidence, evidence: Evidence, request: EvaluationRequest
) -> Iterator[EvaluationLine]:
    """The figures of one version for each horizon: of all its picks, then of each group."""
    groups = list(_groups(judging, evidence, request.by))
    for horizon in judging.paths.horizons:
        holdings = hold(judging.paths, horizon, costs=request.costs)
        excess = judging.benchmarks.beside(holdings)
        sure: list[tuple[Interval, ...]] = [(UNKNOWN_INTERVAL, UNKNOWN_INTERVAL)] * len(groups)
        if request.intervals:
            kept = [holdings.judged if one is None else holdings.judged & one for *_, one in groups]
            sure = _sure(judging, evidence, holdings, excess[1], kept)
        for (name, sessions, some), bounds in zip(groups, sure, strict=True):
            found = compute_figures(holdings, excess, some)
            yield EvaluationLine(judging.picked.version, name, horizon, sessions, found, *bounds)


def _sure(
    judging: VersionEvidence,
    evidence: Evidence,
    holdings: Holdings,
    excess: Floats,
    groups: list[Bools],
) -> list[tuple[Interval, ...]]:
    """The intervals of the mean and of the excess of each group, over the sessions answered after which the record
    holds the whole horizon."""
    rows = np.searchsorted(evidence.prices.sessions, judging.picked.sessions)
    rows = rows[rows + holdings.horizon < len(evidence.prices.sessions)]
    within = np.isin(holdings.day, rows)
    return mean_intervals(
        np.searchsorted(rows, holdings.day),
        (holdings.net, excess),
        [kept & within for kept in groups],
        sessions=len(rows),
        horizon=holdings.horizon,
    )


def _groups(judging: VersionEvidence, evidence: Evidence, by: str) -> Iterator[tuple[str, int, Bools | None]]:
    """Name, sessions answered and picks (P,) of each group; of strategies and labels the sessions are all."""
    picked = judging.picked
    yield "", len(picked.sessions), None
    if by in ("strategy", "label"):
        values = getattr(picked, by)
        for name in dict.fromkeys(sorted(values.tolist())):
            yield name, len(picked.sessions), values == name
    elif by:
        of_session = session_groups(evidence, by)
        answered = of_session[np.searchsorted(evidence.asked, picked.sessions)]
        of_pick = of_session[judging.paths.picks.day]
        for name in ordered_groups(answered):
            yield name, int((answered == name).sum()), of_pick == name


def session_groups(evidence: Evidence, by: str) -> NDArray[np.str_]:
    """The regime (`regime_trend` of the market index, the same for every version) or year of each session, (K,)."""
    return evidence.regime if by == "regime" else years(evidence.asked)


def years(days: Days) -> NDArray[np.str_]:
    """The calendar year of each session."""
    return np.datetime_as_string(days, unit="Y")


def ordered_groups(names: NDArray[np.str_]) -> list[str]:
    """The names that occur, regimes from good to bad, others ascending."""
    found = set(names.tolist())
    return [*(name for name in REGIMES if name in found), *sorted(found - set(REGIMES))]
