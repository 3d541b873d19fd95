"""Detection of database errors that mean a damaged SQLite file."""

from __future__ import annotations

import sqlite3

CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR}
"""Malformed, not a database, or not to be read to its end; the lowest byte of SQLite's extended codes."""
UNDECODABLE = "Could not decode to UTF-8"


def is_damage(error: BaseException) -> bool:
    """Whether `error`, SQLite's or Django's around it, means a damaged file."""
    cause: BaseException | None = error
    while cause is not None:
        code = getattr(cause, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in CODES:
            return True
        if isinstance(cause, sqlite3.Error) and str(cause).startswith(UNDECODABLE):
            return True
        cause = cause.__cause__
    return False
