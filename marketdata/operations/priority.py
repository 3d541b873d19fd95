"""Priority of a task worker's threads: what computes leaves the processor to others; what writes does not, nor what
readers wait for.

A writer of low priority that a busy host did not let run kept SQLite locked for seconds, so that a request of one
session could not even be queued. On Linux each thread has a niceness of its own (sched(7)).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from django.db import close_old_connections, transaction

from marketdata.context_threads import ContextThreadPool

R = TypeVar("R")


class UrgentThread:
    """The thread of this process that others wait for, None where every thread has the same priority."""

    pool: ContextThreadPool | None = None


def compute_last(niceness: int) -> None:
    """Give this thread, and those that it starts from now on, so much niceness; `without_niceness` keeps the
    present one."""
    UrgentThread.pool = ContextThreadPool(1, "urgent")
    UrgentThread.pool.submit(os.getpid).result()  # the thread starts with the first call
    os.setpriority(os.PRIO_PROCESS, 0, niceness)


def without_niceness(call: Callable[[], R]) -> R:
    """The result of a call that others wait for, by the urgent thread where there is one and this thread is not in a
    transaction."""
    if UrgentThread.pool is None or transaction.get_connection().in_atomic_block:
        return call()
    return UrgentThread.pool.submit(_with_connection, call).result()


def _with_connection(call: Callable[[], R]) -> R:
    close_old_connections()
    return call()
