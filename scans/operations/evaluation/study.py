"""Studies of versions over one period of a market: their figures with and without costs, and the order of scores."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from marketdata.panel import Floats
from scans.evaluation.benchmark_paths import NAMES
from scans.evaluation.prices import Rows
from scans.evaluation.score_order import ScoreOrder, score_order
from scans.kernels.compare import above
from scans.operations.evaluation.evaluate import Evaluation, EvaluationLine, evaluation_lines, summarize
from scans.operations.evaluation.evidence import EvaluationRequest, Evidence, gather_evidence


@dataclass(frozen=True, slots=True)
class Study:
    """An evaluation after costs, the same lines before costs, and by version and horizon the order of its scores."""

    evaluation: Evaluation
    before_costs: tuple[EvaluationLine, ...]
    orders: dict[tuple[str, int], ScoreOrder]


def study_versions(request: EvaluationRequest) -> Study:
    """The study of the versions of `request`."""
    evidence = gather_evidence(request)
    holdings = evidence.holdings
    without = replace(holdings, costs=np.where(holdings.judged, 0.0, np.nan), hit=above(1 + holdings.gross, 1.0))
    free = replace(evidence, holdings=without)
    lines = [line for one in free.version_evidence for line in evaluation_lines(one, free, request)]
    orders = {
        (one.picked.version, horizon): _order(evidence, one.pick, one.picked.score, n)
        for one in evidence.version_evidence
        for n, horizon in enumerate(holdings.periods.horizons)
    }
    return Study(summarize(evidence, request), tuple(lines), orders)


def _order(evidence: Evidence, pick: Rows, score: Floats, n: int) -> ScoreOrder:
    holdings, equal = evidence.holdings, NAMES.index("equal")
    excess = holdings.net[pick, n] - evidence.benchmarks.returns[pick, n, equal]
    return score_order(holdings.picks.day[pick], score, excess, holdings.periods.horizons[n])
