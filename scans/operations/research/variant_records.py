"""The judgement of variants of a sweep over its first sessions, and the table rows of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np

from marketdata.errors import DataProblem
from marketdata.panel import Floats
from scans.evaluation.deflated_sharpe import sharpe_ratios
from scans.execution.shards import EngineTask
from scans.models import Sweep, SweepStatus, SweepVariant
from scans.operations.research.grid import Variant
from scans.operations.research.periods import Periods
from scans.operations.research.sweep_plan import SweepPlan
from scans.operations.research.variant_picks import VariantPicks, VariantScorer
from scans.operations.research.variants_evidence import all_figures, variants_evidence
from scans.operations.scan.run import thin_sessions

BATCH = 100
"""Variants that are judged together."""

Batch: TypeAlias = Sequence[Variant]
Progress = Callable[[int, int], None]
"""Called with how many of how many variants have picks."""
Judge: TypeAlias = "Callable[[SweepBasis, VariantScorer, Iterable[Batch], int], Iterator[list[SweepVariant]]]"


class SweepCancelled(DataProblem):
    """The sweep was cancelled; what it had judged is recorded."""


@dataclass(frozen=True, slots=True)
class SweepBasis:
    """A running sweep and its plan. `judge`: where batches are judged."""

    sweep: Sweep
    plan: SweepPlan
    progress: Progress | None = None
    judge: Judge | None = None

    @property
    def periods(self) -> Periods:
        return self.plan.periods

    def judged(self, scorer: VariantScorer, batches: Iterable[Batch], count: int) -> Iterator[list[SweepVariant]]:
        """The rows of each of `batches`, of `count` variants in all, judged on the sessions of `scorer`."""
        return (self.judge or judge_here)(self, scorer, batches, count)


def variant_batches(options: Sequence[Variant]) -> list[Batch]:
    """`options` in batches."""
    return [options[low : low + BATCH] for low in range(0, len(options), BATCH)]


def judge_here(
    basis: SweepBasis, scorer: VariantScorer, batches: Iterable[Batch], count: int
) -> Iterator[list[SweepVariant]]:
    """The rows of each batch, not saved, one batch after the other in this process."""
    done = 0
    for batch in batches:
        yield judge_variants(basis, scorer, batch, done=done, count=count)
        done += len(batch)


def judge_variants(
    basis: SweepBasis, scorer: VariantScorer, options: Sequence[Variant], *, done: int, count: int
) -> list[SweepVariant]:
    """The rows of `options`, not saved, judged on the sessions of `scorer`; SweepCancelled after `cancel_sweep`.
    `done` of `count` variants are judged already. The daily returns end with the test period's beginning, and with the
    last session where `scorer` has fewer sessions: from there on they would lack holdings."""
    refuse_cancelled(basis.sweep)
    progress = None if basis.progress is None else partial(_shift, basis.progress, done, count)
    picks = sweep_picks(scorer, {option: basis.plan.tasks[option] for option in options}, progress)
    request = replace(basis.plan.evaluation, last=scorer.days[-1].item())
    together = variants_evidence(picks, request, scorer.record, scorer.days)
    figures, returns = all_figures(together, basis.sweep.horizon)
    periods = basis.periods
    returns = returns[: periods.test if len(scorer.days) == len(periods.seen) else len(scorer.days)]
    sharpe = sharpe_ratios(returns)
    return [
        SweepVariant(
            sweep=basis.sweep,
            number=own.variant.number,
            params=dict(own.variant.values),
            figures=figures[n],
            sharpe=float(sharpe[n]),
            sessions=len(returns),
            returns=np.ascontiguousarray(returns[:, n]).tobytes(),
        )
        for n, own in enumerate(picks)
    ]


def save_variants(rows: Sequence[SweepVariant]) -> None:
    """Record `rows` but those that another run has recorded meanwhile."""
    SweepVariant.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


def variant_returns(rows: Sequence[SweepVariant]) -> Floats:
    """The daily returns of `rows` (S, V), NaN after the last session that a variant was judged on."""
    series = [np.frombuffer(bytes(row.returns)) for row in rows]
    returns = np.full((max(map(len, series)), len(rows)), np.nan)
    for n, own in enumerate(series):
        returns[: len(own), n] = own
    return returns


def refuse_cancelled(sweep: Sweep) -> None:
    """SweepCancelled after `cancel_sweep`."""
    if Sweep.objects.filter(pk=sweep.pk, status=SweepStatus.CANCELLED).exists():
        raise SweepCancelled(f"The sweep {sweep.slug} was cancelled: run the same command again to go on.")


def _shift(progress: Progress, done: int, count: int, batch: int, _: int) -> None:
    progress(done + batch, count)


def sweep_picks(
    scorer: VariantScorer, tasks: Mapping[Variant, EngineTask], progress: Progress | None = None
) -> list[VariantPicks]:
    """The picks of every variant on the sessions of `scorer`."""
    thin = np.flatnonzero(np.isin(scorer.days.astype(str), list(thin_sessions(scorer.record, scorer.days))))
    rows = []
    for picks in scorer.variant_picks(tasks, thin):
        rows.append(picks)
        if progress:
            progress(len(rows), len(tasks))
    return rows
