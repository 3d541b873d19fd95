"""Batches of a sweep on the workers of a Dask cluster, each a process with the same database and lake.

1. The host sends a batch as the request of the sweep and the numbers of its variants.
2. A worker makes the same plan of its own record, which must have the same bars, reads the lake and judges the batch
   (`judge_batch`), its instruments in pieces that bound memory.
3. The host records what comes back, in whatever order. The batch of a worker that dies goes to another one.

Batches are those of a sweep on one host, so every figure is the same to its last digit. Workers are started with
`--preload seismo_site.dask_worker`, since judging needs the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured
from django.db import connections

import scans
from scans.execution.dask_cluster import Cluster, ClusterProblem, cluster_pool, submit_pickled
from scans.feature_cache import entries
from scans.models import Sweep, SweepVariant
from scans.operations.research.sweep_plan import SweepPlan, SweepRequest
from scans.operations.research.variant_picks import VariantScorer
from scans.operations.research.variant_records import Batch, SweepBasis, judge_variants

EVALUATION_PATHS = ((scans, ("evaluation", "operations/evaluation", "operations/research")),)
"""The code that figures depend on, beside that of features."""


@dataclass(frozen=True, slots=True)
class BatchJob:
    """The variants `numbers` of a sweep, to be judged on its first `sessions` sessions of the bars `data_digest`."""

    request: SweepRequest
    numbers: tuple[int, ...]
    sessions: int
    data_digest: str


def judge_on_cluster(
    basis: SweepBasis, scorer: VariantScorer, batches: Iterable[Batch], count: int
) -> Iterator[list[SweepVariant]]:
    """The rows of each batch, not saved, as `variant_records.judge_here`, in the order in which workers end.
    ClusterProblem where there is no cluster, or its workers lack the settings, the release, the database or the
    bars."""
    plan, sessions = basis.plan, len(scorer.days)
    jobs = [
        BatchJob(plan.request, tuple(option.number for option in batch), sessions, plan.data_digest)
        for batch in batches
    ]
    done = count - sum(len(job.numbers) for job in jobs)
    if not jobs:
        return
    try:
        with cluster_pool(Cluster(settings.DASK_SCHEDULER, sweep_code_digest)) as (pool, _):
            futures = [submit_pickled(pool, judge_batch, job) for job in jobs]
            try:
                for future in as_completed(futures):
                    rows = future.result()
                    done += len(rows)
                    if basis.progress:
                        basis.progress(done, count)
                    yield rows
            finally:
                for future in futures:
                    future.cancel()
    except (AppRegistryNotReady, ImproperlyConfigured) as error:
        raise ClusterProblem(
            "The workers have no settings: start them with "
            f"`dask worker {settings.DASK_SCHEDULER} --preload seismo_site.dask_worker`."
        ) from error


def judge_batch(job: BatchJob) -> list[SweepVariant]:
    """The rows of a batch, on a worker. ClusterProblem where it sees another record."""
    try:
        plan = SweepPlan.of(job.request)
        sweep = Sweep.objects.filter(slug=job.request.slug).first()
        if sweep is None or plan.data_digest != job.data_digest:
            raise ClusterProblem(
                f"A worker sees another record of market {job.request.market} than the sweep {job.request.slug}: give "
                "all workers the same database (DATABASE_URL) and lake."
            )
        basis = SweepBasis(sweep, plan)
        numbers = set(job.numbers)
        options = [option for option in plan.tasks if option.number in numbers]
        scorer = VariantScorer(plan.record, plan.periods.sessions[: job.sessions])
        return judge_variants(basis, scorer, options, done=0, count=len(options))
    finally:
        connections.close_all()  # a worker may be idle for hours until its next batch


@cache
def sweep_code_digest() -> str:
    """A digest of the code that judges variants."""
    return entries.source_digest((*entries.SOURCE_PATHS, *EVALUATION_PATHS))
