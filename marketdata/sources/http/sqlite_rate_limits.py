"""Paces shared by the processes of one host through rows of a SQLite file of their own.

Not in the record's file where that is SQLite: a batch that is being recorded locks it for longer than calls lie apart.
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
"""Seconds that a process waits for others that have the file locked."""
_TABLE = "CREATE TABLE IF NOT EXISTS pace (name TEXT PRIMARY KEY, state TEXT NOT NULL)"


class SqliteRateLimits:
    """One row a group. The wall clock, which is the same for all processes of a host."""

    blocking = True

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._of_thread = threading.local()

    def read(self, key: str) -> StoredState:
        with self._told() as db:
            row = db.execute("SELECT state FROM pace WHERE name = ?", (key,)).fetchone()
        return StoredState(RateLimitState.of_text(row[0]) if row else RateLimitState(), self._clock(), row and row[0])

    def swap(self, key: str, seen: StoredState, new: RateLimitState) -> bool:
        with self._told() as db:
            if seen.known_by is None:
                done = db.execute("INSERT OR IGNORE INTO pace VALUES (?, ?)", (key, new.text()))
            else:
                done = db.execute(
                    "UPDATE pace SET state = ? WHERE name = ? AND state = ?",
                    (new.text(), key, seen.known_by),
                )
        return done.rowcount == 1

    def close(self) -> None:
        db = getattr(self._of_thread, "db", None)
        if db is not None:
            db.close()
            del self._of_thread.db

    def _opened(self) -> sqlite3.Connection:
        """The connection of this thread."""
        found: sqlite3.Connection | None = getattr(self._of_thread, "db", None)
        if found is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            found = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)
            _log_ahead(found)
            found.execute("PRAGMA synchronous = NORMAL")
            found.execute(_TABLE)
            self._of_thread.db = found
        return found

    @contextmanager
    def _told(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._opened()
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


def _log_ahead(db: sqlite3.Connection) -> None:
    """Give the file a write-ahead log, which it keeps.

    Where processes do that to a new file together, SQLite refuses all but one instead of letting them wait.
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
