"""Health probes with a time limit: calls that may never return, each in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from django.db import connections

from marketdata.context_threads import context_thread

R = TypeVar("R")
GIVE_UP = 30.0  # seconds


class Probe(Generic[R]):
    """A call in a thread of its own, with its own database connection.

    Callers share a call that is under way, so that one thread at most hangs on a server that does not answer. After
    `GIVE_UP` seconds that thread is abandoned and the next caller starts a new one.
    """

    def __init__(self, call: Callable[[], R], *, needs_database: bool) -> None:
        self.needs_database = needs_database
        self._call = call
        self._lock = threading.Lock()
        self._future: Future[R] | None = None
        self._since = 0.0

    def begin(self) -> Future[R]:
        """The future of the call; its `result` raises what the call raised, or TimeoutError."""
        with self._lock:
            now = time.monotonic()
            if self._future is None or self._future.done() or now - self._since > GIVE_UP:
                self._future, self._since = Future(), now
                work = context_thread(_run, self._future, self._call)
                work.start()
            return self._future


def _run(future: Future[R], call: Callable[[], R]) -> None:
    try:
        result = call()
    except BaseException as error:  # the waiting callers get it
        connections.close_all()
        future.set_exception(error)
    else:
        connections.close_all()
        future.set_result(result)
