"""Answers that the processes of one server pass to each other, on one machine: files under a lock of the kernel.

Of the processes that need the same answer at once, one computes it; the others wait and read it (`turn`). Without a
cache server each process keeps its own answers, so the answer itself is passed on in a file (`read`, `write`); with one
the lock alone is used. Where the directory cannot be used, every process computes for itself.

A file has the name of the server's run and of the key, which changes with everything that the answer depends on: no
file is read by a later run, of which the code may be another. The newest `MOST` files are kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from caching import serializer

LOGGER = logging.getLogger(__name__)
MOST = 200
"""Files that are kept, those of ended runs included."""
SWEPT_AFTER = 20
"""Files that a process writes before it removes the oldest ones."""
LOOK_AGAIN = 0.001
PLACES = 2**31
"""Bytes of the lock file that keys are spread over: two that share one wait for each other, no more."""


class SharedAnswers:
    """The answers of the processes of one run; none until `start`."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._run, self._locks, self._written = "", -1, 0
        self._lock = threading.Lock()

    def start(self, folder: Path, secret: bytes) -> None:
        """Share answers in `folder` with the processes that have the same secret, which each run draws anew."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Open for good: closing any descriptor of a file ends all locks that the process has on it.
            self._locks = os.open(folder / "locks", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            LOGGER.warning("The processes of this server do not share answers: %s", error)
            return
        self._folder, self._run = folder, hashlib.blake2b(secret, digest_size=12).hexdigest()

    def stop(self) -> None:
        """Share nothing from now on."""
        if self._folder is not None:
            self._folder = None
            os.close(self._locks)

    @contextlib.contextmanager
    def turn(self, key: str, deadline: float) -> Iterator[bool]:
        """Wait until no other process computes the answer of `key`, to `deadline` (monotonic) at most; whether there
        was one to wait for. The kernel ends the turn of a process that dies."""
        waited = has_turn = False
        place = int.from_bytes(self._digest(key)[:8]) % PLACES
        while self._folder is not None:
            try:
                fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
                has_turn = True
            except BlockingIOError:
                waited = True
                if time.monotonic() < deadline:
                    time.sleep(LOOK_AGAIN)
                    continue
            except OSError as error:  # a file system without locks
                LOGGER.warning("The processes of this server do not wait for each other: %s", error)
            break
        try:
            yield waited
        finally:
            if has_turn and self._folder is not None:
                with contextlib.suppress(OSError):
                    fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, place)

    def read(self, key: str, ttl: float) -> tuple[object, float] | None:
        """The answer of another process with the seconds it is valid for, of `ttl`; None where there is none."""
        folder = self._folder
        if folder is None:
            return None
        try:
            with self._file(folder, key).open("rb") as file:
                left = ttl - (time.time() - os.fstat(file.fileno()).st_mtime)
                return (serializer.unpack(file.read()), left) if 0 < left <= ttl else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            LOGGER.warning("An answer of another process could not be read: %s", error)
            return None

    def write(self, key: str, value: object) -> None:
        """Pass an answer on, whole; one that is no plain data stays with this process."""
        folder = self._folder
        if folder is None:
            return
        try:
            content = serializer.pack(value)
            handle, draft = tempfile.mkstemp(prefix="draft-", dir=folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                os.replace(draft, self._file(folder, key))
            except OSError:
                os.unlink(draft)
                raise
            with self._lock:
                self._written += 1
                is_due = self._written % SWEPT_AFTER == 0
            if is_due:
                self._sweep(folder)
        except (OSError, ValueError, TypeError, OverflowError) as error:
            LOGGER.warning("An answer could not be passed to other processes: %s", error)

    def forget(self, key: str) -> None:
        """Drop the answer of `key`."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._file(self._folder, key).unlink()

    def _digest(self, key: str) -> bytes:
        return hashlib.blake2b(key.encode(), digest_size=16).digest()

    def _file(self, folder: Path, key: str) -> Path:
        return folder / f"{self._run}-{self._digest(key).hex()}"

    def _sweep(self, folder: Path) -> None:
        """Remove all but the newest files."""
        ages: list[tuple[float, str]] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name != "locks":
                    with contextlib.suppress(FileNotFoundError):  # another process sweeps too
                        ages.append((entry.stat().st_mtime, entry.path))
        for _, path in sorted(ages, reverse=True)[MOST:]:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


SHARED = SharedAnswers()
