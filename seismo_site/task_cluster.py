"""A cluster of task workers of one queue: django-q2's, which ends in order and leaves no process behind.

django-q2's cluster is a main process, a sentinel, its workers and two processes that hand tasks on. The main process
ends its sentinel, and that the workers, each after the task in hand, through locks that they share. A supervisor such
as systemd, though, sends SIGTERM to all of them: the sentinel died of it in the middle of a wait, and the main process
waited for its answer for ever. Here only the main process acts on the signal. Each process but the first ends with its
parent, so that a killed cluster leaves none behind; what they were at is done again (`tasks.recovery`).
"""

from __future__ import annotations

import os
import signal
from importlib import import_module
from multiprocessing import Event
from time import sleep
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q import cluster, scheduler
from django_q.brokers import get_broker
from django_q.conf import Conf, logger
from django_q.signals import post_spawn

from marketdata.operations.priority import compute_last
from marketdata.operations.processes import end_with_parent
from marketdata.operations.task_queue import queue_key
from marketdata.operations.tasks.attempts import Draining
from marketdata.operations.tasks.recovery import recover
from scans.engines.registry import ENGINES
from seismo_site.process_lock import ProcessLock

NICENESS = 10
"""Of what the workers of `low` compute, so that the server and `high` have the processor first (nice(2))."""

POLL = 0.1
"""Seconds between two looks of an idle cluster of `high` at a queue in the database (django-q2: 0.2). On SQLite ten
looks a second take 3 % of a core; twenty, 6 %."""


class Sentinel(cluster.Sentinel):  # type: ignore[misc]
    """A sentinel that SIGTERM does not end, with workers that it does not end either.

    The signal is held back until `start`: the base class's first act is to let it kill.
    """

    pool: list[Any]
    task_queue: Any
    result_queue: Any
    once = False
    """Whether the cluster ends after the first task."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        end_with_parent()
        os.register_at_fork(after_in_child=end_with_parent)
        self.draining = Event()
        Draining.is_set = self.draining.is_set
        super().__init__(*args, **kwargs)

    def start(self) -> None:
        """Guard the workers until the main process says that it is over."""
        # A function rather than SIG_IGN, which programs that the workers start would inherit.
        signal.signal(signal.SIGTERM, _leave_to_main)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        for queue in (self.task_queue, self.result_queue):  # a killed worker must not keep the others out
            queue._rlock, queue._wlock = ProcessLock(), ProcessLock()
        import_tasks()
        recover_tasks()
        super().start()

    def stop(self) -> None:
        """Have the workers end after the tasks in hand; messages taken in advance are left to others."""
        if not Sentinel.once:
            self.draining.set()
        self.event_out.set()
        while self.pusher.is_alive() and any(worker.is_alive() for worker in self.pool):
            sleep(0.1)
            cluster.Stat(self).save()
        if self.pusher.is_alive():  # it waits for ever for room that no worker makes
            self.pusher.kill()
            self.pusher.join()
        self.pool = [worker for worker in self.pool if worker.is_alive()]
        super().stop()
        recover_tasks()

    def spawn_process(self, target: Any, *args: Any) -> Any:
        """A worker, or a process that hands tasks on; one that must end, since its task took too long, is killed."""
        process = super().spawn_process(target, *args)
        process.terminate = process.kill
        return process

    def reincarnate(self, process: Any) -> None:
        """Start another process in the place of one that died, whose task is done again."""
        super().reincarnate(process)
        recover_tasks()


class Cluster(cluster.Cluster):  # type: ignore[misc]
    """The main process: the first signal begins the end, and more of them do not disturb it."""

    def sig_handler(self, signum: int, frame: Any) -> None:
        """End in order."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        super().sig_handler(signum, frame)


def import_tasks() -> None:
    """Import what tasks need, a second's work, before the workers are forked: the first task of each begins at once,
    and they share the memory. A module that cannot be imported is logged, and the error of the tasks that need it."""
    try:
        for kind in settings.TASK_KINDS.values():
            import_string(kind.function)
        import_module("scans.operations.evening.evening")
        if settings.REDIS_URL:
            import_module("scans.api.warm_up")
        list(ENGINES.values())
    except Exception:
        logger.exception("Not everything that tasks need can be imported")


def recover_tasks() -> None:
    """Recover the tasks of lost workers; what prevents it is logged, and it is tried again in half a minute."""
    try:
        recover(timezone.now())
    except Exception:  # each broker and database has errors of its own
        logger.exception("Tasks of lost workers were not recovered")


def schedule_and_recover(broker: Any = None) -> None:
    """The sentinel's work of every half minute."""
    scheduler.scheduler(broker=broker)
    recover_tasks()


def _leave_to_main(signum: int, frame: Any) -> None:
    """Nothing: the main process has had the signal too."""


def _leave_processor(**_: Any) -> None:
    """In a worker that begins."""
    compute_last(NICENESS)


def run_cluster(queue: str, *, once: bool = False) -> None:
    """Run a cluster of the queue in this process until a signal ends it; `once`: until one task, if any, is done."""
    cluster.Sentinel, cluster.scheduler, Sentinel.once = Sentinel, schedule_and_recover, once
    Conf.CLUSTER_NAME, Conf.WORKERS = queue_key(queue), settings.TASK_WORKERS[queue]
    if queue == "high":
        Conf.POLL = POLL
    elif not once:
        post_spawn.connect(_leave_processor)
    main = Cluster(get_broker(Conf.CLUSTER_NAME))
    main.start()
    if once:
        main.stop()
