"""Successive halving: in rounds over ever more sessions the worse half of the variants drops out.

The last round has all sessions of the develop period whose holdings end before the choose period, each before it half
as many, the first ones. A round keeps the variants with the best ratios of mean to deviation. What drops out is
recorded with its figures over those sessions, and counts in the tests against luck (`scans.evaluation.data_snooping`).
Nothing of the choose period enters.

Source: Jamieson and Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, AISTATS 2016.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from scans.models import Sweep
from scans.operations.research.grid import Variant
from scans.operations.research.periods import Periods
from scans.operations.research.variant_picks import VariantScorer
from scans.operations.research.variant_records import (
    SweepBasis,
    save_variants,
    variant_batches,
)

LEAST = 30
"""Sessions of the first round at least."""
KEPT = 2
"""Variants that a round keeps at least."""


def round_lengths(periods: Periods) -> list[int]:
    """The sessions of each round."""
    lengths = [periods.choose - periods.gap]
    while lengths[0] // 2 >= LEAST:
        lengths.insert(0, lengths[0] // 2)
    return lengths


def halve(basis: SweepBasis) -> list[Variant]:
    """The variants that are left after all rounds; rounds that an earlier run has recorded are not repeated."""
    left = list(basis.plan.tasks)
    for length in round_lengths(basis.periods):
        kept = max(-(-len(left) // 2), KEPT)
        if kept >= len(left):
            break
        numbers = set(basis.sweep.variants.filter(sessions=length).values_list("number", flat=True))
        if len(numbers) != len(left) - kept:
            numbers = _drop(basis, left, length, kept)
        left = [option for option in left if option.number not in numbers]
    return left


def _drop(basis: SweepBasis, options: list[Variant], length: int, kept: int) -> set[int]:
    """The numbers of the variants that drop out of a round, recorded."""
    scorer = VariantScorer(basis.plan.record, basis.periods.sessions[:length])
    batches = variant_batches(options)
    rows = [row for batch in basis.judged(scorer, batches, len(options)) for row in batch]
    rows.sort(key=lambda row: (-(row.sharpe or 0.0), row.number))
    with transaction.atomic():
        save_variants(rows[kept:])
    return {row.number for row in rows[kept:]}


def round_counts(sweep: Sweep, periods: Periods) -> list[dict[str, Any]]:
    """The sessions of each round, how many variants it judged and how many it kept."""
    left, rounds = sweep.variants.count(), []
    for length in round_lengths(periods):
        dropped = sweep.variants.filter(sessions=length).count()
        if dropped:
            rounds.append({"sessions": length, "variants": left, "kept": left - dropped})
        left -= dropped
    return rounds
