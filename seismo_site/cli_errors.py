"""Error handling of the command line: errors that an operator can fix are one sentence, without a traceback.

A command raises `CommandError` for errors of its own. This module handles those of all commands: invalid settings, a
database that is unreachable, not migrated or full, an interrupt, a closed pipe.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import DatabaseError, InterfaceError, OperationalError

from marketdata.database_damage import is_damage
from seismo_site.management_utility import SeismoUtility

NO_MEMORY = "There is not enough memory for this: allow the process more, or request less at once."
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
NOT_MIGRATED = {"42P01", "42703"}  # PostgreSQL: undefined table, undefined column
FULL = {"53100", "54000"}  # disk full, program limit exceeded


def execute_on_one_connection(arguments: list[str]) -> None:
    """Execute a management command without a connection pool, whose timeout would hide a connection error."""
    database: dict[str, Any] = settings.DATABASES["default"]
    database["OPTIONS"].pop("pool", None)
    SeismoUtility(arguments).execute()


def run(arguments: Sequence[str], execute: Callable[[list[str]], None] = execute_on_one_connection) -> int:
    """Run a management command; returns the exit status. Unexpected errors keep their traceback."""
    try:
        execute(list(arguments))
    except ImproperlyConfigured as error:
        return _print_error(str(error))
    except (DatabaseError, InterfaceError) as error:
        sentence = explain(error)
        if sentence is None:
            raise
        return _print_error(sentence)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # `run_scan ... | head`: the reader has ended. Python's own flush at exit must not complain about it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, MemoryError, RuntimeError, ImportError) as error:
        sentence = explain_file(error) if isinstance(error, OSError) else explain_memory(error)
        if sentence is None:
            raise
        return _print_error(sentence)
    return 0


def explain_memory(error: MemoryError | RuntimeError | ImportError) -> str | None:
    """The sentence about a lack of memory, of which a refused thread and a library that finds no room are two; None for
    another error."""
    signs = ("can't start new thread", "failed to map segment", "annot allocate memory")
    is_lack = isinstance(error, MemoryError) or any(sign in str(error) for sign in signs)
    return NO_MEMORY if is_lack else None


def explain_file(error: OSError) -> str | None:
    """One sentence for a file of the data directory that cannot be used; None for any other."""
    named = [Path(os.fsdecode(name)) for name in (error.filename, error.filename2) if name]
    if not any(path.is_relative_to(settings.DATA_DIR) for path in named):
        return None
    return (
        f"{named[0]} cannot be used ({error.strerror}): check what is there, its owner and the space on its disk, "
        "then run this again."
    )


def explain(error: Exception) -> str | None:
    """One sentence for a database error that its operator can mend; None for any other."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or ""
    code = getattr(cause, "sqlite_errorcode", None)
    text = str(error)
    if state in NOT_MIGRATED or text.startswith(("no such table", "no such column")):
        return "The database is not migrated: run `manage.py migrate`."
    if state in FULL or code == sqlite3.SQLITE_FULL:
        return "The disk of the database is full: make room and run this again."
    if is_damage(error):
        return (
            f"The database {database_file()} is damaged ({text}): restore the newest backup with `manage.py restore "
            "DIR`, which keeps the damaged file aside."
        )
    if code == sqlite3.SQLITE_BUSY:
        return "Another process has been writing to the database for too long: run this again."
    if code == sqlite3.SQLITE_READONLY:
        return "The database may not be written to: check the owner of its file and directory."
    if code == sqlite3.SQLITE_CANTOPEN:
        return "The database file cannot be opened: check SEISMO_DATA_DIR or DATABASE_URL."
    if isinstance(error, OperationalError) and cause is not None and code is None and not state:
        # No connection came about; libpq tells why in its last clause, the server's words after "FATAL:".
        why = (text.strip().splitlines() or [type(cause).__name__])[0].split("FATAL:")[-1].strip()
        return f"The database cannot be reached ({why}): check DATABASE_URL and the server."
    return None


def database_file() -> str:
    """The file of the database where that is SQLite."""
    return str(settings.DATABASES["default"]["NAME"])


def _print_error(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1
