"""How picks like one of a session's fared before it: what could be known on that day, and nothing that came later.

The version's own published picks of up to two years before, judged with the record as it was at the close of that
session: a holding that had not ended by then counts as open. So a base rate is a fact about its day: later bars never
change it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from caching.cached import cached
from marketdata.queries.records import get_projected_record
from scans.engines.regime_rules import Comparison, RegimeRule
from scans.engines.regimes import TREND
from scans.evaluation.bootstrap import Interval
from scans.evaluation.statistics import Figures
from scans.models import ScannerVersion
from scans.operations.evaluation.evaluate import EvaluationLine, evaluation_lines
from scans.operations.evaluation.evaluation_cache import (
    EvaluationKey,
    evaluation_key_until,
    evaluation_lock,
    request_of_key,
)
from scans.operations.evaluation.evidence import HORIZONS, gather_evidence

SESSIONS = 504
"""How far back, the session of the pick among them."""
MIN_JUDGED = 30
"""Fewer judged picks than this say nothing."""
GROUPINGS = ("label", "strategy", "regime")


@dataclass(frozen=True, slots=True)
class BaseRates:
    """`first` to `last`: the sessions whose picks count. `regime`: the market's on the last of them, with its
    rule. `evaluation_lines`: grouping ("" for all picks) -> the figures of each group and horizon."""

    first: date
    last: date
    regime: str
    lines: dict[str, list[EvaluationLine]]
    regime_rule: RegimeRule | None = None

    def of(self, by: str, group: str) -> list[EvaluationLine]:
        """The figures of one group, by horizon."""
        return [line for line in self.lines[by] if line.group == group]


def base_rates(market: str, version: ScannerVersion, day: date) -> BaseRates:
    """The base rates of `version` at the close of `day`, a session that it has published. Raises what
    `evaluation_key_until` and `cached_evaluation` do."""
    held = get_projected_record(market, day)
    block = held.block(np.datetime64(day))
    block = block[block <= np.datetime64(day)][-SESSIONS:]
    asked = evaluation_key_until(
        market,
        [version],
        held,
        block,
        end=day,
        horizons=[horizon for horizon in HORIZONS if horizon < len(block)],
    )
    return _kept(**asked.parts())


@cached(
    "kept",
    what="base-rates",
    version=3,
    holds=(BaseRates, EvaluationLine, Figures, Interval, RegimeRule, Comparison),
)
def _kept(**parts: Any) -> BaseRates:
    asked = EvaluationKey(**parts)
    if not asked.horizons:  # the record begins here
        return BaseRates(asked.first, asked.last, "", {"": [], **{by: [] for by in GROUPINGS}})
    request = request_of_key(asked)
    with evaluation_lock():
        evidence = gather_evidence(request)
        found = {
            by: list(evaluation_lines(evidence.judgings[0], evidence, replace(request, by=by)))
            for by in ("", *GROUPINGS)
        }
    regime = str(evidence.regime[-1])
    rule = evidence.regimes.rule(TREND, asked.last, regime)
    return BaseRates(asked.first, asked.last, regime, found, rule)
