"""Statements that are made once and run with other values: for what is asked so often that to build a query set takes
longer than to run it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet


class PreparedStatement:
    """The rows of a `values_list`. `make` gives the query set for some values, `example` such values: text or dates,
    each different from all others that the statement has."""

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], *example: str | date) -> None:
        self._make, self._example = make, example

    def rows(self, *values: str | date) -> list[tuple[Any, ...]]:
        """The rows for these values, as the database gives them: dates are text where they are that there."""
        statement, wanted = self._made
        given = [values[one] if isinstance(one, int) else one.value for one in wanted]
        adapt = connection.ops.adapt_datefield_value
        with connection.cursor() as cursor:
            use_binary_format(cursor)
            cursor.execute(statement, [adapt(one) if isinstance(one, date) else one for one in given])
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    @cached_property
    def _made(self) -> tuple[str, list[int | Fixed]]:
        """The statement, and for each of its places which of the values stands there, or what always does."""
        statement, values = self._make(*self._example).query.sql_with_params()
        places = {str(value): n for n, value in enumerate(self._example)}
        return str(statement), [places.get(str(value), Fixed(value)) for value in values]


def use_binary_format(cursor: Any) -> None:
    """Have PostgreSQL give this cursor of Django's its values in binary form, which is read in half the time."""
    if connection.vendor == "postgresql":
        from psycopg.pq import Format  # not where there is SQLite

        cursor.cursor.format = Format.BINARY


class Fixed(NamedTuple):
    """What a statement has whatever is asked for."""

    value: Any
