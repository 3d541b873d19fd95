"""Executors of pieces: inline, threads or processes; the result is the same.

`auto` chooses by how many cells (sessions x instruments) there are. Most of the work is whole-array operations that
release the interpreter, so threads share it well; a process pays with half a second of start-up and with sending its
features back, and on two cores it won nowhere (`python -m tests.benchmarks executors`; README), so `auto`
never chooses it: it is for many cores, or an engine that keeps the interpreter busy. On AWS Lambda, which has no
shared memory for process pools, `auto` means threads; so does `process` in a task worker, which may have no children.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor

from marketdata.context_threads import ContextThreadPool
from marketdata.nearest_name import did_you_mean
from scans.execution.shards import EngineTask, PanelReader, Piece, compute_piece, instrument_slices

CHOICES = ("auto", "inline", "thread", "process")

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
    if executor != "auto":
        return executor
    if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
        return "thread"
    return "thread" if cells >= THREADS_FROM and cores() > 1 else "inline"


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compute_pieces(
    window: PanelReader, tasks: Sequence[EngineTask], *, executor: str = "auto", workers: int = 0
) -> tuple[list[Piece], str]:
    """The pieces of `window` for all `tasks`, in the order of the instruments, and the executor that was used.

    workers 0 means one for each core.
    """
    sessions, instruments = len(window.sessions), len(window.survey.codes)
    chosen = choose_executor(executor, sessions * instruments)
    workers = workers or cores()
    if chosen == "inline":
        threads = min(workers, 2)
        parts = instrument_slices(sessions, instruments, 1, len(tasks))
        return [compute_piece(window, tasks, part, threads) for part in parts], chosen
    parts = instrument_slices(sessions, instruments, workers, len(tasks))
    with _pool(chosen, workers) as pool:
        futures = [pool.submit(compute_piece, window, tasks, part, 1) for part in parts]
        try:
            pieces = [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return pieces, f"{chosen} x{workers}"


def _pool(chosen: str, workers: int) -> Executor:
    if chosen == "thread":
        return ContextThreadPool(workers)
    # Spawned, not forked: a fork would copy open database connections and Arrow's thread pool.
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
