"""A lease: work of one name is done by one process at a time, over all processes and hosts that share the database.

1. A holder is a row (`LeaseRow`) with a fence of its own. Taking it is an INSERT, or an UPDATE conditional on the fence
   of a holder that is gone; of two that try, the database lets one through.
2. During the block a thread writes a heartbeat every `BEAT` seconds, by the database's clock.
3. A holder is gone when its process has ended on this host, or has written no heartbeat for `SILENCE` seconds where
   this host cannot see the process, or for `STALLED` where the process exists and writes none.
4. `check` inside the transaction that publishes is the fence: it renews the row of this fence, and raises LeaseLost
   where another process took the lease over, so that nothing of the late holder is committed.

A row of a dead process stays until the next holder replaces it; nothing has to be cleaned up.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.db.models.functions import Now

from marketdata.context_threads import context_thread
from marketdata.errors import DataProblem
from marketdata.models import LeaseRow
from marketdata.operations.processes import is_running, this_process

BEAT = 10.0
SILENCE = timedelta(seconds=60)
STALLED = timedelta(minutes=15)
LOOK_AGAIN = 0.2
LOGGER = logging.getLogger(__name__)


class LeaseTaken(DataProblem):
    """Another process does this work now: `since` (UTC) and `holder`, a description of the process."""

    def __init__(self, name: str, since: datetime, holder: str) -> None:
        super().__init__(
            f"The {name} is at work in another process ({holder}, since {since:%Y-%m-%d %H:%M:%S} UTC): wait until it "
            "has ended, then run this again."
        )
        self.since, self.holder = since, holder


class LeaseLost(Exception):
    """Another process took the work over while this one was silent: this one must stop and publish nothing."""


class Lease:
    """A context manager that holds the lease `name` (a noun that follows "The": "evening of market kr").

    LeaseTaken where another process, or another thread of this one, has it for longer than `patience` seconds. Within a
    transaction that the caller has open no other process sees the row, and no heartbeat is written.
    """

    def __init__(self, name: str, *, patience: float = 0.0) -> None:
        self.name = name
        self._patience = patience
        self._fence = uuid.uuid4().hex
        self._over = threading.Event()
        self._is_lost = False
        self._heartbeat: threading.Thread | None = None

    def __enter__(self) -> Self:
        until = time.monotonic() + self._patience
        while not self._take():
            holder = _holder(self.name)
            if holder is None:
                continue  # ended in between
            if time.monotonic() >= until:
                process = f"process {holder.pid} on {holder.hostname}"
                raise LeaseTaken(self.name, holder.taken_at, process)
            time.sleep(LOOK_AGAIN)
        if not connection.in_atomic_block:
            self._heartbeat = context_thread(self._run_heartbeat, name=f"lease {self.name}")
            self._heartbeat.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        try:
            self._own_row().delete()
        except DatabaseError:
            if kind is None:
                raise
            LOGGER.exception("The lease %r was not released", self.name)  # the error itself goes on
        if self._heartbeat is not None:
            self._heartbeat.join(SILENCE.total_seconds())

    def check(self) -> None:
        """Renew the lease; LeaseLost where another process has it. Call it inside the transaction that publishes."""
        if self._is_lost or not self._renew():
            self._is_lost = True
            raise LeaseLost(
                f"The {self.name} was silent for too long, and another process took it over: nothing more is "
                "published here."
            )

    def _own_row(self) -> QuerySet[LeaseRow]:
        return LeaseRow.objects.filter(name=self.name, fence=self._fence)

    def _renew(self) -> bool:
        return bool(self._own_row().update(beat_at=Now()))

    def _take(self) -> bool:
        process = this_process()
        values = {
            "fence": self._fence,
            "host": process.host,
            "hostname": process.hostname[:120],
            "pid": process.pid,
            "process_started": process.started,
            "taken_at": Now(),
            "beat_at": Now(),
        }
        row = _rows([self.name]).first()
        if row is None:
            try:
                with transaction.atomic():
                    LeaseRow.objects.create(name=self.name, **values)
            except IntegrityError:
                return False  # another process was first
            return True
        if not _is_gone(row):
            return False
        LOGGER.warning("The %s of process %d on %s was lost", self.name, row.pid, row.hostname)
        same = LeaseRow.objects.filter(name=self.name, fence=row.fence)
        return bool(same.update(**values))

    def _run_heartbeat(self) -> None:
        """The heartbeat's thread. Where the database is unavailable, or locked by a long write, or memory is
        short, it tries again."""
        while not self._over.wait(BEAT):
            try:
                is_mine = self._renew()
            except (DatabaseError, MemoryError) as error:
                LOGGER.warning("No heartbeat of the lease %r: %s", self.name, error or "not enough memory")
            else:
                if not is_mine:
                    if not self._over.is_set():
                        self._is_lost = True
                        LOGGER.error("The lease %r was taken over", self.name)
                    return
            finally:
                connection.close()  # a connection of this thread, which others may need more


def is_active(name: str) -> bool:
    """Whether a running process has the lease."""
    return _holder(name) is not None


def active_silences(prefix: str) -> dict[str, timedelta]:
    """The names of the leases of running processes that begin with `prefix`, each with the time since its last
    heartbeat."""
    rows = _with_silence().filter(name__startswith=prefix)
    return {row.name: row.silent_for for row in rows if not _is_gone(row)}  # type: ignore[attr-defined]


def delete_inactive(prefix: str) -> None:
    """Delete the leases whose name begins with `prefix` and whose process is gone."""
    for row in _with_silence().filter(name__startswith=prefix):
        if _is_gone(row):
            LeaseRow.objects.filter(name=row.name, fence=row.fence).delete()


def inactive(names: Iterable[str]) -> set[str]:
    """The names whose lease no running process has."""
    names = set(names)
    return names - {row.name for row in _rows(names) if not _is_gone(row)}


def _holder(name: str) -> LeaseRow | None:
    row = _rows([name]).first()
    return None if row is None or _is_gone(row) else row


def _rows(names: Iterable[str]) -> QuerySet[LeaseRow]:
    """The rows of these names, each with `silent_for`."""
    return _with_silence().filter(name__in=list(names))


def _with_silence() -> QuerySet[LeaseRow]:
    """All rows, each with `silent_for`, by the database's clock."""
    silent = ExpressionWrapper(Now() - F("beat_at"), output_field=DurationField())
    return LeaseRow.objects.annotate(silent_for=silent)


def _is_gone(row: LeaseRow) -> bool:
    """Whether the holder is gone (3.)."""
    silent: timedelta = row.silent_for  # type: ignore[attr-defined]
    runs = is_running(row.host, row.pid, row.process_started)
    if runs is None:
        return silent > SILENCE
    return not runs or silent > STALLED
