"""Several query sets in one statement: pages need many small reads, and each statement costs a way to the database."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import copy
from datetime import date
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet

from caching.memo import Memo

T = TypeVar("T")
Parameter = str | int | date
COMPILED, VALUES = "_compiled_parts", "_values"
"""The attributes of a query set that is used again: what was compiled, and its own values."""
Evaluate = Callable[..., None]
"""`evaluate_together`, or a function that evaluates further query sets in the same statement."""
TEMPLATES: Memo[Any] = Memo(64)
"""What `reuse_queries` copies."""


class CompiledPart(NamedTuple):
    """The compiler of a query set on databases of a vendor, its statement and the types of its columns; `sql` "": the
    query set has no rows whatever the tables hold."""

    vendor: str
    compiler: Any
    sql: str
    params: Sequence[Any]
    types: Sequence[str]


def reuse_queries(key: Hashable, make: Callable[[], T], values: Mapping[Parameter, Parameter] | None = None) -> T:
    """A copy of the object that `make` returned first for this key, whose query sets are not evaluated. They are built
    once, and compiled once by `evaluate_together`: that takes longer than to run them. The key names the class and
    everything that the query sets depend on, but for `values`: placeholder -> the value that takes its place, of the
    same type, where no other parameter is; such query sets are evaluated by `evaluate_together` alone."""
    template: T = TEMPLATES.get(key, None, make)
    copied = copy(template)
    for name, value in vars(template).items():
        if isinstance(value, QuerySet):
            vars(copied)[name] = _unevaluated(value, values)
        elif isinstance(value, list) and value and isinstance(value[0], QuerySet):
            vars(copied)[name] = [_unevaluated(one, values) for one in value]
    return copied


def _unevaluated(query_set: QuerySet[Any, Any], values: Mapping[Parameter, Parameter] | None) -> QuerySet[Any, Any]:
    """The query set anew, with its own values; the two share what `_compiled` writes."""
    own = vars(query_set)
    fresh = query_set.all()
    vars(fresh)[COMPILED] = own.setdefault(COMPILED, [])
    if values:
        vars(fresh)[VALUES] = {str(placeholder): value for placeholder, value in values.items()}
    return fresh


def evaluate_together(*query_sets: QuerySet[Any, Any]) -> None:
    """Evaluate the query sets in one statement on the default database: afterwards each has its rows, in its order, as
    if it had been evaluated by itself.

    The statement is a union of the query sets. They share its columns: it has as many of each type as the query set
    with the most of them, and the others are null there. Beside these are the number of the query set and, where it is
    ordered, the place of the row. The first part of the union has no rows and gives the columns their types.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    parts = []
    for query_set in query_sets:
        part = _compiled(query_set, connection)
        if part.sql:
            parts.append((query_set, part.compiler, part.sql, part.params, part.types))
        else:
            query_set._result_cache = []
    if not parts:
        return
    shared = _shared_columns([types for *_, types in parts])
    nulls = [f"CAST(NULL AS {name})" if name else "NULL" for name in shared]
    tables: list[str] = []
    values: list[Any] = []
    selects = [f"SELECT 0, 0, {', '.join(nulls)} WHERE 1 = 0"]
    places = [_places(shared, types) for *_, types in parts]
    for number, (query_set, _, sql, params, _) in enumerate(parts):
        columns = [f"c{n}" for n in range(len(places[number]))]
        tables.append(f"part{number} ({', '.join(columns)}) AS ({sql})")
        cells = dict(zip(places[number], columns, strict=True))
        row = [cells.get(place, "NULL") for place in range(len(shared))]
        order = "ROW_NUMBER() OVER ()" if query_set.ordered else "0"
        selects.append(f"SELECT {number}, {order}, {', '.join(row)} FROM part{number}")  # noqa: S608 - the ORM's
        values += params
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(tables)} {' UNION ALL '.join(selects)}", values)
        rows: list[list[tuple[Any, ...]]] = [[] for _ in parts]
        for number, _, *row in sorted(cursor.fetchall(), key=itemgetter(0, 1)):
            rows[number].append(tuple([row[place] for place in places[number]]))
    for (query_set, compiler, *_), own in zip(parts, rows, strict=True):
        query_set._result_cache = _results(query_set, compiler, own)


def _compiled(query_set: QuerySet[Any, Any], connection: Any) -> CompiledPart:
    """The query set compiled, or as it was compiled before (`reuse_queries`), with a compiler of this connection."""
    kept: list[CompiledPart] = vars(query_set).get(COMPILED, [])
    part = next((one for one in kept if one.vendor == connection.vendor), None)
    if part is None:
        compiler = query_set.query.get_compiler(connection=connection)
        try:
            sql, params = compiler.as_sql()
            part = CompiledPart(connection.vendor, compiler, sql, params, _types(compiler))
        except EmptyResultSet:
            part = CompiledPart(connection.vendor, compiler, "", (), ())
        kept.append(part)
    compiler = copy(part.compiler)
    compiler.connection = connection
    values: Mapping[str, Parameter] = vars(query_set).get(VALUES, {})
    adapt = connection.ops.adapt_datefield_value
    params = [values.get(str(param), param) for param in part.params] if values else part.params
    params = [adapt(param) if isinstance(param, date) else param for param in params] if values else params
    return part._replace(compiler=compiler, params=params)


def _types(compiler: Any) -> list[str]:
    """The type of each column of a query, without its size; "" on SQLite, where a column takes values of any type."""
    if compiler.connection.vendor == "sqlite":
        return [""] * len(compiler.select)
    return [column.output_field.cast_db_type(compiler.connection).partition("(")[0] for column, _, _ in compiler.select]


def _shared_columns(parts: Sequence[Sequence[str]]) -> list[str]:
    """The types of the columns that are enough for each of the parts, which have columns of these types."""
    counts: Counter[str] = Counter()
    for types in parts:
        counts |= Counter(types)
    return list(counts.elements())


def _places(shared: Sequence[str], types: Sequence[str]) -> list[int]:
    """The shared column of each column of a part."""
    free: dict[str, deque[int]] = {}
    for place, name in enumerate(shared):
        free.setdefault(name, deque()).append(place)
    return [free[name].popleft() for name in types]


def _results(query_set: QuerySet[Any, Any], compiler: Any, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """What the query set makes of the rows of its statement."""
    compiler.execute_sql = lambda *args, **kwargs: [rows]
    evaluated = query_set.all()
    evaluated.query.get_compiler = lambda *args, **kwargs: compiler  # type: ignore[method-assign]
    results: list[Any] = [*evaluated._iterable_class(evaluated)]  # type: ignore[misc]
    return results
