"""The web server and a task worker together: `python -m seismo_site.serve PORT`.

Each is a process in a session of its own, so that an interrupt of the terminal reaches this process alone, which then
ends both in order. Where one of them ends by itself, so does the other.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

SERVER = (
    "granian --interface wsgi --workers 2 --blocking-threads 1 --workers-kill-timeout 5 --host 127.0.0.1 "
    "--log-level warning seismo_site.wsgi:application"
)


def commands(port: str) -> tuple[list[str], ...]:
    """The command of the server and that of the worker."""
    return ([sys.executable, "-m", *SERVER.split(), "--port", port], [sys.executable, "manage.py", "qcluster"])


def run_together(programs: Sequence[Sequence[str]]) -> int:
    """Run the programs until one of them ends or this process gets SIGINT or SIGTERM; then end all. Returns the status
    of the first that ended by itself, 0 after a signal."""
    processes: dict[int, subprocess.Popen[bytes]] = {}
    stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        end_all()

    def end_all() -> None:
        for process in processes.values():
            if process.returncode is None:
                process.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    for program in programs:
        process = subprocess.Popen(program, start_new_session=True)  # noqa: S603
        processes[process.pid] = process
    first, state = os.wait()
    processes[first].returncode = os.waitstatus_to_exitcode(state)
    end_all()
    for process in processes.values():
        process.wait()
    return 0 if stopped else processes[first].returncode


if __name__ == "__main__":
    sys.exit(run_together(commands(sys.argv[1])))
