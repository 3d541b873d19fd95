"""A supervisor of task clusters: starts, restarts and ends `manage.py qcluster --queue NAME` processes.

1. Every `TICK` seconds it reads the queues and the host, and follows `scaling.Scaler`.
2. A cluster that is no longer needed gets SIGTERM: it finishes the tasks in hand, takes no more, and ends.
3. A cluster that ended by itself is replaced, after a pause that doubles while it keeps ending soon; tasks of a killed
   one are done again at once (`tasks.recovery`).
4. SIGTERM or SIGINT drains every cluster. Where the supervisor itself is killed, its clusters drain by themselves.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from types import FrameType

from django.conf import settings
from django.db import connection
from django.utils import timezone

from marketdata.operations import task_queue
from marketdata.operations.processes import end_with_parent
from marketdata.operations.tasks.recovery import recover, running_counts
from seismo_site.host_load import CpuMeter, memory_left
from seismo_site.scaling import HostLoad, QueueLoad, Scaler

TICK = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
SOON = 30.0
"""A cluster that ends within so many seconds is started again only after a pause."""
LOGGER = logging.getLogger(__name__)


@dataclass
class ClusterProcess:
    """A cluster, since when it runs, and whether it is to end."""

    queue: str
    process: subprocess.Popen[bytes]
    began: float
    is_draining: bool = False


@dataclass
class Supervisor:
    """Clusters of every queue, `least` to `most` in all."""

    least: int
    most: int
    clusters: list[ClusterProcess] = field(default_factory=list)
    pauses: dict[str, float] = field(default_factory=dict)
    ready_at: dict[str, float] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Supervise until SIGTERM or SIGINT, then drain."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        scaler, cpu = Scaler(self.least, self.most), CpuMeter()
        while not self.over.is_set():
            self._reap()
            self._follow(scaler.decide(time.monotonic(), self._loads(), HostLoad(cpu.share(), memory_left())))
            self.over.wait(TICK)
        for each in self.clusters:
            self._drain(each)
        for each in self.clusters:
            each.process.wait()

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.over.set()

    def _loads(self) -> dict[str, QueueLoad]:
        """The load of each queue; without figures where the database or the broker does not answer."""
        active = dict.fromkeys(settings.TASK_QUEUES, 0)
        for each in self.clusters:
            active[each.queue] += not each.is_draining
        try:
            recover(timezone.now())
            running = running_counts()
            return {
                queue.name: QueueLoad(
                    queue.waiting,
                    queue.age.total_seconds() if queue.age else 0.0,
                    running.get(queue.name, 0),
                    queue.workers or 0,
                    active[queue.name],
                )
                for queue in task_queue.queue_states(timezone.now())
            }
        except Exception:  # each broker and database has errors of its own
            LOGGER.exception("The task queues cannot be read")
            connection.close()
            return {name: QueueLoad(0, 0.0, 1, 1, count) for name, count in active.items()}

    def _follow(self, changes: dict[str, int]) -> None:
        for queue, change in changes.items():
            if change > 0 and time.monotonic() >= self.ready_at.get(queue, 0.0):
                command = [sys.executable, sys.argv[0], "qcluster", "--queue", queue]
                process = subprocess.Popen(command, start_new_session=True, preexec_fn=_drain_with_parent)  # noqa: S603
                self.clusters.append(ClusterProcess(queue, process, time.monotonic()))
                LOGGER.info("Cluster %d of queue %s starts", process.pid, queue)
            elif change < 0:
                self._drain([each for each in self.clusters if each.queue == queue and not each.is_draining][-1])

    def _drain(self, cluster: ClusterProcess) -> None:
        if not cluster.is_draining:
            cluster.is_draining = True
            LOGGER.info("Cluster %d of queue %s ends after its tasks", cluster.process.pid, cluster.queue)
            cluster.process.terminate()

    def _reap(self) -> None:
        """Forget clusters that have ended; one that ended by itself soon after its start has its queue wait."""
        for each in [each for each in self.clusters if each.process.poll() is not None]:
            self.clusters.remove(each)
            if each.is_draining:
                continue
            lived, now = time.monotonic() - each.began, time.monotonic()
            pause = min(self.pauses.get(each.queue, FIRST_PAUSE / 2) * 2, LONGEST_PAUSE) if lived < SOON else 0.0
            self.pauses[each.queue] = pause or FIRST_PAUSE / 2
            self.ready_at[each.queue] = now + pause
            LOGGER.error(
                "Cluster %d of queue %s ended with status %d: started again in %g s",
                each.process.pid, each.queue, each.process.returncode, pause,
            )  # fmt: skip


def _drain_with_parent() -> None:
    end_with_parent(signal.SIGTERM)
