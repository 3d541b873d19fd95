"""A prepared state of the database and the data directory: made once in a process, copied for every test after that.

Importing a market and scanning it takes far longer than copying its rows and files. `Prepared.state` makes a state the
first time and takes a snapshot of what that changed; later calls put the snapshot back, inside the test's own
transaction. PostgreSQL's rows are kept in the binary form of COPY, so that no type passes through Python. A rollback
takes no number back that a sequence of PostgreSQL gave: a row that the state refers to and that another fixture creates
has a key of its own choice. The state is made each time for a test without a transaction around it: such tests empty
every table afterwards, rows of migrations included.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Rows = list[tuple[Any, ...]] | bytes
"""Of SQLite the tuples, of PostgreSQL the bytes of COPY."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rows of the tables that changed, and a folder with the files of the data directory."""

    tables: dict[str, Rows]
    files: Path


class Prepared:
    """The snapshots of a test process, by name, with their files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._snapshots: dict[str, Snapshot] = {}

    def state(self, name: str, data: Path, make: Callable[[], object]) -> None:
        """Bring the database and the data directory `data` into the state that `make` makes of the one before."""
        from django.db import connection

        if not connection.in_atomic_block:
            make()
        elif name in self._snapshots:
            _restore(self._snapshots[name], data)
        else:
            before = _tables()
            make()
            after = _tables()
            files = self._folder / name
            shutil.copytree(data, files)
            changed = {table: rows for table, rows in after.items() if rows != before[table]}
            self._snapshots[name] = Snapshot(changed, files)


def _tables() -> dict[str, Rows]:
    from django.db import connection

    with connection.cursor() as cursor:
        return {table: _rows(cursor, table) for table in connection.introspection.table_names(cursor)}


def _rows(cursor: Any, table: str) -> Rows:
    if cursor.db.vendor == "postgresql":
        with cursor.copy(f'COPY "{table}" TO STDOUT (FORMAT binary)') as rows:
            return b"".join(rows)
    cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
    return cursor.fetchall()  # type: ignore[no-any-return]


def _restore(snapshot: Snapshot, data: Path) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for table in snapshot.tables:
            cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608
        for table, rows in snapshot.tables.items():
            if isinstance(rows, bytes):
                with cursor.copy(f'COPY "{table}" FROM STDIN (FORMAT binary)') as copy:
                    copy.write(rows)
            elif rows:
                marks = ", ".join(["%s"] * len(rows[0]))
                cursor.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)  # noqa: S608
    shutil.copytree(snapshot.files, data, dirs_exist_ok=True)
