"""Rate-limit states shared by the processes of one host through rows of a SQLite file of their own.

They are not in the record's file where that is SQLite: recording a batch locks it for longer than the spacing of calls.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from marketdata.database_damage import is_damage
from marketdata.sources.base import SourceUnavailable
from marketdata.sources.http.rate_limit import RateLimitState
from marketdata.sources.http.rate_limit_stores import StoredState

PATIENCE = 30.0
"""Seconds that a process waits while others lock the file."""
_TABLE = "CREATE TABLE IF NOT EXISTS pace (name TEXT PRIMARY KEY, state TEXT NOT NULL)"


class SqliteRateLimits:
    """One row a group. The wall clock, which is the same for all processes of a host."""

    blocking = True

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._local = threading.local()

    def read(self, key: str) -> StoredState:
        with self._database() as db:
            row = db.execute("SELECT state FROM pace WHERE name = ?", (key,)).fetchone()
        return StoredState(RateLimitState.of_text(row[0]) if row else RateLimitState(), self._clock(), row and row[0])

    def swap(self, key: str, expected: StoredState, new: RateLimitState) -> bool:
        with self._database() as db:
            if expected.version is None:
                cursor = db.execute("INSERT OR IGNORE INTO pace VALUES (?, ?)", (key, new.text()))
            else:
                cursor = db.execute(
                    "UPDATE pace SET state = ? WHERE name = ? AND state = ?", (new.text(), key, expected.version)
                )
        return cursor.rowcount == 1

    def close(self) -> None:
        db = getattr(self._local, "db", None)
        if db is not None:
            db.close()
            del self._local.db

    def _connection(self) -> sqlite3.Connection:
        """The connection of this thread."""
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)
            _enable_wal(db)
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(_TABLE)
            self._local.db = db
        return db

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """The connection; what SQLite raises becomes SourceUnavailable."""
        try:
            yield self._connection()
        except (OSError, sqlite3.Error) as error:
            if is_damage(error):
                raise SourceUnavailable(
                    f"{self._path} is damaged ({error}): delete it, it holds nothing but the pace of calls, and run "
                    "this again."
                ) from error
            raise SourceUnavailable(
                f"The rate limit cannot be shared in {self._path} ({error}): let this user read and write there, "
                "or set REDIS_URL."
            ) from error


def _enable_wal(db: sqlite3.Connection) -> None:
    """Turn on the write-ahead log of the file.

    SQLite refuses all but one of the processes that do so to a new file at once, instead of letting them wait.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.002)
        else:
            return
