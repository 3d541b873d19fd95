"""Prepared statements of the ORM: built once and run with other values, for queries that take longer to build than to
run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet


class PreparedStatement:
    """A `values_list` with parameters. `make` returns the query set for some values; `example` are such values, each
    different from all other values of the statement."""

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], *example: str | int | date) -> None:
        self._make, self._example = make, example

    def rows(self, *values: str | int | date) -> list[tuple[Any, ...]]:
        """The rows for these values, as the database gives them: dates are text where they are that there."""
        statement, places = self._statement
        parameters = [values[place] if isinstance(place, int) else place.value for place in places]
        adapt = connection.ops.adapt_datefield_value
        with connection.cursor() as cursor:
            use_binary_format(cursor)
            cursor.execute(statement, [adapt(value) if isinstance(value, date) else value for value in parameters])
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    @cached_property
    def _statement(self) -> tuple[str, list[int | Constant]]:
        """The statement, and for each of its parameters the number of the value, or a constant."""
        statement, values = self._make(*self._example).query.sql_with_params()
        places = {str(value): n for n, value in enumerate(self._example)}
        return str(statement), [places.get(str(value), Constant(value)) for value in values]


def use_binary_format(cursor: Any) -> None:
    """Have PostgreSQL send the values of this cursor in binary format, which is read in half the time."""
    if connection.vendor == "postgresql":
        from psycopg.pq import Format  # not where there is SQLite

        cursor.cursor.format = Format.BINARY


def pad_codes(codes: Iterable[str], least: int = 1) -> list[str]:
    """The codes in order, the last one repeated up to a power of two, `least` at least: few statements serve all
    numbers of codes."""
    names = sorted(set(codes))
    places = max(1 << (len(names) - 1).bit_length(), least)
    return names + names[-1:] * (places - len(names)) if names else []


def example_codes(places: int) -> Iterable[str]:
    """So many codes for a prepared statement."""
    return (f"code {place}" for place in range(places))


class Constant(NamedTuple):
    """A parameter that is the same in each run."""

    value: Any
