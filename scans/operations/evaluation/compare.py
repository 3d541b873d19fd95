"""Comparison of two versions over the same sessions: the overlap of their picks, and the differences of their
results."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketdata.record import Days
from scans.evaluation.benchmark_paths import NAMES
from scans.evaluation.comparison import Difference, ExcessReturns, Overlap, compare, overlap
from scans.evaluation.holding_periods import PickSet
from scans.evaluation.prices import Rows
from scans.evaluation.statistics import compute_figures
from scans.operations.evaluation.evaluate import EvaluationLine, ordered_groups, session_groups
from scans.operations.evaluation.evidence import (
    BeyondRecord,
    EvaluationRequest,
    Evidence,
    VersionEvidence,
    gather_evidence,
)

ALL = ""


@dataclass(frozen=True, slots=True)
class VersionComparison:
    """The comparison of two versions from `first` to `last`, over `sessions` requested sessions. Both answered sessions
    from `both_first` to `both_last` (`overlap` has their count). `differences` in the order of horizons, each over all
    sessions first, then by regime and by year. `standings`: the figures of each version on the common sessions, by
    horizon. `gone`: how many of the eligible `instruments` have no bar at the end."""

    request: EvaluationRequest
    first: str
    last: str
    sessions: int
    both_first: str
    both_last: str
    end: str
    instruments: int
    gone: int
    overlap: Overlap
    differences: tuple[Difference, ...]
    standings: tuple[tuple[EvaluationLine, ...], ...]
    seconds: dict[str, float]

    @property
    def whole(self) -> list[Difference]:
        """The differences over all sessions, one for each horizon."""
        return [one for one in self.differences if one.group == ALL]


def compare_versions(request: EvaluationRequest) -> VersionComparison:
    """The comparison of the two versions of `request` on the sessions that both answered."""
    evidence = gather_evidence(request)
    one, two = evidence.version_evidence
    both = np.intersect1d(one.picked.sessions, two.picked.sessions)
    if not len(both):
        raise BeyondRecord(
            f"Versions {one.picked.version} and {two.picked.version} have no published session in common from "
            f"{evidence.requested[0]} to {evidence.requested[-1]}: run both over the same range, or use --source fly."
        )
    rows = np.searchsorted(evidence.sessions, both)
    return VersionComparison(
        request=request,
        first=str(evidence.requested[0]),
        last=str(evidence.requested[-1]),
        sessions=len(evidence.requested),
        both_first=str(both[0]),
        both_last=str(both[-1]),
        end=str(evidence.prices.sessions[-1]),
        instruments=evidence.instruments,
        gone=evidence.gone,
        overlap=overlap(
            _within(one, evidence, both), _within(two, evidence, both), len(both), len(evidence.prices.codes)
        ),
        differences=tuple(
            difference
            for horizon in evidence.holdings.periods.horizons
            for difference in _differences(one, two, evidence, rows, horizon)
        ),
        standings=tuple(_standings(evidence_of, evidence, both) for evidence_of in (one, two)),
        seconds=evidence.seconds,
    )


def _within(evidence_of: VersionEvidence, evidence: Evidence, both: Days) -> PickSet:
    """The picks on the sessions `both`, numbered along these."""
    column = evidence.holdings.picks.column[evidence_of.pick]
    date = evidence_of.picked.date
    kept = np.isin(date, both)
    return PickSet(np.searchsorted(both, date[kept]), column[kept])


def _standings(evidence_of: VersionEvidence, evidence: Evidence, both: Days) -> tuple[EvaluationLine, ...]:
    """The figures of a version's picks on the sessions `both`, by horizon."""
    kept = np.isin(evidence_of.picked.date, both)
    live = int(evidence_of.live[kept].sum())
    return tuple(
        EvaluationLine(
            evidence_of.picked.version,
            ALL,
            horizon,
            len(both),
            live,
            compute_figures(evidence.holdings, evidence.benchmarks, evidence.returns, horizon, evidence_of.pick[kept]),
        )
        for horizon in evidence.holdings.periods.horizons
    )


def _differences(
    one: VersionEvidence, two: VersionEvidence, evidence: Evidence, rows: Rows, horizon: int
) -> list[Difference]:
    """The differences over those of the sessions `rows` that the whole horizon follows in the record."""
    rows = rows[rows + horizon < len(evidence.prices.sessions)]
    groups = {ALL: np.ones(len(rows), dtype=bool)}
    for by in ("regime", "year"):
        names = session_groups(evidence, by)[rows]
        groups |= {name: names == name for name in ordered_groups(names)}
    first, second = (_excess_returns(evidence_of, evidence, rows, horizon) for evidence_of in (one, two))
    return compare(
        first,
        second,
        horizon=horizon,
        groups=groups,
        sessions=len(rows),
        horizons=len(evidence.holdings.periods.horizons),
    )


def _excess_returns(evidence_of: VersionEvidence, evidence: Evidence, rows: Rows, horizon: int) -> ExcessReturns:
    holdings, n = evidence.holdings, evidence.holdings.periods.horizons.index(horizon)
    pick = evidence_of.pick[holdings.judged[evidence_of.pick, n]]
    pick = pick[np.isin(holdings.picks.day[pick], rows)]
    excess = holdings.net[pick, n] - evidence.benchmarks.returns[pick, n, NAMES.index("equal")]
    return ExcessReturns(np.searchsorted(rows, holdings.picks.day[pick]), excess)
