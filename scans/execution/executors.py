"""Executors of pieces: inline, threads, processes or a Dask cluster; the result is the same.

`auto` chooses by how many cells (sessions x instruments) there are. Most of the work is whole-array operations that
release the interpreter, so threads share it well; a process pays with half a second of start-up and with sending its
features back, and on two cores it won nowhere (`python -m tests.benchmarks executors`; README), so `auto`
never chooses it: it is for many cores, or an engine that keeps the interpreter busy. On AWS Lambda, which has no
shared memory for process pools, `auto` means threads; so does `process` in a daemon, which may have no children. A task
worker is none.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from marketdata.context_threads import ContextThreadPool
from marketdata.nearest_name import did_you_mean
from marketdata.operations.processes import end_with_parent
from scans.execution.cost import Cost, StageMeter, resident_memory
from scans.execution.dask_cluster import NO_CLUSTER, Cluster, cluster_pool
from scans.execution.shards import EngineTask, PanelReader, Piece, compute_piece, instrument_slices

CHOICES = ("auto", "inline", "thread", "process", "dask", "group")

THREADS_FROM = 6_000_000
"""Sessions x instruments from which threads are quicker than one."""


def choose_executor(executor: str, cells: int) -> str:
    """The executor that `auto` chooses; any other name is returned as it is. ValueError for an unknown name."""
    if executor not in CHOICES:
        raise ValueError(
            f"Unknown executor {executor!r}: choose among {', '.join(CHOICES)}.{did_you_mean(executor, CHOICES)}"
        )
    if executor == "process" and multiprocessing.current_process().daemon:
        return "thread"
    if executor not in ("auto", "group"):
        return executor
    if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
        return "thread"
    return "thread" if cells >= THREADS_FROM and cores() > 1 else "inline"


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class PieceCosts:
    """The cost of all pieces together: of reading, and of each task's features. Seconds of pieces that ran side by side
    are shares of the time that passed. `bars` were read, by `executor`; `memory` are the peak bytes of child
    processes."""

    read: Cost
    tasks: list[Cost]
    bars: int
    executor: str
    memory: int = 0


def compute_pieces(
    window: PanelReader,
    tasks: Sequence[EngineTask],
    *,
    executor: str = "auto",
    workers: int = 0,
    cluster: Cluster = NO_CLUSTER,
) -> tuple[list[Piece], PieceCosts]:
    """The pieces of `window` for all `tasks`, in the order of the instruments, and what they cost.

    workers 0 means one for each core, or for each thread of the `cluster` of the executor dask.
    """
    began = time.perf_counter()
    sessions, instruments = len(window.sessions), len(window.survey.codes)
    chosen = choose_executor(executor, sessions * instruments)
    if chosen == "inline":
        threads = min(workers or cores(), 2)
        parts = instrument_slices(sessions, instruments, 1, len(tasks))
        pieces = [compute_piece(window, tasks, part, threads) for part in parts]
        return pieces, join_costs(pieces, len(tasks), chosen)
    with _pool(chosen, workers, cluster) as (pool, workers):
        parts = instrument_slices(sessions, instruments, workers, len(tasks))
        futures = [pool.submit(_piece_and_memory, chosen, window, tasks, part) for part in parts]
        try:
            results = [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    pieces = [piece for piece, _, _ in results]
    memory = {process: 0 for _, process, _ in results}
    for _, process, peak in results:
        memory[process] = max(memory[process], peak)
    costs = join_costs(pieces, len(tasks), f"{chosen} x{workers}", time.perf_counter() - began)
    return pieces, replace(costs, memory=sum(memory.values()))


def _piece_and_memory(
    chosen: str, window: PanelReader, tasks: Sequence[EngineTask], part: slice
) -> tuple[Piece, int, int]:
    """A piece, and the process that computed it with its own peak bytes (0: a thread)."""
    meter = StageMeter(baseline=None if chosen == "thread" else resident_memory())
    piece = compute_piece(window, tasks, part, 1)
    return piece, os.getpid(), meter.cost().memory


def join_costs(pieces: Sequence[Piece], tasks: int, executor: str, passed: float | None = None) -> PieceCosts:
    """The costs of `pieces`, their seconds as shares of those that passed."""
    read = sum((piece.read for piece in pieces), Cost())
    costs = [sum((piece.task_costs[n] for piece in pieces), Cost()) for n in range(tasks)]
    spent = sum(cost.seconds for cost in (read, *costs))
    share = 1.0 if passed is None or not spent else passed / spent
    read, *costs = (replace(cost, seconds=cost.seconds * share) for cost in (read, *costs))
    return PieceCosts(read, costs, sum(piece.bars for piece in pieces), executor)


@contextmanager
def _pool(chosen: str, workers: int, cluster: Cluster) -> Iterator[tuple[Executor, int]]:
    """The pool, and how many work in it."""
    if chosen == "dask":
        with cluster_pool(cluster) as (remote, threads):
            yield remote, workers or threads
        return
    workers = workers or cores()
    if chosen == "thread":
        pool: Executor = ContextThreadPool(workers)
    else:
        from concurrent.futures import ProcessPoolExecutor  # no scan but one in processes imports it

        # Spawned, not forked: a fork would copy open database connections and Arrow's thread pool.
        # They end with the process that has them, also where that is a task worker that is killed.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_parent)
    with pool:
        yield pool, workers
