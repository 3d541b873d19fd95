"""Questions that may never be answered, asked so that whoever wants to know does not wait forever."""

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
    """A question that is asked in a thread of its own, with its own database connection.

    Whoever asks while it is under way waits for the same answer: however many ask, one thread hangs on a server that
    does not answer. After `GIVE_UP` seconds that thread is left alone and the next one to ask begins anew.
    """

    def __init__(self, ask: Callable[[], R], *, needs_database: bool) -> None:
        self.needs_database = needs_database
        self._ask = ask
        self._lock = threading.Lock()
        self._asked: Future[R] | None = None
        self._since = 0.0

    def begin(self) -> Future[R]:
        """The answer to come; what the question raises is raised by its `result`, TimeoutError where that has been
        waited for long enough."""
        with self._lock:
            now = time.monotonic()
            if self._asked is None or self._asked.done() or now - self._since > GIVE_UP:
                self._asked, self._since = Future(), now
                work = context_thread(_answer, self._asked, self._ask)
                work.start()
            return self._asked


def _answer(asked: Future[R], ask: Callable[[], R]) -> None:
    try:
        found = ask()
    except BaseException as error:  # whoever asked is told, whatever it is
        connections.close_all()
        asked.set_exception(error)
    else:
        connections.close_all()
        asked.set_result(found)
