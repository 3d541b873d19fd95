"""Several query sets in one statement: pages need many small reads, and each statement costs a way to the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet


def evaluate_together(*query_sets: QuerySet[Any, Any]) -> None:
    """Evaluate the query sets in one statement on the default database: afterwards each has its rows, in its order, as
    if it had been evaluated by itself.

    The statement is a union in which each query set has columns of its own, which are null (of their type) in the rows
    of the others, beside the number of the query set and the place of the row.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    parts = []
    for query_set in query_sets:
        compiler = query_set.query.get_compiler(connection=connection)
        try:
            sql, params = compiler.as_sql()
        except EmptyResultSet:
            query_set._result_cache = []
            continue
        types = [column.output_field.cast_db_type(connection) for column, _, _ in compiler.select]
        parts.append((query_set, compiler, sql, params, [f"CAST(NULL AS {name})" for name in types]))
    if not parts:
        return
    widths = [len(nulls) for *_, nulls in parts]
    selects, values = [], []
    for number, (_, _, sql, params, _) in enumerate(parts):
        before = [null for *_, nulls in parts[:number] for null in nulls]
        after = [null for *_, nulls in parts[number + 1 :] for null in nulls]
        columns = ", ".join([str(number), "ROW_NUMBER() OVER ()", *before, f"part{number}.*", *after])
        selects.append(f"SELECT {columns} FROM ({sql}) AS part{number}")  # noqa: S608 - the ORM's
        values += params
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(selects), values)
        rows: list[list[tuple[Any, ...]]] = [[] for _ in parts]
        for row in sorted(cursor.fetchall(), key=lambda row: row[:2]):
            start = 2 + sum(widths[: row[0]])
            rows[row[0]].append(row[start : start + widths[row[0]]])
    for (query_set, compiler, *_), own in zip(parts, rows, strict=True):
        query_set._result_cache = _results(query_set, compiler, own)


def _results(query_set: QuerySet[Any, Any], compiler: Any, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """What the query set makes of the rows of its statement."""
    compiler.execute_sql = lambda *args, **kwargs: [rows]
    evaluated = query_set.all()
    evaluated.query.get_compiler = lambda *args, **kwargs: compiler  # type: ignore[method-assign]
    results: list[Any] = [*evaluated._iterable_class(evaluated)]  # type: ignore[misc]
    return results
