"""Base rates: the results of a version's earlier picks, as far as they could be known at the close of a session.

The version's published picks of up to two years before, judged by the bars up to that session: a holding that had not
ended by then counts as open. Later bars never change a base rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from caching.cached import cached
from marketdata.queries.records import get_projected_record
from scans.engines.regime_rules import Comparison, RegimeRule
from scans.engines.regimes import TREND
from scans.evaluation.bootstrap import Interval
from scans.evaluation.statistics import Excess, Figures
from scans.models import ScannerVersion
from scans.operations.evaluation.evaluate import EvaluationLine, lines_by_grouping
from scans.operations.evaluation.evaluation_cache import (
    EvaluationKey,
    evaluation_key_until,
    evaluation_lock,
    request_of_key,
)
from scans.operations.evaluation.evidence import HORIZONS, gather_evidence

SESSIONS = 504
"""Sessions of a base rate, the session of the pick included."""
MIN_JUDGED = 30
"""Fewest judged picks of a meaningful base rate."""
GROUPINGS = ("label", "strategy", "regime")


@dataclass(frozen=True, slots=True)
class BaseRates:
    """The base rates of a version. `first` to `last`: the sessions of the picks. `regime`: the market's on the last of
    them, with its rule. `lines`: grouping ("" for all picks) -> the figures of each group and horizon. `instruments`:
    how many could be picked, of which `gone` have no bar on the last session."""

    first: date
    last: date
    regime: str
    lines: dict[str, list[EvaluationLine]]
    regime_rule: RegimeRule | None = None
    instruments: int = 0
    gone: int = 0

    def of(self, by: str, group: str) -> list[EvaluationLine]:
        """The figures of one group, by horizon."""
        return [line for line in self.lines[by] if line.group == group]


def base_rates(market: str, version: ScannerVersion, day: date) -> BaseRates:
    """The base rates of `version` at the close of `day`, a session that it has published. Raises what
    `evaluation_key_until` and `cached_evaluation` do."""
    record = get_projected_record(market, day)
    days = record.block(np.datetime64(day))
    days = days[days <= np.datetime64(day)][-SESSIONS:]
    key = evaluation_key_until(
        market, [version], record, days, end=day, horizons=[horizon for horizon in HORIZONS if horizon < len(days)]
    )
    return _cached_rates(**key.parts())


@cached(
    "kept",
    what="base-rates",
    version=6,
    holds=(BaseRates, EvaluationLine, Figures, Excess, Interval, RegimeRule, Comparison),
)
def _cached_rates(**parts: Any) -> BaseRates:
    key = EvaluationKey(**parts)
    if not key.horizons:  # the record begins at this session
        return BaseRates(key.first, key.last, "", {"": [], **{by: [] for by in GROUPINGS}})
    request = request_of_key(key)
    with evaluation_lock():
        evidence = gather_evidence(request)
        lines = lines_by_grouping(evidence.version_evidence[0], evidence, request, ("", *GROUPINGS))
    regime = str(evidence.regime[-1])
    rule = evidence.regimes.rule(TREND, key.last, regime)
    return BaseRates(key.first, key.last, regime, lines, rule, evidence.instruments, evidence.gone)
