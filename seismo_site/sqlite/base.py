"""The database wrapper of the backend `seismo_site.sqlite`, and connections that stay open between requests."""

from __future__ import annotations

import os
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that stays open is used again as long as its file is the one at its path, and after no error: a
    restored backup takes the place of the file."""

    _file: tuple[int, int] | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self._file = self._current_file()  # before it is opened: of two files in turn the older one
        return super().get_new_connection(conn_params)

    def is_usable(self) -> bool:
        return not self.errors_occurred and self._file == self._current_file()

    def _current_file(self) -> tuple[int, int] | None:
        """Device and number of the file; None where there is none, as in memory."""
        try:
            state = os.stat(self.settings_dict["NAME"])
        except OSError:
            return None
        return state.st_dev, state.st_ino


def keep_connections() -> None:
    """From now on each thread keeps its connection to an SQLite file open between requests: to open it takes longer
    than a page, and its pages in memory are lost. For servers whose threads stay; a process that forks may not have
    connections then."""
    database = connections.settings[DEFAULT_DB_ALIAS]
    if database["ENGINE"] != "django.db.backends.sqlite3":
        return
    for connection in connections.all(initialized_only=True):
        connection.close()
        del connections[connection.alias]
    database |= {"ENGINE": "seismo_site.sqlite", "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
