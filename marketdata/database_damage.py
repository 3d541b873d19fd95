"""Whether an error of the database says that SQLite's file is damaged."""

from __future__ import annotations

import sqlite3

CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR}
"""Malformed, not a database, or not to be read to its end; the lowest byte of SQLite's extended codes."""
UNDECODABLE = "Could not decode to UTF-8"


def is_damage(error: BaseException) -> bool:
    """Whether `error`, SQLite's or Django's around it, tells of a damaged file."""
    found: BaseException | None = error
    while found is not None:
        code = getattr(found, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in CODES:
            return True
        if isinstance(found, sqlite3.Error) and str(found).startswith(UNDECODABLE):
            return True
        found = found.__cause__
    return False
