"""Tokens shared by the processes of one host where there is no Redis: one file a key, readable by its owner alone.

A file is replaced whole (temporary file, rename), and every change happens under a lock on a second file, so that a
process that dies leaves either the old token or the new one. The name holds a hash of the key, never the key.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from marketdata.sources.base import SourceRefused
from marketdata.sources.kis.token_stores import Token


@dataclass(frozen=True, slots=True)
class _Record:
    """The content of a file. `claimed_until`: seconds since 1970 UTC."""

    value: str = ""
    expires_at: float = 0.0
    claimed_until: float = 0.0


class FileTokens:
    """Tokens in a folder; see `TokenStore`."""

    blocking = True

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    def load(self, key: str) -> Token | None:
        record = self._read(key)
        return Token(record.value, record.expires_at) if record.value else None

    def swap(self, key: str, old: str | None, new: Token) -> bool:
        with self._locked(key):
            record = self._read(key)
            if (record.value or None) != old:
                return False
            self._write(key, replace(record, value=new.value, expires_at=new.expires_at))
            return True

    def claim(self, key: str, seconds: float) -> bool:
        with self._locked(key):
            record = self._read(key)
            if record.claimed_until > self._clock():
                return False
            self._write(key, replace(record, claimed_until=self._clock() + seconds))
            return True

    def release(self, key: str) -> None:
        with self._locked(key):
            self._write(key, replace(self._read(key), claimed_until=0.0))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key.replace(':', '-')}.json"

    def _read(self, key: str) -> _Record:
        try:
            with self._file_errors():
                return _Record(**json.loads(self._path(key).read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return _Record()  # no file yet, or a damaged one: a new token is requested

    def _write(self, key: str, record: _Record) -> None:
        path = self._path(key)
        handle, draft = tempfile.mkstemp(dir=self._folder)  # readable by its owner alone
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(asdict(record), stream)
        Path(draft).replace(path)

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        with self._file_errors():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._path(key).with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
            finally:
                os.close(lock)

    @contextmanager
    def _file_errors(self) -> Iterator[None]:
        """Errors of the file system, but for a missing file, as SourceRefused."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise SourceRefused(
                f"The token of KIS cannot be shared in {self._folder} ({error.strerror}): let this user read and "
                "write there, or set REDIS_URL."
            ) from None
