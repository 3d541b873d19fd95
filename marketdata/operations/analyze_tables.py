"""Statistics of the database's tables for its query planner."""

from __future__ import annotations

from django.db import connection
from django.db.models import Model

MANY = 10_000


def analyze(rows: int, *models: type[Model]) -> None:
    """ANALYZE tables after `rows` were written, where these are many. PostgreSQL does so by itself a minute or two
    later; until then it plans for the former contents, which are empty before a first import."""
    if rows < MANY or connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")
