"""Query sets that every request evaluates: their SQL is compiled once, as compiling takes longer than running it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet


class CompiledQuery:
    """The query set that `make` returns, on the default database, compiled once for each thread and its connection.
    The values by which `make` filters are placeholders: `rows` takes the real ones, in the same order."""

    def __init__(self, make: Callable[[], QuerySet[Any, Any]]) -> None:
        self._make = make
        self._local = threading.local()

    def rows(self, *values: str | int) -> list[tuple[Any, ...]]:
        """The rows: the columns of the query set, then those of its related models."""
        connection = connections[DEFAULT_DB_ALIAS]
        if getattr(self._local, "connection", None) is not connection:
            compiler = self._make().query.get_compiler(connection=connection)
            self._local.sql, _ = compiler.as_sql()
            self._local.converters = compiler.get_converters([column for column, _, _ in compiler.select])
            self._local.compiler, self._local.connection = compiler, connection
        with connection.cursor() as cursor:
            cursor.execute(self._local.sql, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        if self._local.converters:
            rows = [tuple(row) for row in self._local.compiler.apply_converters(rows, self._local.converters)]
        return rows
