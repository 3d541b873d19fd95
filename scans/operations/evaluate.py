"""How versions did: the figures of section 7 of the scanner definitions, per version, horizon and group."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools
from marketdata.record import Days
from scans.evaluation.figures import Figures, figures
from scans.evaluation.holdings import hold
from scans.operations.evidence import Evidence, Judging, Request, gather

REGIMES = ("bull", "neutral", "bear", "crash")
GROUPINGS = ("regime", "strategy", "label", "year")


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one version over one horizon; `group` "" is all of its picks. `sessions` it answered."""

    version: str
    group: str
    horizon: int
    sessions: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The lines, and what they rest on: the range, the last session looked at, how many instruments could be picked
    and how many of those were gone by then, on how many sessions market caps are recorded."""

    request: Request
    first: str
    last: str
    end: str
    sessions: int
    instruments: int
    gone: int
    capped: int
    lines: tuple[Line, ...]
    seconds: dict[str, float]


def evaluate(request: Request) -> Evaluation:
    """The figures of each version and horizon of `request`, and of each group where it names a grouping."""
    evidence = gather(request)
    began = time.perf_counter()
    lines = [line for judging in evidence.judgings for line in _lines(judging, evidence, request)]
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
        lines=tuple(lines),
        seconds=evidence.seconds,
    )


def _lines(judging: Judging, evidence: Evidence, request: Request) -> Iterator[Line]:
    for horizon in judging.paths.horizons:
        holdings = hold(judging.paths, horizon, costs=request.costs)
        excess = judging.benchmarks.beside(holdings)
        for name, sessions, kept in _groups(judging, evidence, request.by):
            found = figures(holdings, excess, kept)
            yield Line(judging.picked.version, name, horizon, sessions, found)


def _groups(
    judging: Judging, evidence: Evidence, by: str
) -> Iterator[tuple[str, int, Bools | None]]:
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
        for name in in_order(answered):
            yield name, int((answered == name).sum()), of_pick == name


def session_groups(evidence: Evidence, by: str) -> NDArray[np.str_]:
    """The regime (`regime_trend` of the market index, the same for every version) or year of each session, (K,)."""
    return evidence.regime if by == "regime" else years(evidence.asked)


def years(days: Days) -> NDArray[np.str_]:
    """The calendar year of each session."""
    return np.datetime_as_string(days, unit="Y")


def in_order(names: NDArray[np.str_]) -> list[str]:
    """The names that occur, regimes from good to bad, others ascending."""
    found = set(names.tolist())
    return [*(name for name in REGIMES if name in found), *sorted(found - set(REGIMES))]
