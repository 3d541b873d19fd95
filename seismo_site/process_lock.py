"""A lock between processes that the kernel releases when its holder dies.

A worker that waits for a task holds the lock of the queue's reading end. That of `multiprocessing` is a semaphore,
which is never released once its holder is killed: no other worker of the cluster would ever take a task, nor would the
cluster end.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time

LOOK_AGAIN = 0.01


class ProcessLock:
    """In the place of `multiprocessing.Lock` in processes forked from the one that made it: a record lock (fcntl(2)) on
    an unnamed file. Threads of one process do not exclude each other."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile() as file:
            self._file = os.dup(file.fileno())

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take the lock, waiting for `timeout` seconds at most (None: for ever); returns whether it was taken."""
        if block and timeout is None:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            return True
        until = time.monotonic() + (timeout or 0.0 if block else 0.0)
        while True:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() >= until:
                    return False
                time.sleep(LOOK_AGAIN)
            else:
                return True

    def release(self) -> None:
        """Release the lock."""
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
