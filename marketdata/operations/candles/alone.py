"""One collection of a series at a time, in all processes.

PostgreSQL keeps an advisory lock for as long as the connection lives, a file lock lasts as long as its process: however
a collection ends, nothing is left behind that would keep the next one out.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from marketdata.errors import DataProblem


class SeriesBusy(DataProblem):
    """Somebody else collects this series now."""


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Hold the series called `name` for the block; SeriesBusy where another process holds it."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
    holding = _advisory(digest) if connection.vendor == "postgresql" else _file(digest)
    with holding as held:
        if not held:
            raise SeriesBusy(
                f"{name} is being collected by another process: wait until it has ended, then run this again "
                "(what it has recorded is not asked for twice)."
            )
        yield


@contextmanager
def _advisory(digest: str) -> Iterator[bool]:
    key = [int(digest, 16) - 2**63]  # a signed number of 64 bits
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", key)
        held: bool = cursor.fetchone()[0]
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", key)


@contextmanager
def _file(digest: str) -> Iterator[bool]:
    folder = Path(settings.DATA_DIR) / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"candles-{digest}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
