"""manage.py qcluster: django-q2's task worker, which ends in order when its whole process group receives SIGTERM.

The main process ends its sentinel, and that the workers, each after the task in hand, through locks that they share. A
supervisor such as systemd, though, sends SIGTERM to all of them: the sentinel died of it in the middle of a wait, and
the main process waited for its answer for ever. Here only the main process acts on the signal.
"""

from __future__ import annotations

import signal
from typing import Any

from django_q import cluster
from django_q.management.commands import qcluster as queue_command


class Sentinel(cluster.Sentinel):  # type: ignore[misc]
    """A sentinel that SIGTERM does not end, with workers that it does not end either.

    The signal is held back until `start`: the base class's first act is to let it kill.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        super().__init__(*args, **kwargs)

    def start(self) -> None:
        """Guard the workers until the main process says that it is over."""
        # A function rather than SIG_IGN, which programs that the workers start would inherit.
        signal.signal(signal.SIGTERM, _leave_to_main)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        super().start()

    def spawn_process(self, target: Any, *args: Any) -> Any:
        """A worker, or a process that hands tasks on; one that must end, since its task took too long, is killed."""
        process = super().spawn_process(target, *args)
        process.terminate = process.kill
        return process


class Cluster(cluster.Cluster):  # type: ignore[misc]
    """The main process: the first signal begins the end, and more of them do not disturb it."""

    def sig_handler(self, signum: int, frame: Any) -> None:
        """End in order."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        super().sig_handler(signum, frame)


def _leave_to_main(signum: int, frame: Any) -> None:
    """Nothing: the main process has had the signal too."""


class Command(queue_command.Command):  # type: ignore[misc]
    """django-q2's command with the classes above."""

    def handle(self, *args: Any, **options: Any) -> None:
        cluster.Sentinel = Sentinel
        queue_command.Cluster = Cluster
        super().handle(*args, **options)
